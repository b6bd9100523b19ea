/** Operands for floating-point tests: the edges of a format, and random ones that meet them often. */

/** Where a format's fields lie. */
export interface Fields {
  readonly width: number;
  readonly fractionBits: number;
}

export const single: Fields = { width: 32, fractionBits: 23 };
export const double: Fields = { width: 64, fractionBits: 52 };

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];

/** Zeros, infinities, both kinds of NaN, and the numbers beside every border: about a hundred. */
export function edges({ width, fractionBits }: Fields): bigint[] {
  const exponentBits = width - 1 - fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  const most = 2 ** exponentBits - 1;
  const full = (1n << BigInt(fractionBits)) - 1n;
  const half = 1n << BigInt(fractionBits - 1);
  const make = (exponent: number, fraction: bigint) => (BigInt(exponent) << BigInt(fractionBits)) | fraction;
  const around = [0n, 1n, half, full];
  const magnitudes = [
    ...[0, 1, 2, bias - 1, bias, bias + fractionBits, most - 1, most].flatMap((exponent) =>
      around.map((fraction) => make(exponent, fraction)),
    ),
    ...[half - 1n, half + 1n, full - 1n].map((fraction) => make(0, fraction)),
    ...[bias - fractionBits - 1, bias + 1, bias + 31, bias + 32, bias + 63, bias + 64].map((e) => make(e, 0n)),
    ...[bias + 30, bias + 31, bias + 62, bias + 63].map((e) => make(e, full)),
    make(bias, half >> 1n),
    make(most >> 2, full),
  ];
  return unique(magnitudes.flatMap((magnitude) => [magnitude, magnitude | (1n << BigInt(width - 1))]));
}

/** An operand: an edge, any bits, or a number whose exponent and trailing zeros make cancellation and ties likely. */
export function randomOperand(fields: Fields, all: readonly bigint[], next: () => number): bigint {
  const { width, fractionBits } = fields;
  const any = BigInt.asUintN(width, (BigInt(next()) << 32n) | BigInt(next()));
  const choice = next() % 8;
  if (choice === 0) return all[next() % all.length];
  if (choice < 3) return any;
  const bias = 2 ** (width - fractionBits - 2) - 1;
  const kept = BigInt(next() % (fractionBits + 1));
  const fraction = BigInt.asUintN(fractionBits, any) & ~((1n << kept) - 1n);
  const exponent = choice < 6 ? bias - 4 + (next() % 9) : (next() % 2) * bias + (next() % (bias + 1));
  return (any & (1n << BigInt(width - 1))) | (BigInt(exponent) << BigInt(fractionBits)) | fraction;
}

/** A reproducible generator of unsigned 32-bit numbers (xorshift). */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
