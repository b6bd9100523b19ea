/** Addition and subtraction (IEEE 754-2008 5.4.1, 6.3). */
import type { FloatFormat } from './format';
import { infinity, invalid, propagateNaN, zero } from './results';
import type { Exact, FloatResult, RoundingMode } from './rounding';
import { ROUND, round } from './rounding';
import { unpack } from './unpack';

export function add(format: FloatFormat, a: bigint, b: bigint, mode: RoundingMode): FloatResult {
  const nan = propagateNaN(format, a, b);
  if (nan) return nan;
  const x = unpack(format, a);
  const y = unpack(format, b);
  if (x.kind === 'infinity') {
    return y.kind === 'infinity' && x.negative !== y.negative ? invalid(format) : infinity(format, x.negative);
  }
  if (y.kind === 'infinity') return infinity(format, y.negative);
  if (x.kind !== 'number' && y.kind !== 'number') return zero(format, sumOfZeros(x.negative, y.negative, mode));
  if (x.kind !== 'number') return { bits: b, flags: 0 };
  if (y.kind !== 'number') return { bits: a, flags: 0 };
  return addExact(format, x, y, mode);
}

export function subtract(format: FloatFormat, a: bigint, b: bigint, mode: RoundingMode): FloatResult {
  return add(format, a, b ^ format.signBit, mode);
}

/** Whether the sum of two zeros, or of two numbers that cancel out, is negative (6.3). */
export const sumOfZeros = (a: boolean, b: boolean, mode: RoundingMode): boolean => (a === b ? a : mode === ROUND.down);

/** The rounded sum of two exact values. */
export function addExact(format: FloatFormat, a: Exact, b: Exact, mode: RoundingMode): FloatResult {
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = aligned(a, exponent) + aligned(b, exponent);
  if (sum === 0n) return zero(format, sumOfZeros(a.negative, b.negative, mode));
  const negative = sum < 0n;
  return round(format, { negative, significand: negative ? -sum : sum, exponent }, mode);
}

/** The value in units of 2^`exponent`. */
function aligned(value: Exact, exponent: number): bigint {
  const magnitude = value.significand << BigInt(value.exponent - exponent);
  return value.negative ? -magnitude : magnitude;
}
