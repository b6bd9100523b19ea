/** Values of floating-point registers at which operations change what they do. */
import type { Format } from './expected/exact-float';
import { canonicalNan, infinity } from './expected/exact-float';

const BOX = 0xffffffff00000000n;

/** The values to try for operations with as many operands: the more operands, the fewer. */
export interface FloatEdges {
  readonly three: readonly bigint[];
  readonly two: readonly bigint[];
  readonly one: readonly bigint[];
}

/** Registers that hold the values: single precision boxed, and some not properly so. */
const registers = (format: Format, values: readonly bigint[]): bigint[] =>
  format.width === 64 ? [...values] : [...values.map((value) => BOX | value), 0x3f800000n, 0xfffffffe3f800000n];

/** Zeros, borders of subnormal and normal numbers, 1 and its neighbours, what integers can hold, infinities and NaNs. */
export function floatEdges(format: Format): FloatEdges {
  const fraction = BigInt(format.precision - 1);
  const sign = 1n << BigInt(format.width - 1);
  const at = (exponent: number, bits = 0n) => (BigInt(exponent + format.greatest) << fraction) | bits;
  const full = (1n << fraction) - 1n;
  const [infinite, nan, signaling] = [infinity(format, false), canonicalNan(format), infinity(format, false) | 1n];
  const magnitudes = [
    ...[0n, 1n, full, at(format.least), infinite - 1n, infinite, nan, signaling],
    ...[at(0), at(0, 1n), at(0, full), at(-1), at(-1 - format.precision), at(1, full >> 1n), at(format.precision - 1)],
  ];
  const more = [
    ...[at(format.least, 1n), nan | 0x1234n, at(1, 1n << (fraction - 1n)), at(format.precision - 2, 1n)],
    ...[at(31), at(32), at(63), at(64), at(30, full), at(31, full), at(62, full), at(63, full)],
  ];
  const few = [
    0n,
    sign,
    at(0),
    sign | at(0),
    at(0, 1n),
    sign | at(0, full),
    1n,
    sign | at(format.least),
    infinite - 1n,
  ];
  const signed = (values: readonly bigint[]) => values.flatMap((value) => [value, value | sign]);
  return {
    three: registers(format, [...few, infinite, sign | infinite, nan, signaling]),
    two: registers(format, signed(magnitudes)),
    one: registers(format, signed([...magnitudes, ...more])),
  };
}
