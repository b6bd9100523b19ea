/** Memory as a device reaches it, by the addresses that its driver gives it. */

/** Little-endian. Accesses that are not wholly inside throw a RangeError: ask `contains` first. */
export interface DmaMemory {
  /** Whether `length` bytes from `address` are memory. */
  contains(address: number, length: number): boolean;
  read16(address: number): number;
  read32(address: number): number;
  read64(address: number): bigint;
  write16(address: number, value: number): void;
  write32(address: number, value: number): void;
  /** A live view, for reading only. */
  bytes(address: number, length: number): Uint8Array;
  load(address: number, bytes: Uint8Array): void;
}
