/** Conversions between the formats, and to and from integers. */
import type { FloatFormat } from './format';
import { exactly, infinity, propagateNaN, zero } from './results';
import type { FloatResult, RoundingMode } from './rounding';
import { FLAG, round, shiftRounded } from './rounding';
import { unpack } from './unpack';

/** A number of one format in another. */
export function convertFormat(from: FloatFormat, to: FloatFormat, a: bigint, mode: RoundingMode): FloatResult {
  const nan = propagateNaN(from, a);
  if (nan) return exactly(to.canonicalNaN, nan.flags);
  const x = unpack(from, a);
  if (x.kind === 'number') return round(to, x, mode);
  return x.kind === 'infinity' ? infinity(to, x.negative) : zero(to, x.negative);
}

/** The integers of a width in bits. */
export interface IntegerType {
  readonly width: number;
  readonly signed: boolean;
}

/**
 * An integer, sign-extended to 64 bits whether it is signed or not. What does not fit becomes the nearest integer that
 * does, a NaN the greatest, and is invalid (Unprivileged, table 20.4).
 */
export function toInteger(
  format: FloatFormat,
  { width, signed }: IntegerType,
  a: bigint,
  mode: RoundingMode,
): FloatResult {
  const least = signed ? -(1n << BigInt(width - 1)) : 0n;
  const greatest = (1n << BigInt(signed ? width - 1 : width)) - 1n;
  const result = (value: bigint, flags: number) => exactly(BigInt.asUintN(64, BigInt.asIntN(width, value)), flags);
  const x = unpack(format, a);
  if (x.kind === 'zero') return exactly(0n);
  if (x.kind === 'nan') return result(greatest, FLAG.invalid);
  if (x.kind === 'infinity') return result(x.negative ? least : greatest, FLAG.invalid);
  const { quotient, inexact } = shiftRounded(x.significand, -x.exponent, x.negative, mode);
  const value = x.negative ? -quotient : quotient;
  if (value < least) return result(least, FLAG.invalid);
  if (value > greatest) return result(greatest, FLAG.invalid);
  return result(value, inexact ? FLAG.inexact : 0);
}

/** The floating-point number for the low bits of a register; zero is positive. */
export function fromInteger(
  format: FloatFormat,
  { width, signed }: IntegerType,
  register: bigint,
  mode: RoundingMode,
): FloatResult {
  const value = signed ? BigInt.asIntN(width, register) : BigInt.asUintN(width, register);
  if (value === 0n) return zero(format, false);
  const negative = value < 0n;
  return round(format, { negative, significand: negative ? -value : value, exponent: 0 }, mode);
}
