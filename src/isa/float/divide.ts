/** Division. */
import type { FloatFormat } from './format';
import { exactly, infinity, invalid, propagateNaN, zero } from './results';
import type { FloatResult, RoundingMode } from './rounding';
import { FLAG, round } from './rounding';
import { unpack } from './unpack';

export function divide(format: FloatFormat, a: bigint, b: bigint, mode: RoundingMode): FloatResult {
  const nan = propagateNaN(format, a, b);
  if (nan) return nan;
  const x = unpack(format, a);
  const y = unpack(format, b);
  const negative = x.negative !== y.negative;
  if (x.kind === 'infinity') return y.kind === 'infinity' ? invalid(format) : infinity(format, negative);
  if (y.kind === 'infinity') return zero(format, negative);
  if (y.kind !== 'number') {
    return x.kind === 'zero' ? invalid(format) : exactly(infinity(format, negative).bits, FLAG.divideByZero);
  }
  if (x.kind !== 'number') return zero(format, negative);
  // The divisor has at most `precision` bits, so that the quotient has some more than that.
  const shift = 2 * format.precision + 2;
  const dividend = x.significand << BigInt(shift);
  const quotient = dividend / y.significand;
  const rest = quotient * y.significand === dividend ? 0n : 1n;
  return round(
    format,
    { negative, significand: (quotient << 1n) | rest, exponent: x.exponent - y.exponent - shift - 1 },
    mode,
  );
}
