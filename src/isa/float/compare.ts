/** Comparisons, minimum and maximum, classification and sign injection. */
import type { FloatFormat } from './format';
import { exactly } from './results';
import type { FloatResult } from './rounding';
import { FLAG } from './rounding';
import { isNaNBits, isSignalingNaN, unpack } from './unpack';

/** A key by which numbers other than NaN are ordered, -0 just below +0. */
function order(format: FloatFormat, bits: bigint): bigint {
  return (bits & format.signBit) === 0n ? bits : -1n - (bits & ~format.signBit);
}

const isZero = (format: FloatFormat, bits: bigint): boolean => (bits & ~format.signBit) === 0n;

const equal = (format: FloatFormat, a: bigint, b: bigint): boolean =>
  a === b || (isZero(format, a) && isZero(format, b));
const less = (format: FloatFormat, a: bigint, b: bigint): boolean =>
  !equal(format, a, b) && order(format, a) < order(format, b);

/**
 * A comparison as 1 or 0; false with a NaN.
 * @param quiet only signaling NaNs are invalid operands
 */
function comparison(holds: typeof equal, quiet: boolean) {
  return (format: FloatFormat, a: bigint, b: bigint): FloatResult => {
    if (isNaNBits(format, a) || isNaNBits(format, b)) {
      const raises = !quiet || isSignalingNaN(format, a) || isSignalingNaN(format, b);
      return exactly(0n, raises ? FLAG.invalid : 0);
    }
    return exactly(holds(format, a, b) ? 1n : 0n);
  };
}

export const isEqual = comparison(equal, true);
export const isLess = comparison(less, false);
export const isLessOrEqual = comparison((format, a, b) => equal(format, a, b) || less(format, a, b), false);

/** The lesser or the greater number; of a number and a NaN the number (IEEE 754-2019 minimumNumber, maximumNumber). */
function extreme(wantFirst: (a: bigint, b: bigint) => boolean) {
  return (format: FloatFormat, a: bigint, b: bigint): FloatResult => {
    const flags = isSignalingNaN(format, a) || isSignalingNaN(format, b) ? FLAG.invalid : 0;
    if (isNaNBits(format, a)) return exactly(isNaNBits(format, b) ? format.canonicalNaN : b, flags);
    if (isNaNBits(format, b)) return exactly(a, flags);
    return exactly(wantFirst(order(format, a), order(format, b)) ? a : b, flags);
  };
}

export const minimum = extreme((a, b) => a < b);
export const maximum = extreme((a, b) => a > b);

/** The bit that stands for the kind of number (Unprivileged, table 20.1). */
export function classify(format: FloatFormat, a: bigint): FloatResult {
  return exactly(1n << BigInt(classOf(format, a)));
}

function classOf(format: FloatFormat, a: bigint): number {
  const x = unpack(format, a);
  switch (x.kind) {
    case 'nan':
      return x.signaling ? 8 : 9;
    case 'infinity':
      return x.negative ? 0 : 7;
    case 'zero':
      return x.negative ? 3 : 4;
    case 'number':
      if (x.subnormal) return x.negative ? 2 : 5;
      return x.negative ? 1 : 6;
  }
}

/** The first operand with a sign that is made of both signs; NaNs are taken as they are. */
function signInjection(sign: (a: bigint, b: bigint) => bigint) {
  return (format: FloatFormat, a: bigint, b: bigint): FloatResult =>
    exactly((a & ~format.signBit) | (sign(a, b) & format.signBit));
}

export const copySign = signInjection((_a, b) => b);
export const copySignNegated = signInjection((_a, b) => ~b);
export const multiplySigns = signInjection((a, b) => a ^ b);
