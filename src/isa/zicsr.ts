/** Zicsr: reading and changing control and status registers (Unprivileged 10). */
import { fields, masks, opcodes } from './encoding';
import type { Instruction } from './instruction';
import type { SystemOp } from './semantics';

const entry = (op: SystemOp, funct3: number, format: 'csr' | 'csri', summary: string): Instruction => ({
  name: op,
  extension: 'Zicsr',
  match: fields(opcodes.system, funct3),
  mask: masks.funct3,
  format,
  action: { k: 'system', op },
  summary,
});

export const zicsr: readonly Instruction[] = [
  entry('csrrw', 1, 'csr', 'Writes rs1 to the CSR and sets rd to its old value; with rd = x0 the CSR is not read.'),
  entry(
    'csrrs',
    2,
    'csr',
    'Sets the CSR bits that are 1 in rs1; rd receives the old value; with rs1 = x0 the CSR is not written.',
  ),
  entry(
    'csrrc',
    3,
    'csr',
    'Clears the CSR bits that are 1 in rs1; rd receives the old value; with rs1 = x0 the CSR is not written.',
  ),
  entry(
    'csrrwi',
    5,
    'csri',
    'Writes a five-bit constant to the CSR and sets rd to its old value; with rd = x0 the CSR is not read.',
  ),
  entry(
    'csrrsi',
    6,
    'csri',
    'Sets the CSR bits that are 1 in a five-bit constant; rd receives the old value; a constant of 0 writes nothing.',
  ),
  entry(
    'csrrci',
    7,
    'csri',
    'Clears the CSR bits that are 1 in a five-bit constant; rd receives the old value; a constant of 0 writes nothing.',
  ),
];
