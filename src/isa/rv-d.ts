/** D: double-precision floating point (Unprivileged 21). */
import { floatInstruction, floatTable } from './float-table';
import type { Instruction } from './instruction';

export const rvD: readonly Instruction[] = [
  ...floatTable({
    letter: 'd',
    extension: 'D',
    code: 1,
    width: 8,
    memoryLetter: 'd',
    precision: 'double precision',
  }),
  floatInstruction(
    'D',
    'fcvt.s.d',
    'f=f-round',
    { funct7: 0x20, selector: 1 },
    'Converts the double-precision value of rs1 to single precision.',
  ),
  floatInstruction(
    'D',
    'fcvt.d.s',
    'f=f-exact',
    { funct7: 0x21, selector: 0 },
    'Converts the single-precision value of rs1 to double precision, which is exact.',
  ),
  floatInstruction(
    'D',
    'fmv.x.d',
    'x=f',
    { funct7: 0x71, selector: 0, funct3: 0 },
    'Moves the 64 bits of floating-point register rs1 into integer register rd.',
  ),
  floatInstruction(
    'D',
    'fmv.d.x',
    'f=x',
    { funct7: 0x79, selector: 0, funct3: 0 },
    'Moves the 64 bits of integer register rs1 into floating-point register rd.',
  ),
];
