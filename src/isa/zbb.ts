/** Zbb: basic bit manipulation (Bit-Manipulation 1.2). */
import { fields, masks, opcodes } from './encoding';
import type { ExtensionEntry } from './extension-table';
import { computing, extensionTable } from './extension-table';
import type { CompareOp, Expr } from './semantics';
import { binary, compare, constant, imm, rs1, rs2, select, sext32, unary, zext32 } from './semantics';

const register = (name: string, funct3: number, funct7: number, value: Expr, summary: string): ExtensionEntry =>
  computing(name, fields(opcodes.op, funct3, funct7), masks.funct7, 'R', value, summary);

const register32 = (name: string, funct3: number, funct7: number, value: Expr, summary: string): ExtensionEntry =>
  computing(name, fields(opcodes.op32, funct3, funct7), masks.funct7, 'R', value, summary);

/** An operation on rs1 alone; `selector` stands in the field of rs2. */
const single = (
  name: string,
  [opcode, funct3, funct7, selector]: readonly [number, number, number, number],
  value: Expr,
  summary: string,
): ExtensionEntry =>
  computing(name, (fields(opcode, funct3, funct7) | (selector << 20)) >>> 0, masks.funct7Rs2, 'unary', value, summary);

const extreme = (op: CompareOp): Expr => select(compare(op, rs1, rs2), rs1, rs2);
const inverted = (value: Expr): Expr => binary('xor', value, constant(-1));

const low = zext32(rs1);
const HALF = constant(32);

/** The low 32 bits of rs1 rotated: both shifts of a zero-extended word bring the bits that the low half then shows. */
function rotated(towards: 'shl' | 'shru', amount: Expr): Expr {
  const back = towards === 'shl' ? 'shru' : 'shl';
  return sext32(binary('or', binary(towards, low, amount), binary(back, low, binary('sub', HALF, amount))));
}

/** The amount of a 32-bit rotation by a register: its low five bits. */
const amount32 = binary('and', rs2, constant(31));

export const zbb = extensionTable('Zbb', { onByDefault: true }, [
  register('andn', 7, 0x20, binary('and', rs1, inverted(rs2)), 'Sets rd to rs1 and the inverse of rs2, bit by bit.'),
  register('orn', 6, 0x20, binary('or', rs1, inverted(rs2)), 'Sets rd to rs1 or the inverse of rs2, bit by bit.'),
  register('xnor', 4, 0x20, inverted(binary('xor', rs1, rs2)), 'Sets each bit of rd where rs1 and rs2 agree.'),

  single(
    'clz',
    [opcodes.opImm, 1, 0x30, 0],
    unary('clz', rs1),
    'Counts the zeros above the highest one of rs1; 64 if rs1 is zero.',
  ),
  single(
    'clzw',
    [opcodes.opImm32, 1, 0x30, 0],
    binary('sub', unary('clz', low), HALF),
    'Counts the zeros above the highest one in the low 32 bits of rs1; 32 if they are zero.',
  ),
  single(
    'ctz',
    [opcodes.opImm, 1, 0x30, 1],
    unary('ctz', rs1),
    'Counts the zeros below the lowest one of rs1; 64 if rs1 is zero.',
  ),
  single(
    'ctzw',
    [opcodes.opImm32, 1, 0x30, 1],
    unary('ctz', binary('or', rs1, constant(1n << 32n))),
    'Counts the zeros below the lowest one in the low 32 bits of rs1; 32 if they are zero.',
  ),
  single('cpop', [opcodes.opImm, 1, 0x30, 2], unary('popcount', rs1), 'Counts the ones in rs1.'),
  single('cpopw', [opcodes.opImm32, 1, 0x30, 2], unary('popcount', low), 'Counts the ones in the low 32 bits of rs1.'),

  register('min', 4, 0x05, extreme('lt'), 'Sets rd to the lesser of rs1 and rs2, both signed.'),
  register('minu', 5, 0x05, extreme('ltu'), 'Sets rd to the lesser of rs1 and rs2, both unsigned.'),
  register('max', 6, 0x05, extreme('ge'), 'Sets rd to the greater of rs1 and rs2, both signed.'),
  register('maxu', 7, 0x05, extreme('geu'), 'Sets rd to the greater of rs1 and rs2, both unsigned.'),

  single(
    'sext.b',
    [opcodes.opImm, 1, 0x30, 4],
    unary('sext8', rs1),
    'Sets rd to the lowest byte of rs1, sign-extended.',
  ),
  single(
    'sext.h',
    [opcodes.opImm, 1, 0x30, 5],
    unary('sext16', rs1),
    'Sets rd to the low 16 bits of rs1, sign-extended.',
  ),
  single(
    'zext.h',
    [opcodes.op32, 4, 0x04, 0],
    unary('zext16', rs1),
    'Sets rd to the low 16 bits of rs1, zero-extended.',
  ),

  register('rol', 1, 0x30, binary('rotl', rs1, rs2), 'Rotates rs1 left by the low six bits of rs2, into rd.'),
  register('ror', 5, 0x30, binary('rotr', rs1, rs2), 'Rotates rs1 right by the low six bits of rs2, into rd.'),
  computing(
    'rori',
    fields(opcodes.opImm, 5, 0x30),
    masks.funct6,
    'shift64',
    binary('rotr', rs1, imm),
    'Rotates rs1 right by a constant, into rd.',
  ),
  register32(
    'rolw',
    1,
    0x30,
    rotated('shl', amount32),
    'Rotates the low 32 bits of rs1 left by the low five bits of rs2, into rd, sign-extended from 32 bits.',
  ),
  register32(
    'rorw',
    5,
    0x30,
    rotated('shru', amount32),
    'Rotates the low 32 bits of rs1 right by the low five bits of rs2, into rd, sign-extended from 32 bits.',
  ),
  computing(
    'roriw',
    fields(opcodes.opImm32, 5, 0x30),
    masks.funct7,
    'shift32',
    rotated('shru', imm),
    'Rotates the low 32 bits of rs1 right by a constant, into rd, sign-extended from 32 bits.',
  ),

  single(
    'orc.b',
    [opcodes.opImm, 5, 0x14, 7],
    unary('orbytes', rs1),
    'Sets each byte of rd to 255 where the byte of rs1 is not zero, else to 0.',
  ),
  single(
    'rev8',
    [opcodes.opImm, 5, 0x35, 0x18],
    unary('revbytes', rs1),
    'Sets rd to the bytes of rs1 in reverse order.',
  ),
]);
