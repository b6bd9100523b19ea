/** F: single-precision floating point (Unprivileged 20). */
import { floatInstruction, floatTable } from './float-table';
import type { Instruction } from './instruction';

export const rvF: readonly Instruction[] = [
  ...floatTable({
    letter: 's',
    extension: 'F',
    code: 0,
    width: 4,
    memoryLetter: 'w',
    precision: 'single precision',
  }),
  floatInstruction(
    'F',
    'fmv.x.w',
    'x=f',
    { funct7: 0x70, selector: 0, funct3: 0 },
    'Sets rd to the low 32 bits of floating-point register rs1, sign-extended.',
  ),
  floatInstruction(
    'F',
    'fmv.w.x',
    'f=x',
    { funct7: 0x78, selector: 0, funct3: 0 },
    'Moves the low 32 bits of integer register rs1 into rd as a single-precision value.',
  ),
];
