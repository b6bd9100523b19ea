/** Words of 64 and 32 bits for formulas, and operands at their edges. */

export const s64 = (value: bigint): bigint => BigInt.asIntN(64, value);
export const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
export const s32 = (value: bigint): bigint => BigInt.asIntN(32, value);
export const u32 = (value: bigint): bigint => BigInt.asUintN(32, value);
export const bool = (value: boolean): bigint => (value ? 1n : 0n);

export const MIN64 = -(2n ** 63n);
export const MAX64 = 2n ** 63n - 1n;
export const MIN32 = -(2n ** 31n);
export const MAX32 = 2n ** 31n - 1n;

/** Integers at which instructions change what they do, signed. */
export const edges: readonly bigint[] = [
  ...[0n, 1n, -1n, 2n, -2n, 7n, 31n, 32n, 33n, 63n, 64n, 0x80n, 0xffn, 0x8000n, 0xffffn],
  ...[MAX32, MIN32, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, -(2n ** 32n)],
  ...[MAX64, MIN64, MAX64 - 1n, MIN64 + 1n],
  ...[0x123456789abcdef0n, -0x123456789abcdef0n, 0x5555555555555555n, -0x5555555555555556n],
];

/** The low bits as binary digits, the highest first, and back. */
export const digits = (value: bigint, width: number): string =>
  BigInt.asUintN(width, value).toString(2).padStart(width, '0');
export const fromDigits = (text: string): bigint => BigInt(`0b${text}`);
