/** Fused multiply-add: a × b + c, rounded once. */
import { addExact, sumOfZeros } from './add';
import type { FloatFormat } from './format';
import { product } from './multiply';
import { exactly, infinity, invalid, propagateNaN, zero } from './results';
import type { FloatResult, RoundingMode } from './rounding';
import { round } from './rounding';
import { unpack } from './unpack';

export function multiplyAdd(format: FloatFormat, a: bigint, b: bigint, c: bigint, mode: RoundingMode): FloatResult {
  const x = unpack(format, a);
  const y = unpack(format, b);
  const z = unpack(format, c);
  const impossible = (x.kind === 'infinity' && y.kind === 'zero') || (x.kind === 'zero' && y.kind === 'infinity');
  // Infinity × 0 is invalid even when a quiet NaN is added (Unprivileged 20.6).
  if (impossible) return invalid(format);
  const nan = propagateNaN(format, a, b, c);
  if (nan) return nan;
  const negative = x.negative !== y.negative;
  if (x.kind === 'infinity' || y.kind === 'infinity') {
    return z.kind === 'infinity' && z.negative !== negative ? invalid(format) : infinity(format, negative);
  }
  if (z.kind === 'infinity') return infinity(format, z.negative);
  if (x.kind !== 'number' || y.kind !== 'number') {
    return z.kind === 'number' ? exactly(c) : zero(format, sumOfZeros(negative, z.negative, mode));
  }
  const exact = product(x, y);
  return z.kind === 'number' ? addExact(format, exact, z, mode) : round(format, exact, mode);
}
