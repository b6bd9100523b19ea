/** What integer instructions compute, as formulas of their own: from the specification, on signed operands. */
import type { Formula } from '../reference-hart';
import { bool, digits, fromDigits, s32, u32, u64 } from './words';

/** Division as the M extension defines it, for signed operands of a width. */
const quotient = (a: bigint, b: bigint): bigint => (b === 0n ? -1n : a / b);
const remainder = (a: bigint, b: bigint): bigint => (b === 0n ? a : a % b);

const rotateLeft = (text: string, by: number): string => text.slice(by % text.length) + text.slice(0, by % text.length);

function withBit(value: bigint, bit: bigint, change: (digit: string) => string): bigint {
  const at = 63 - Number(bit & 63n);
  const text = digits(value, 64);
  return fromDigits(text.slice(0, at) + change(text[at]) + text.slice(at + 1));
}

const hexBytes = (value: bigint): string[] => u64(value).toString(16).padStart(16, '0').match(/../g) ?? [];

/** rd of each computing instruction with two registers, as a function of signed operands. */
export const registerForms: Record<string, (a: bigint, b: bigint) => bigint> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  sll: (a, b) => a * 2n ** (b & 63n),
  slt: (a, b) => bool(a < b),
  sltu: (a, b) => bool(u64(a) < u64(b)),
  xor: (a, b) => (a | b) - (a & b),
  srl: (a, b) => u64(a) / 2n ** (b & 63n),
  sra: (a, b) => a >> (b & 63n),
  or: (a, b) => a + b - (a & b),
  and: (a, b) => a & b,
  addw: (a, b) => s32(a + b),
  subw: (a, b) => s32(a - b),
  sllw: (a, b) => s32(a << (b & 31n)),
  srlw: (a, b) => s32(u32(a) >> (b & 31n)),
  sraw: (a, b) => s32(a) >> (b & 31n),
  mul: (a, b) => a * b,
  mulh: (a, b) => (a * b) >> 64n,
  mulhsu: (a, b) => (a * u64(b)) >> 64n,
  mulhu: (a, b) => (u64(a) * u64(b)) >> 64n,
  div: quotient,
  divu: (a, b) => quotient(u64(a), u64(b)),
  rem: remainder,
  remu: (a, b) => remainder(u64(a), u64(b)),
  mulw: (a, b) => s32(a * b),
  divw: (a, b) => s32(quotient(s32(a), s32(b))),
  divuw: (a, b) => s32(quotient(u32(a), u32(b))),
  remw: (a, b) => s32(remainder(s32(a), s32(b))),
  remuw: (a, b) => s32(remainder(u32(a), u32(b))),
  'add.uw': (a, b) => u32(a) + b,
  sh1add: (a, b) => 2n * a + b,
  sh2add: (a, b) => 4n * a + b,
  sh3add: (a, b) => 8n * a + b,
  'sh1add.uw': (a, b) => 2n * u32(a) + b,
  'sh2add.uw': (a, b) => 4n * u32(a) + b,
  'sh3add.uw': (a, b) => 8n * u32(a) + b,
  andn: (a, b) => a - (a & b),
  orn: (a, b) => -1n - (b - (a & b)),
  xnor: (a, b) => -1n - ((a | b) - (a & b)),
  min: (a, b) => (a < b ? a : b),
  max: (a, b) => (a > b ? a : b),
  minu: (a, b) => (u64(a) < u64(b) ? a : b),
  maxu: (a, b) => (u64(a) > u64(b) ? a : b),
  rol: (a, b) => fromDigits(rotateLeft(digits(a, 64), Number(b & 63n))),
  ror: (a, b) => fromDigits(rotateLeft(digits(a, 64), 64 - Number(b & 63n))),
  rolw: (a, b) => s32(fromDigits(rotateLeft(digits(a, 32), Number(b & 31n)))),
  rorw: (a, b) => s32(fromDigits(rotateLeft(digits(a, 32), 32 - Number(b & 31n)))),
  bclr: (a, b) => withBit(a, b, () => '0'),
  bset: (a, b) => withBit(a, b, () => '1'),
  binv: (a, b) => withBit(a, b, (digit) => (digit === '0' ? '1' : '0')),
  bext: (a, b) => BigInt(digits(a, 64)[63 - Number(b & 63n)]),
  'czero.eqz': (a, b) => (b === 0n ? 0n : a),
  'czero.nez': (a, b) => (b === 0n ? a : 0n),
};

/** rd of each computing instruction with one register. */
export const singleForms: Record<string, (a: bigint) => bigint> = {
  clz: (a) => BigInt(`${digits(a, 64)}1`.indexOf('1')),
  clzw: (a) => BigInt(`${digits(a, 32)}1`.indexOf('1')),
  ctz: (a) => BigInt(64 - `1${digits(a, 64)}`.lastIndexOf('1')),
  ctzw: (a) => BigInt(32 - `1${digits(a, 32)}`.lastIndexOf('1')),
  cpop: (a) => BigInt(digits(a, 64).split('1').length - 1),
  cpopw: (a) => BigInt(digits(a, 32).split('1').length - 1),
  'sext.b': (a) => BigInt.asIntN(8, a),
  'sext.h': (a) => BigInt.asIntN(16, a),
  'zext.h': (a) => BigInt.asUintN(16, a),
  'orc.b': (a) =>
    BigInt(
      `0x${hexBytes(a)
        .map((byte) => (byte === '00' ? '00' : 'ff'))
        .join('')}`,
    ),
  rev8: (a) => BigInt(`0x${hexBytes(a).reverse().join('')}`),
};

/** rd of each computing instruction with a constant. */
export const immediateForms: Record<string, (a: bigint, imm: bigint) => bigint> = {
  addi: (a, imm) => a + imm,
  slti: (a, imm) => bool(a < imm),
  sltiu: (a, imm) => bool(u64(a) < u64(imm)),
  xori: (a, imm) => (a | imm) - (a & imm),
  ori: (a, imm) => a + imm - (a & imm),
  andi: (a, imm) => a & imm,
  addiw: (a, imm) => s32(a + imm),
};

/** rd of each shift by a constant, and the width of the constant in bits. */
export const shiftForms: Record<string, readonly [number, (a: bigint, amount: bigint) => bigint]> = {
  slli: [6, (a, n) => a << n],
  srli: [6, (a, n) => u64(a) >> n],
  srai: [6, (a, n) => a >> n],
  slliw: [5, (a, n) => s32(a << n)],
  srliw: [5, (a, n) => s32(u32(a) >> n)],
  sraiw: [5, (a, n) => s32(a) >> n],
  'slli.uw': [6, (a, n) => u32(a) << n],
  rori: [6, (a, n) => fromDigits(rotateLeft(digits(a, 64), 64 - Number(n)))],
  roriw: [5, (a, n) => s32(fromDigits(rotateLeft(digits(a, 32), 32 - Number(n))))],
  bclri: [6, (a, n) => withBit(a, n, () => '0')],
  bseti: [6, (a, n) => withBit(a, n, () => '1')],
  binvi: [6, (a, n) => withBit(a, n, (digit) => (digit === '0' ? '1' : '0'))],
  bexti: [6, (a, n) => BigInt(digits(a, 64)[63 - Number(n)])],
};

export const branchForms: Record<string, (a: bigint, b: bigint) => boolean> = {
  beq: (a, b) => a === b,
  bne: (a, b) => a !== b,
  blt: (a, b) => a < b,
  bge: (a, b) => a >= b,
  bltu: (a, b) => u64(a) < u64(b),
  bgeu: (a, b) => u64(a) >= u64(b),
};

const entries = <F>(forms: Record<string, F>, formula: (form: F) => Formula): [string, Formula][] =>
  Object.entries(forms).map(([name, form]) => [name, formula(form)]);

const branch =
  (isTaken: (a: bigint, b: bigint) => boolean): Formula =>
  (hart) => {
    if (isTaken(hart.a, hart.b)) hart.next = hart.pc + hart.imm;
  };

/** Computing instructions, branches and jumps. */
export const integerFormulas: readonly (readonly [string, Formula])[] = [
  ...entries(registerForms, (form) => (hart) => hart.setRd(form(hart.a, hart.b))),
  ...entries(singleForms, (form) => (hart) => hart.setRd(form(hart.a))),
  ...entries(immediateForms, (form) => (hart) => hart.setRd(form(hart.a, hart.imm))),
  ...entries(
    shiftForms,
    ([, form]) =>
      (hart) =>
        hart.setRd(form(hart.a, hart.imm)),
  ),
  ...entries(branchForms, branch),
  ['lui', (hart) => hart.setRd(hart.imm)],
  ['auipc', (hart) => hart.setRd(hart.pc + hart.imm)],
  [
    'jal',
    (hart) => {
      const link = hart.next;
      hart.next = hart.pc + hart.imm;
      hart.setRd(link);
    },
  ],
  [
    'jalr',
    (hart) => {
      const link = hart.next;
      hart.next = (hart.a + hart.imm) & ~1n;
      hart.setRd(link);
    },
  ],
];
