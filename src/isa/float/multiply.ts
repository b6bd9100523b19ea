/** Multiplication, and the exact product that the fused operations add to. */
import type { FloatFormat } from './format';
import { infinity, invalid, propagateNaN, zero } from './results';
import type { Exact, FloatResult, RoundingMode } from './rounding';
import { round } from './rounding';
import { unpack } from './unpack';

export function multiply(format: FloatFormat, a: bigint, b: bigint, mode: RoundingMode): FloatResult {
  const nan = propagateNaN(format, a, b);
  if (nan) return nan;
  const x = unpack(format, a);
  const y = unpack(format, b);
  const negative = x.negative !== y.negative;
  if (x.kind === 'number' && y.kind === 'number') return round(format, product(x, y), mode);
  if (x.kind !== 'infinity' && y.kind !== 'infinity') return zero(format, negative);
  return x.kind === 'zero' || y.kind === 'zero' ? invalid(format) : infinity(format, negative);
}

export const product = (a: Exact, b: Exact): Exact => ({
  negative: a.negative !== b.negative,
  significand: a.significand * b.significand,
  exponent: a.exponent + b.exponent,
});
