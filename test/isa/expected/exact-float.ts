/**
 * IEEE 754 arithmetic on exact fractions, rounded at the end: slow, and nothing in it is shared with the product. A finite
 * number is ±(n / d) × 2^q.
 */

export interface Format {
  readonly width: 32 | 64;
  /** Bits of the significand, the hidden one included. */
  readonly precision: number;
  /** Exponents of the least and the greatest normal number. */
  readonly least: number;
  readonly greatest: number;
}

export const single: Format = { width: 32, precision: 24, least: -126, greatest: 127 };
export const double: Format = { width: 64, precision: 53, least: -1022, greatest: 1023 };

export interface Finite {
  readonly kind: 'finite';
  readonly negative: boolean;
  readonly n: bigint;
  readonly d: bigint;
  readonly q: number;
}

export type Value =
  | Finite
  | { readonly kind: 'infinite'; readonly negative: boolean }
  | { readonly kind: 'nan'; readonly negative: boolean; readonly signaling: boolean };

/** Bits of fflags (Unprivileged, figure 20.2). */
export const NX = 1;
export const UF = 2;
export const OF = 4;
export const DZ = 8;
export const NV = 16;

/** Rounding modes (Unprivileged, table 20.1). */
export const RNE = 0;
export const RTZ = 1;
export const RDN = 2;
export const RUP = 3;
export const RMM = 4;

export interface Result {
  readonly bits: bigint;
  readonly flags: number;
}

const bitLength = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length);
const fractionBits = ({ precision }: Format): bigint => BigInt(precision - 1);
const signBit = ({ width }: Format): bigint => 1n << BigInt(width - 1);
/** The exponent field of infinities and NaNs, in place. */
const specials = (format: Format): bigint => BigInt(2 * format.greatest + 1) << fractionBits(format);

export const infinity = (format: Format, negative: boolean): bigint =>
  specials(format) | (negative ? signBit(format) : 0n);
export const canonicalNan = (format: Format): bigint => specials(format) | (1n << (fractionBits(format) - 1n));
export const zero = (format: Format, negative: boolean): bigint => (negative ? signBit(format) : 0n);

/** What the bits stand for. */
export function decodeFloat(format: Format, bits: bigint): Value {
  const negative = (bits & signBit(format)) !== 0n;
  const magnitude = bits & (signBit(format) - 1n);
  if (magnitude > specials(format)) {
    return { kind: 'nan', negative, signaling: ((magnitude >> (fractionBits(format) - 1n)) & 1n) === 0n };
  }
  if (magnitude === specials(format)) return { kind: 'infinite', negative };
  const fraction = BigInt.asUintN(format.precision - 1, magnitude);
  const exponent = Number(magnitude >> fractionBits(format));
  const n = exponent === 0 ? fraction : fraction | (1n << fractionBits(format));
  return { kind: 'finite', negative, n, d: 1n, q: format.least + Math.max(exponent - 1, 0) - (format.precision - 1) };
}

/** Whether the magnitude `quotient + rest` is rounded up to the next integer; `rest` is compared with one half. */
function roundsUp(negative: boolean, quotient: bigint, exact: boolean, half: -1 | 0 | 1, mode: number): boolean {
  if (exact) return false;
  switch (mode) {
    case RNE:
      return half > 0 || (half === 0 && (quotient & 1n) === 1n);
    case RTZ:
      return false;
    case RDN:
      return negative;
    case RUP:
      return !negative;
    case RMM:
      return half >= 0;
    default:
      throw new Error(`${mode} is no rounding mode`);
  }
}

/** The magnitude in units of 2^unit, rounded to an integer. */
export function roundTo(value: Finite, unit: number, mode: number): { integer: bigint; exact: boolean } {
  const shift = value.q - unit;
  const n = shift > 0 ? value.n << BigInt(shift) : value.n;
  const d = shift < 0 ? value.d << BigInt(-shift) : value.d;
  const [quotient, rest] = [n / d, n % d];
  const half = 2n * rest < d ? -1 : 2n * rest === d ? 0 : 1;
  const exact = rest === 0n;
  return { integer: quotient + (roundsUp(value.negative, quotient, exact, half, mode) ? 1n : 0n), exact };
}

/** The greatest e with 2^e <= |value|, which is not zero. */
function exponentOf({ n, d, q }: Finite): number {
  const estimate = bitLength(n) - bitLength(d);
  const isLess = estimate >= 0 ? n < d << BigInt(estimate) : n << BigInt(-estimate) < d;
  return q + (isLess ? estimate - 1 : estimate);
}

/** The nearest number of the format that the mode allows, with flags; tininess is detected after rounding. */
export function roundFloat(format: Format, value: Finite, mode: number): Result {
  const { negative } = value;
  if (value.n === 0n) return { bits: zero(format, negative), flags: 0 };
  const { precision, least, greatest } = format;
  const exponent = exponentOf(value);
  const unit = Math.max(exponent, least) - (precision - 1);
  const { integer, exact } = roundTo(value, unit, mode);
  // The hidden bit adds 1 to the exponent field; so does a carry out of the significand.
  const field = BigInt(unit + precision - 1 - least);
  const magnitude = (field << fractionBits(format)) + integer;
  if (magnitude >= specials(format)) {
    const toInfinity = mode === RNE || mode === RMM || mode === (negative ? RDN : RUP);
    const bits = infinity(format, negative) - (toInfinity ? 0n : 1n);
    return { bits, flags: OF | NX };
  }
  const unbounded = exponent - (precision - 1);
  const rounded = roundTo(value, unbounded, mode).integer;
  const tiny = exponent < least && bitLength(rounded) - 1 + unbounded < least;
  if (greatest < exponent) throw new Error('an overflow was not seen');
  return { bits: zero(format, negative) | magnitude, flags: exact ? 0 : tiny ? NX | UF : NX };
}

/** a + b; the sign of an exact zero is the caller's. */
export function addExact(a: Finite, b: Finite): Finite {
  const q = Math.min(a.q, b.q);
  const signed = (v: Finite, other: Finite) => (v.negative ? -v.n : v.n) * other.d * (1n << BigInt(v.q - q));
  const sum = signed(a, b) + signed(b, a);
  return { kind: 'finite', negative: sum < 0n, n: sum < 0n ? -sum : sum, d: a.d * b.d, q };
}

export const multiplyExact = (a: Finite, b: Finite): Finite => ({
  kind: 'finite',
  negative: a.negative !== b.negative,
  n: a.n * b.n,
  d: a.d * b.d,
  q: a.q + b.q,
});

export const divideExact = (a: Finite, b: Finite): Finite => ({
  kind: 'finite',
  negative: a.negative !== b.negative,
  n: a.n * b.d,
  d: a.d * b.n,
  q: a.q - b.q,
});

function integerRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt((bitLength(value) + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** Enough bits of the root for every rounding; a last one stands for all that follow. */
export function squareRootEnough({ n, q }: Finite): Finite {
  const MORE = 140;
  const shift = MORE + ((q - MORE) & 1);
  const scaled = n << BigInt(shift);
  const root = integerRoot(scaled);
  const sticky = root * root === scaled ? 0n : 1n;
  return { kind: 'finite', negative: false, n: 2n * root + sticky, d: 1n, q: (q - shift) / 2 - 1 };
}

/** a ? b, for finite numbers. */
export function compareExact(a: Finite, b: Finite): -1 | 0 | 1 {
  const { n, negative } = addExact(a, { ...b, negative: !b.negative });
  return n === 0n ? 0 : negative ? -1 : 1;
}
