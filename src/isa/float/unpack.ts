/** What the bits of a floating-point number stand for. */
import type { FloatFormat } from './format';
import type { Exact } from './rounding';

export type Unpacked =
  | { readonly kind: 'nan'; readonly signaling: boolean; readonly negative: boolean }
  | { readonly kind: 'infinity'; readonly negative: boolean }
  | { readonly kind: 'zero'; readonly negative: boolean }
  /** `significand` × 2^`exponent`, with a significand greater than zero. */
  | (Exact & { readonly kind: 'number'; readonly subnormal: boolean });

export function unpack(format: FloatFormat, bits: bigint): Unpacked {
  const negative = (bits & format.signBit) !== 0n;
  const field = (bits >> format.fractionBits) & format.exponentMax;
  const fraction = bits & ((1n << format.fractionBits) - 1n);
  if (field === format.exponentMax) {
    if (fraction === 0n) return { kind: 'infinity', negative };
    return { kind: 'nan', signaling: (fraction & format.quietBit) === 0n, negative };
  }
  if (field === 0n) {
    if (fraction === 0n) return { kind: 'zero', negative };
    return { kind: 'number', negative, significand: fraction, exponent: format.leastExponent, subnormal: true };
  }
  return {
    kind: 'number',
    negative,
    significand: fraction | (1n << format.fractionBits),
    exponent: format.leastExponent + Number(field) - 1,
    subnormal: false,
  };
}

export const isNaNBits = (format: FloatFormat, bits: bigint): boolean => (bits & ~format.signBit) > format.infinity;

export const isSignalingNaN = (format: FloatFormat, bits: bigint): boolean =>
  isNaNBits(format, bits) && (bits & format.quietBit) === 0n;
