/** Rounding modes, exception flags, and the one place where exact values become floating-point numbers. */
import type { FloatFormat } from './format';

/** The rounding modes as `rm` and `frm` encode them (Unprivileged, table 11.1). */
export const ROUND = { nearestEven: 0, towardsZero: 1, down: 2, up: 3, nearestAway: 4 } as const;
export type RoundingMode = (typeof ROUND)[keyof typeof ROUND];

/** Whether a number is one of the five rounding modes. */
export const isRoundingMode = (mode: number): mode is RoundingMode => mode >= 0 && mode <= 4;

/** The accrued exceptions as `fflags` has them. */
export const FLAG = { inexact: 1, underflow: 2, overflow: 4, divideByZero: 8, invalid: 16 } as const;

/** What an operation delivers: the result's bits, and the flags that it raises. */
export interface FloatResult {
  readonly bits: bigint;
  readonly flags: number;
}

/** A number other than zero: `significand` × 2^`exponent`, negated if so marked. */
export interface Exact {
  readonly negative: boolean;
  readonly significand: bigint;
  readonly exponent: number;
}

/** How many bits a positive number has. */
export const bitLength = (value: bigint): number => value.toString(16).length * 4 - leadingZeros(value);

/** Zero bits in the topmost hexadecimal digit. */
const leadingZeros = (value: bigint): number => Math.clz32(parseInt(value.toString(16)[0], 16)) - 28;

/** Divides by a power of two and rounds the magnitude to an integer. */
export function shiftRounded(
  value: bigint,
  shift: number,
  negative: boolean,
  mode: RoundingMode,
): { readonly quotient: bigint; readonly inexact: boolean } {
  if (shift <= 0) return { quotient: value << BigInt(-shift), inexact: false };
  const quotient = value >> BigInt(shift);
  const rest = value - (quotient << BigInt(shift));
  const half = 1n << BigInt(shift - 1);
  const inexact = rest !== 0n;
  const away = {
    [ROUND.nearestEven]: rest > half || (rest === half && (quotient & 1n) === 1n),
    [ROUND.towardsZero]: false,
    [ROUND.down]: inexact && negative,
    [ROUND.up]: inexact && !negative,
    [ROUND.nearestAway]: rest >= half,
  }[mode];
  return { quotient: away ? quotient + 1n : quotient, inexact };
}

/** The result when a number is too great: infinity, or the greatest finite number where rounding goes towards zero. */
function overflow(format: FloatFormat, negative: boolean, mode: RoundingMode): FloatResult {
  const toInfinity =
    mode === ROUND.nearestEven || mode === ROUND.nearestAway || mode === (negative ? ROUND.down : ROUND.up);
  const magnitude = toInfinity ? format.infinity : format.greatest;
  return { bits: negative ? magnitude | format.signBit : magnitude, flags: FLAG.overflow | FLAG.inexact };
}

/**
 * The floating-point number for an exact value. A value that goes on below its significand (a quotient, a root) is given
 * with a one as its last bit, at least two places below what the format can hold.
 */
export function round(format: FloatFormat, value: Exact, mode: RoundingMode): FloatResult {
  const { negative, significand, exponent } = value;
  const { precision, leastExponent } = format;
  /** The exponent of the last bit kept, if exponents had no lower bound. */
  const unbounded = exponent + bitLength(significand) - precision;
  const last = Math.max(unbounded, leastExponent);
  const { quotient, inexact } = shiftRounded(significand, last - exponent, negative, mode);
  // The leading one, which is not stored, adds itself to the exponent field; so does a carry out of the fraction.
  const magnitude = (BigInt(last - leastExponent) << format.fractionBits) + quotient;
  if (magnitude >= format.infinity) return overflow(format, negative, mode);
  const bits = negative ? magnitude | format.signBit : magnitude;
  if (!inexact) return { bits, flags: 0 };
  return { bits, flags: isTiny(format, value, unbounded, mode) ? FLAG.inexact | FLAG.underflow : FLAG.inexact };
}

/** Whether a number, rounded as if exponents had no lower bound, is subnormal (Unprivileged 20.2: after rounding). */
function isTiny({ precision, leastExponent }: FloatFormat, value: Exact, unbounded: number, mode: RoundingMode) {
  if (unbounded >= leastExponent) return false;
  if (unbounded < leastExponent - 1) return true;
  const { quotient } = shiftRounded(value.significand, unbounded - value.exponent, value.negative, mode);
  return quotient < 1n << BigInt(precision);
}
