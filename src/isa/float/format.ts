/** The two binary interchange formats of IEEE 754 that F and D work on, and how registers hold them. */

export interface FloatFormat {
  /** In bits, all told. */
  readonly width: bigint;
  /** Bits of a significand, with the leading one that is not stored. */
  readonly precision: number;
  readonly fractionBits: bigint;
  /** The exponent field of infinities and NaNs: all ones. */
  readonly exponentMax: bigint;
  /** The exponent of the least bit of subnormal numbers: they are multiples of 2 to this power. */
  readonly leastExponent: number;
  readonly signBit: bigint;
  readonly infinity: bigint;
  /** The greatest finite number. */
  readonly greatest: bigint;
  /** What every operation delivers for a NaN: positive, quiet, with an otherwise empty payload (Unprivileged 20.3). */
  readonly canonicalNaN: bigint;
  /** The fraction's highest bit, which tells quiet NaNs from signaling ones. */
  readonly quietBit: bigint;
}

function binary(width: number, fractionBits: number): FloatFormat {
  const exponentBits = width - 1 - fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  const exponentMax = (1n << BigInt(exponentBits)) - 1n;
  const infinity = exponentMax << BigInt(fractionBits);
  const quietBit = 1n << BigInt(fractionBits - 1);
  return {
    width: BigInt(width),
    precision: fractionBits + 1,
    fractionBits: BigInt(fractionBits),
    exponentMax,
    leastExponent: 1 - bias - fractionBits,
    signBit: 1n << BigInt(width - 1),
    infinity,
    greatest: infinity - 1n,
    canonicalNaN: infinity | quietBit,
    quietBit,
  };
}

/** Single precision, binary32. */
export const f32: FloatFormat = binary(32, 23);
/** Double precision, binary64. */
export const f64: FloatFormat = binary(64, 52);

const BOX = 0xffffffff00000000n;

/** A single-precision value as a 64-bit register holds it: with all ones above (Unprivileged 21.2). */
export const box = (bits: bigint): bigint => BOX | bits;

/** The single-precision value in a register: the canonical NaN when it is not properly boxed. */
export const unbox = (register: bigint): bigint => ((register & BOX) === BOX ? register & ~BOX : f32.canonicalNaN);
