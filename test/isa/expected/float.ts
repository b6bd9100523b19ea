/** What floating-point instructions compute (Unprivileged 20 and 21), on exact fractions. */
import type { Formula, ReferenceHart } from '../reference-hart';
import type { Finite, Format, Result, Value } from './exact-float';
import {
  addExact,
  canonicalNan,
  compareExact,
  decodeFloat,
  divideExact,
  double,
  DZ,
  infinity,
  multiplyExact,
  NV,
  NX,
  RDN,
  roundFloat,
  roundTo,
  single,
  squareRootEnough,
  zero,
} from './exact-float';
import { bool, u64 } from './words';

const BOX = 0xffffffffn;
const DIRTY = 3;
const DYNAMIC = 7;
const LAST_MODE = 4;

/** A floating-point operand as its format's bits; single precision that is not boxed is the canonical NaN. */
function operand(format: Format, register: bigint): bigint {
  if (format.width === 64) return register;
  return register >> 32n === BOX ? BigInt.asUintN(32, register) : canonicalNan(single);
}

const boxed = (format: Format, bits: bigint): bigint => (format.width === 64 ? bits : (BOX << 32n) | bits);

const isNan = (value: Value): boolean => value.kind === 'nan';
const isSignaling = (value: Value): boolean => value.kind === 'nan' && value.signaling;
const isZero = (value: Value): boolean => value.kind === 'finite' && value.n === 0n;
const negate = <V extends Value>(value: V): V => ({ ...value, negative: !value.negative });

const invalid = (format: Format): Result => ({ bits: canonicalNan(format), flags: NV });

/** The NaN that an operation delivers when one of its operands is one. */
const nanOf = (format: Format, ...operands: Value[]): Result => ({
  bits: canonicalNan(format),
  flags: operands.some(isSignaling) ? NV : 0,
});

export function addFloat(format: Format, a: Value, b: Value, mode: number): Result {
  if (isNan(a) || isNan(b)) return nanOf(format, a, b);
  if (a.kind === 'infinite' && b.kind === 'infinite' && a.negative !== b.negative) return invalid(format);
  for (const one of [a, b]) {
    if (one.kind === 'infinite') return { bits: infinity(format, one.negative), flags: 0 };
  }
  return roundSum(format, a as Finite, b as Finite, mode);
}

/** An exact zero is negative when both numbers are, and, if they are not zero both, when rounding is downward. */
function roundSum(format: Format, a: Finite, b: Finite, mode: number): Result {
  const sum = addExact(a, b);
  if (sum.n !== 0n) return roundFloat(format, sum, mode);
  return { bits: zero(format, a.negative === b.negative ? a.negative : mode === RDN), flags: 0 };
}

export function multiplyFloat(format: Format, a: Value, b: Value, mode: number): Result {
  if (isNan(a) || isNan(b)) return nanOf(format, a, b);
  const negative = a.negative !== b.negative;
  if (a.kind === 'infinite' || b.kind === 'infinite') {
    return isZero(a) || isZero(b) ? invalid(format) : { bits: infinity(format, negative), flags: 0 };
  }
  return roundFloat(format, multiplyExact(a as Finite, b as Finite), mode);
}

export function divideFloat(format: Format, a: Value, b: Value, mode: number): Result {
  if (isNan(a) || isNan(b)) return nanOf(format, a, b);
  const negative = a.negative !== b.negative;
  if (a.kind === 'infinite') {
    return b.kind === 'infinite' ? invalid(format) : { bits: infinity(format, negative), flags: 0 };
  }
  if (b.kind === 'infinite') return { bits: zero(format, negative), flags: 0 };
  if (isZero(b)) return isZero(a) ? invalid(format) : { bits: infinity(format, negative), flags: DZ };
  return roundFloat(format, divideExact(a as Finite, b as Finite), mode);
}

export function squareRootFloat(format: Format, a: Value, mode: number): Result {
  if (a.kind === 'nan') return nanOf(format, a);
  if (isZero(a)) return { bits: zero(format, a.negative), flags: 0 };
  if (a.negative) return invalid(format);
  if (a.kind === 'infinite') return { bits: infinity(format, false), flags: 0 };
  return roundFloat(format, squareRootEnough(a), mode);
}

/** a × b + c. Infinity times zero is invalid even when c is a quiet NaN (20.6). */
export function multiplyAddFloat(format: Format, a: Value, b: Value, c: Value, mode: number): Result {
  const meaningless = (isZero(a) && b.kind === 'infinite') || (a.kind === 'infinite' && isZero(b));
  if (meaningless) return invalid(format);
  if (isNan(a) || isNan(b) || isNan(c)) return nanOf(format, a, b, c);
  if (a.kind === 'infinite' || b.kind === 'infinite') {
    const product: Value = { kind: 'infinite', negative: a.negative !== b.negative };
    return addFloat(format, product, c, mode);
  }
  if (c.kind === 'infinite') return { bits: infinity(format, c.negative), flags: 0 };
  return roundSum(format, multiplyExact(a as Finite, b as Finite), c as Finite, mode);
}

/** Below zero, zero or above, as a comes before b; infinities are beyond all numbers. Neither is a NaN. */
function order(a: Value, b: Value): number {
  const rank = (value: Value) => (value.kind === 'infinite' ? (value.negative ? -1 : 1) : 0);
  if (rank(a) !== 0 || rank(b) !== 0) return rank(a) - rank(b);
  return compareExact(a as Finite, b as Finite);
}

/** Quiet comparisons are invalid for signaling NaNs alone, the others for all. */
function compared(holds: (order: number) => boolean, quiet: boolean) {
  return (a: Value, b: Value): Result => {
    if (isNan(a) || isNan(b)) return { bits: 0n, flags: !quiet || isSignaling(a) || isSignaling(b) ? NV : 0 };
    return { bits: bool(holds(order(a, b))), flags: 0 };
  };
}

/** The operand that comes first, or last; -0 comes before +0, and a number wins over a NaN. */
function extreme(format: Format, a: bigint, b: bigint, last: boolean): Result {
  const [left, right] = [decodeFloat(format, a), decodeFloat(format, b)];
  const flags = isSignaling(left) || isSignaling(right) ? NV : 0;
  if (isNan(left) && isNan(right)) return { bits: canonicalNan(format), flags };
  if (isNan(left)) return { bits: b, flags };
  if (isNan(right)) return { bits: a, flags };
  const by = order(left, right) || Number(right.negative) - Number(left.negative);
  return { bits: by < 0 !== last ? a : b, flags };
}

function classified(format: Format, bits: bigint): bigint {
  const value = decodeFloat(format, bits);
  if (value.kind === 'nan') return value.signaling ? 1n << 8n : 1n << 9n;
  // From minus infinity (0) to minus zero (3), and the same backwards from plus zero (4).
  const magnitude = BigInt.asUintN(format.width - 1, bits);
  const rank =
    value.kind === 'infinite' ? 0 : magnitude === 0n ? 3 : magnitude >> BigInt(format.precision - 1) === 0n ? 2 : 1;
  return 1n << BigInt(value.negative ? rank : 7 - rank);
}

interface IntegerType {
  readonly width: 32 | 64;
  readonly signed: boolean;
}

const integers: Readonly<Record<string, IntegerType>> = {
  w: { width: 32, signed: true },
  wu: { width: 32, signed: false },
  l: { width: 64, signed: true },
  lu: { width: 64, signed: false },
};

/** What does not fit becomes the nearest that does; a NaN the greatest (table 20.5). 32-bit results are sign-extended. */
function toInteger({ width, signed }: IntegerType, value: Value, mode: number): Result {
  const least = signed ? -(2n ** BigInt(width - 1)) : 0n;
  const greatest = 2n ** BigInt(signed ? width - 1 : width) - 1n;
  const held = (integer: bigint) => u64(BigInt.asIntN(width, integer));
  if (value.kind !== 'finite') {
    return { bits: held(value.kind === 'infinite' && value.negative ? least : greatest), flags: NV };
  }
  const { integer, exact } = roundTo(value, 0, mode);
  const rounded = value.negative ? -integer : integer;
  if (rounded < least) return { bits: held(least), flags: NV };
  if (rounded > greatest) return { bits: held(greatest), flags: NV };
  return { bits: held(rounded), flags: exact ? 0 : NX };
}

function fromInteger(format: Format, { width, signed }: IntegerType, register: bigint, mode: number): Result {
  const value = signed ? BigInt.asIntN(width, register) : BigInt.asUintN(width, register);
  const negative = value < 0n;
  return roundFloat(format, { kind: 'finite', negative, n: negative ? -value : value, d: 1n, q: 0 }, mode);
}

function convert(from: Format, to: Format, bits: bigint, mode: number): Result {
  const value = decodeFloat(from, bits);
  if (value.kind === 'nan') return nanOf(to, value);
  if (value.kind === 'infinite') return { bits: infinity(to, value.negative), flags: 0 };
  return roundFloat(to, value, mode);
}

/** The unit must be on; a mode in the word must be one, and frm if the word says "dynamic". */
function begin(hart: ReferenceHart, rounds: boolean): number {
  const { rm } = hart.instruction;
  if (hart.floatState === 0) hart.illegal();
  const mode = rm === DYNAMIC ? hart.fcsr >> 5 : rm;
  if (rounds && mode > LAST_MODE) hart.illegal();
  return mode;
}

/** Flags accrue; the unit is dirty when a register of it or a flag has changed. */
function raise(hart: ReferenceHart, flags: number): void {
  if ((flags & ~hart.fcsr) !== 0) hart.floatState = DIRTY;
  hart.fcsr |= flags;
}

function finishFloat(hart: ReferenceHart, format: Format, { bits, flags }: Result): void {
  raise(hart, flags);
  hart.f[hart.instruction.rd] = boxed(format, bits);
  hart.floatState = DIRTY;
}

function finishInteger(hart: ReferenceHart, { bits, flags }: Result): void {
  raise(hart, flags);
  hart.setRd(bits);
}

/** The operands' bits in the format. */
function sources(hart: ReferenceHart, format: Format): readonly [bigint, bigint, bigint] {
  const { rs1, rs2, rs3 } = hart.instruction;
  return [operand(format, hart.f[rs1]), operand(format, hart.f[rs2]), operand(format, hart.f[rs3])];
}

function formulasOf(letter: 's' | 'd', format: Format): [string, Formula][] {
  const sign = 1n << BigInt(format.width - 1);
  const arithmetic = (
    name: string,
    compute: (mode: number, a: Value, b: Value, c: Value) => Result,
  ): [string, Formula] => [
    `${name}.${letter}`,
    (hart) => {
      const mode = begin(hart, true);
      const [a, b, c] = sources(hart, format).map((bits) => decodeFloat(format, bits));
      finishFloat(hart, format, compute(mode, a, b, c));
    },
  ];
  const onBits = (name: string, compute: (a: bigint, b: bigint) => Result): [string, Formula] => [
    `${name}.${letter}`,
    (hart) => {
      begin(hart, false);
      const [a, b] = sources(hart, format);
      finishFloat(hart, format, compute(a, b));
    },
  ];
  const withSign = (name: string, signOf: (a: bigint, b: bigint) => bigint) =>
    onBits(name, (a, b) => ({ bits: (a & (sign - 1n)) | (signOf(a, b) & sign), flags: 0 }));
  const comparison = (name: string, compute: (a: Value, b: Value) => Result): [string, Formula] => [
    `${name}.${letter}`,
    (hart) => {
      begin(hart, false);
      const [a, b] = sources(hart, format);
      finishInteger(hart, compute(decodeFloat(format, a), decodeFloat(format, b)));
    },
  ];
  return [
    arithmetic('fadd', (mode, a, b) => addFloat(format, a, b, mode)),
    arithmetic('fsub', (mode, a, b) => addFloat(format, a, negate(b), mode)),
    arithmetic('fmul', (mode, a, b) => multiplyFloat(format, a, b, mode)),
    arithmetic('fdiv', (mode, a, b) => divideFloat(format, a, b, mode)),
    arithmetic('fsqrt', (mode, a) => squareRootFloat(format, a, mode)),
    arithmetic('fmadd', (mode, a, b, c) => multiplyAddFloat(format, a, b, c, mode)),
    arithmetic('fmsub', (mode, a, b, c) => multiplyAddFloat(format, a, b, negate(c), mode)),
    arithmetic('fnmsub', (mode, a, b, c) => multiplyAddFloat(format, negate(a), b, c, mode)),
    arithmetic('fnmadd', (mode, a, b, c) => multiplyAddFloat(format, negate(a), b, negate(c), mode)),
    withSign('fsgnj', (_a, b) => b),
    withSign('fsgnjn', (_a, b) => ~b),
    withSign('fsgnjx', (a, b) => a ^ b),
    onBits('fmin', (a, b) => extreme(format, a, b, false)),
    onBits('fmax', (a, b) => extreme(format, a, b, true)),
    comparison(
      'feq',
      compared((by) => by === 0, true),
    ),
    comparison(
      'flt',
      compared((by) => by < 0, false),
    ),
    comparison(
      'fle',
      compared((by) => by <= 0, false),
    ),
    [
      `fclass.${letter}`,
      (hart) => {
        begin(hart, false);
        hart.setRd(classified(format, sources(hart, format)[0]));
      },
    ],
    ...Object.entries(integers).flatMap(([suffix, type]): [string, Formula][] => [
      [
        `fcvt.${suffix}.${letter}`,
        (hart) => {
          const mode = begin(hart, true);
          finishInteger(hart, toInteger(type, decodeFloat(format, sources(hart, format)[0]), mode));
        },
      ],
      [
        `fcvt.${letter}.${suffix}`,
        (hart) => {
          const mode = begin(hart, true);
          finishFloat(hart, format, fromInteger(format, type, hart.x[hart.instruction.rs1], mode));
        },
      ],
    ]),
  ];
}

const conversion =
  (from: Format, to: Format): Formula =>
  (hart) => {
    const mode = begin(hart, true);
    finishFloat(hart, to, convert(from, to, sources(hart, from)[0], mode));
  };

/** Registers' bits as they are, boxed or not. */
const moveToInteger =
  (format: Format): Formula =>
  (hart) => {
    begin(hart, false);
    hart.setRd(BigInt.asIntN(format.width, hart.f[hart.instruction.rs1]));
  };

const moveFromInteger =
  (format: Format): Formula =>
  (hart) => {
    begin(hart, false);
    const bits = BigInt.asUintN(format.width, hart.x[hart.instruction.rs1]);
    finishFloat(hart, format, { bits, flags: 0 });
  };

export const floatFormulas: readonly (readonly [string, Formula])[] = [
  ...formulasOf('s', single),
  ...formulasOf('d', double),
  ['fcvt.s.d', conversion(double, single)],
  ['fcvt.d.s', conversion(single, double)],
  ['fmv.x.w', moveToInteger(single)],
  ['fmv.w.x', moveFromInteger(single)],
  ['fmv.x.d', moveToInteger(double)],
  ['fmv.d.x', moveFromInteger(double)],
];
