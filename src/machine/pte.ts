/** Page-table entries of Sv39, Sv48 and Sv57: their bits and fields (Privileged 4.3.1, 4.4.1). */

import { NAPOT_SIZE } from './paging';

/** The low eight bits of an entry. */
export const PTE_V = 0x01;
export const PTE_R = 0x02;
export const PTE_W = 0x04;
export const PTE_X = 0x08;
export const PTE_U = 0x10;
export const PTE_G = 0x20;
export const PTE_A = 0x40;
export const PTE_D = 0x80;

/** R, W and X: an entry with none of them points to the next table. */
export const PTE_RWX = PTE_R | PTE_W | PTE_X;

/** Bits that must be zero in a pointer to the next table. */
export const PTE_RESERVED_IN_POINTER = PTE_D | PTE_A | PTE_U;

/** Bits 63–54, in the entry's high half: N (Svnapot), the memory type (Svpbmt), and below them reserved ones. */
export const PTE_HIGH_FLAGS = 0xffc00000 | 0;
export const PTE_N = 0x80000000 | 0;
export const PTE_PBMT = 0x60000000;

/** The physical page number (44 bits) from an entry's two uint32 halves. */
export function entryPpn(low: number, high: number): number {
  return (low >>> 10) + (high & 0x003fffff) * 0x400000;
}

/** The physical address, in bytes, of the page or table that an entry names. */
export function entryAddressOf(entry: bigint): number {
  return Number((entry >> 10n) & 0xfffffffffffn) * 4096;
}

/**
 * The physical address of the first byte that a leaf maps at this virtual address, a multiple of the level's page size.
 * With the N bit, at level 0, the leaf stands for one of 16 pages, and the address tells which (Svnapot).
 */
export function leafAddressOf(entry: bigint, level: number, va: bigint): number {
  const address = entryAddressOf(entry);
  if (level !== 0 || (Number(entry >> 32n) & PTE_N) === 0) return address;
  return address - (address % NAPOT_SIZE) + Number(va & BigInt(NAPOT_SIZE - 4096));
}

/** An entry with this page address (a multiple of 4 KiB) and these low bits. */
export function makeEntry(address: number, bits: number): bigint {
  return (BigInt(Math.floor(address / 4096)) << 10n) | BigInt(bits);
}

/** Whether a valid entry is a leaf: it maps a page rather than naming the next table (Privileged 4.3.2, step 4). */
export function isLeaf(entry: bigint): boolean {
  return (Number(entry & 0xffn) & PTE_RWX) !== 0;
}

/** The entry's flags as debuggers write them, `DAGUXWRV` with a dash for each bit that is 0. */
export function entryFlags(entry: bigint): string {
  const bits = Number(entry & 0xffn);
  return [...'DAGUXWRV'].map((letter, i) => (bits & (0x80 >> i) ? letter : '-')).join('');
}
