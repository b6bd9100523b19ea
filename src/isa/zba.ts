/** Zba: address generation (Bit-Manipulation 1.1). */
import { fields, masks, opcodes } from './encoding';
import type { ExtensionEntry } from './extension-table';
import { computing, extensionTable } from './extension-table';
import type { Expr } from './semantics';
import { binary, constant, imm, rs1, rs2, zext32 } from './semantics';

/** `base` shifted left by a constant, plus rs2. */
const shiftAdd = (base: Expr, amount: number): Expr => binary('add', binary('shl', base, constant(amount)), rs2);

const indexed = (amount: number, funct3: number): ExtensionEntry[] => [
  computing(
    `sh${amount}add`,
    fields(opcodes.op, funct3, 0x10),
    masks.funct7,
    'R',
    shiftAdd(rs1, amount),
    `Sets rd to rs1 shifted left by ${amount}, plus rs2: the address of element rs1 in a table of ${8 << amount}-bit elements at rs2.`,
  ),
  computing(
    `sh${amount}add.uw`,
    fields(opcodes.op32, funct3, 0x10),
    masks.funct7,
    'R',
    shiftAdd(zext32(rs1), amount),
    `Sets rd to the low 32 bits of rs1, zero-extended and shifted left by ${amount}, plus rs2.`,
  ),
];

export const zba = extensionTable('Zba', { onByDefault: true }, [
  computing(
    'add.uw',
    fields(opcodes.op32, 0, 0x04),
    masks.funct7,
    'R',
    binary('add', zext32(rs1), rs2),
    'Sets rd to the low 32 bits of rs1, zero-extended, plus rs2.',
  ),
  ...indexed(1, 2),
  ...indexed(2, 4),
  ...indexed(3, 6),
  computing(
    'slli.uw',
    fields(opcodes.opImm32, 1, 0x04),
    masks.funct6,
    'shift64',
    binary('shl', zext32(rs1), imm),
    'Zero-extends the low 32 bits of rs1 and shifts them left by a constant, into rd.',
  ),
]);
