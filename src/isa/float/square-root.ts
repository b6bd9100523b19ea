/** Square root. */
import type { FloatFormat } from './format';
import { exactly, infinity, invalid, propagateNaN } from './results';
import type { FloatResult, RoundingMode } from './rounding';
import { bitLength, round } from './rounding';
import { unpack } from './unpack';

export function squareRoot(format: FloatFormat, a: bigint, mode: RoundingMode): FloatResult {
  const nan = propagateNaN(format, a);
  if (nan) return nan;
  const x = unpack(format, a);
  if (x.kind === 'zero') return exactly(a);
  if (x.negative) return invalid(format);
  if (x.kind !== 'number') return infinity(format, false);
  // The radicand gets an even exponent and twice as many bits as the root needs.
  const wanted = 2 * (format.precision + 2) - bitLength(x.significand);
  const shift = (x.exponent - wanted) % 2 === 0 ? wanted : wanted + 1;
  const radicand = x.significand << BigInt(shift);
  const root = integerRoot(radicand);
  const rest = root * root === radicand ? 0n : 1n;
  return round(
    format,
    { negative: false, significand: (root << 1n) | rest, exponent: (x.exponent - shift) / 2 - 1 },
    mode,
  );
}

/** The greatest integer whose square is not greater than a positive number. */
function integerRoot(value: bigint): bigint {
  // Newton's iteration from above goes down to the root and stops there.
  let root = 1n << BigInt((bitLength(value) + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
