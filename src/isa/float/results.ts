/** Results that need no rounding: zeros, infinities and the canonical NaN. */
import type { FloatFormat } from './format';
import type { FloatResult } from './rounding';
import { FLAG } from './rounding';
import { isNaNBits, isSignalingNaN } from './unpack';

export const exactly = (bits: bigint, flags = 0): FloatResult => ({ bits, flags });

export const signed = (format: FloatFormat, magnitude: bigint, negative: boolean): FloatResult =>
  exactly(negative ? magnitude | format.signBit : magnitude);

export const zero = (format: FloatFormat, negative: boolean): FloatResult => signed(format, 0n, negative);

export const infinity = (format: FloatFormat, negative: boolean): FloatResult =>
  signed(format, format.infinity, negative);

/** No number is the result, and no operand was a NaN. */
export const invalid = (format: FloatFormat): FloatResult => exactly(format.canonicalNaN, FLAG.invalid);

/** The result when an operand is a NaN; undefined when none is. A signaling one is an invalid operand. */
export function propagateNaN(format: FloatFormat, ...operands: readonly bigint[]): FloatResult | undefined {
  if (!operands.some((bits) => isNaNBits(format, bits))) return undefined;
  const signaling = operands.some((bits) => isSignalingNaN(format, bits));
  return exactly(format.canonicalNaN, signaling ? FLAG.invalid : 0);
}
