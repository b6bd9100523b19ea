/** Evaluates expressions of the instruction table on 64-bit integers: for slow paths and as a reference for fast ones. */
import type { BinaryOp, CompareOp, Condition, Expr, UnaryOp } from './semantics';

/** What an expression can ask for. Values may be signed or unsigned; their low 64 bits count. */
export interface Environment {
  readonly x: (operand: 'rs1' | 'rs2') => bigint;
  readonly imm: bigint;
  readonly pc: bigint;
  /** The old memory value of an atomic operation, sign-extended. */
  readonly old: bigint;
}

const signed = (value: bigint): bigint => BigInt.asIntN(64, value);
const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);
const amount = (value: bigint): bigint => value & 63n;

/** Results may exceed 64 bits; `evaluate` wraps them. A zero divisor gives -1 and the dividend (Unprivileged 13.2). */
const binaryOperations: Readonly<Record<BinaryOp, (a: bigint, b: bigint) => bigint>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  mulh: (a, b) => (signed(a) * signed(b)) >> 64n,
  mulhu: (a, b) => (unsigned(a) * unsigned(b)) >> 64n,
  mulhsu: (a, b) => (signed(a) * unsigned(b)) >> 64n,
  div: (a, b) => (b === 0n ? -1n : signed(a) / signed(b)),
  divu: (a, b) => (b === 0n ? -1n : unsigned(a) / unsigned(b)),
  rem: (a, b) => (b === 0n ? a : signed(a) % signed(b)),
  remu: (a, b) => (b === 0n ? a : unsigned(a) % unsigned(b)),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b) => a << amount(b),
  shru: (a, b) => unsigned(a) >> amount(b),
  shrs: (a, b) => signed(a) >> amount(b),
  rotl: (a, b) => (a << amount(b)) | (a >> (64n - amount(b))),
  rotr: (a, b) => (a >> amount(b)) | (a << (64n - amount(b))),
};

/** The eight bytes, the lowest first, and back. */
const bytesOf = (value: bigint): bigint[] => Array.from({ length: 8 }, (_, i) => (value >> BigInt(8 * i)) & 0xffn);
const fromBytes = (bytes: readonly bigint[]): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | byte, 0n);

function trailingZeros(value: bigint): bigint {
  let count = 0n;
  while (count < 64n && ((value >> count) & 1n) === 0n) count++;
  return count;
}

/** Operands are unsigned. */
const unaryOperations: Readonly<Record<UnaryOp, (a: bigint) => bigint>> = {
  sext8: (a) => BigInt.asIntN(8, a),
  sext16: (a) => BigInt.asIntN(16, a),
  sext32: (a) => BigInt.asIntN(32, a),
  zext8: (a) => BigInt.asUintN(8, a),
  zext16: (a) => BigInt.asUintN(16, a),
  zext32: (a) => BigInt.asUintN(32, a),
  clz: (a) => BigInt(64 - (a === 0n ? 0 : a.toString(2).length)),
  ctz: trailingZeros,
  popcount: (a) => BigInt(a.toString(2).replaceAll('0', '').length),
  orbytes: (a) => fromBytes(bytesOf(a).map((byte) => (byte === 0n ? 0n : 0xffn))),
  revbytes: (a) => fromBytes(bytesOf(a).reverse()),
};

const comparisons: Readonly<Record<CompareOp, (a: bigint, b: bigint) => boolean>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => signed(a) < signed(b),
  ltu: (a, b) => a < b,
  ge: (a, b) => signed(a) >= signed(b),
  geu: (a, b) => a >= b,
};

/** Whether the condition holds. */
export const holds = ({ op, a, b }: Condition, environment: Environment): boolean =>
  comparisons[op](evaluate(a, environment), evaluate(b, environment));

/** The value of an expression, as an unsigned 64-bit integer. */
export function evaluate(expr: Expr, environment: Environment): bigint {
  return unsigned(value(expr, environment));
}

function value(expr: Expr, environment: Environment): bigint {
  switch (expr.k) {
    case 'const':
      return expr.value;
    case 'x':
      return environment.x(expr.operand);
    case 'imm':
      return environment.imm;
    case 'pc':
      return environment.pc;
    case 'old':
      return environment.old;
    case 'binary':
      return binaryOperations[expr.op](evaluate(expr.a, environment), evaluate(expr.b, environment));
    case 'unary':
      return unaryOperations[expr.op](evaluate(expr.a, environment));
    case 'test':
      return holds(expr.condition, environment) ? 1n : 0n;
    case 'select':
      return evaluate(holds(expr.condition, environment) ? expr.then : expr.otherwise, environment);
  }
}
