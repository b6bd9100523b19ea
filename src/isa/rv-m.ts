/** M: integer multiplication and division (Unprivileged 13). */
import { fields, masks, opcodes } from './encoding';
import type { Instruction } from './instruction';
import type { Expr } from './semantics';
import { binary, rs1, rs2, sext32, zext32 } from './semantics';

const FUNCT7_MULDIV = 1;

const muldiv = (name: string, opcode: number, funct3: number, value: Expr, summary: string): Instruction => ({
  name,
  extension: 'M',
  match: fields(opcode, funct3, FUNCT7_MULDIV),
  mask: masks.funct7,
  format: 'R',
  action: { k: 'compute', value },
  summary,
});

// The signed 32-bit overflow, -2^31 / -1, needs no rule of its own: the 64-bit quotient 2^31 is sign-extended to -2^31.
const signed1 = sext32(rs1);
const signed2 = sext32(rs2);
const unsigned1 = zext32(rs1);
const unsigned2 = zext32(rs2);

export const rvM: readonly Instruction[] = [
  muldiv('mul', opcodes.op, 0, binary('mul', rs1, rs2), 'Sets rd to the low 64 bits of rs1 times rs2.'),
  muldiv('mulh', opcodes.op, 1, binary('mulh', rs1, rs2), 'Sets rd to the high 64 bits of rs1 times rs2, both signed.'),
  muldiv(
    'mulhsu',
    opcodes.op,
    2,
    binary('mulhsu', rs1, rs2),
    'Sets rd to the high 64 bits of rs1 times rs2, rs1 signed and rs2 unsigned.',
  ),
  muldiv(
    'mulhu',
    opcodes.op,
    3,
    binary('mulhu', rs1, rs2),
    'Sets rd to the high 64 bits of rs1 times rs2, both unsigned.',
  ),
  muldiv(
    'div',
    opcodes.op,
    4,
    binary('div', rs1, rs2),
    'Sets rd to rs1 divided by rs2, signed, rounded towards zero; -1 if rs2 is zero.',
  ),
  muldiv(
    'divu',
    opcodes.op,
    5,
    binary('divu', rs1, rs2),
    'Sets rd to rs1 divided by rs2, unsigned; all ones if rs2 is zero.',
  ),
  muldiv(
    'rem',
    opcodes.op,
    6,
    binary('rem', rs1, rs2),
    'Sets rd to the remainder of rs1 divided by rs2, with the sign of rs1; rs1 if rs2 is zero.',
  ),
  muldiv(
    'remu',
    opcodes.op,
    7,
    binary('remu', rs1, rs2),
    'Sets rd to the remainder of rs1 divided by rs2, unsigned; rs1 if rs2 is zero.',
  ),
  muldiv(
    'mulw',
    opcodes.op32,
    0,
    sext32(binary('mul', rs1, rs2)),
    'Multiplies the low 32 bits of rs1 and rs2 and sets rd to the low 32 bits of the product, sign-extended.',
  ),
  muldiv(
    'divw',
    opcodes.op32,
    4,
    sext32(binary('div', signed1, signed2)),
    'Divides the low 32 bits of rs1 by those of rs2, signed, into rd, sign-extended; -1 if the divisor is zero.',
  ),
  muldiv(
    'divuw',
    opcodes.op32,
    5,
    sext32(binary('divu', unsigned1, unsigned2)),
    'Divides the low 32 bits of rs1 by those of rs2, unsigned, into rd, sign-extended from 32 bits; all ones if the divisor is zero.',
  ),
  muldiv(
    'remw',
    opcodes.op32,
    6,
    sext32(binary('rem', signed1, signed2)),
    'Sets rd to the remainder of the low 32 bits of rs1 divided by those of rs2, signed, sign-extended from 32 bits.',
  ),
  muldiv(
    'remuw',
    opcodes.op32,
    7,
    sext32(binary('remu', unsigned1, unsigned2)),
    'Sets rd to the remainder of the low 32 bits of rs1 divided by those of rs2, unsigned, sign-extended from 32 bits.',
  ),
];
