/** What the bus asks of a memory-mapped device. */
import type { ByteAccess } from '../../engine/host';
import type { Stateful } from '../../engine/state-transfer';

/** Bytes in one access. */
export type Width = 1 | 2 | 4 | 8;

export interface Device extends Stateful {
  /** As the device tree and QEMU's documentation call it. */
  readonly name: string;
  /** First physical address. */
  readonly base: number;
  /** Bytes that answer; beyond them nothing is there. */
  readonly size: number;
  /** Whether the device takes an access of this width at this offset; if not, it is an access fault. */
  accepts(offset: number, width: Width): boolean;
  /** Reads `width` bytes at `offset` from the base, a multiple of `width`; unsigned. Never throws. */
  read(offset: number, width: Width): bigint;
  /** Writes the low `width` bytes of `value` at `offset` from the base, a multiple of `width`. Never throws. */
  write(offset: number, width: Width, value: bigint): void;
  /** The same for single bytes, if the device takes them at all offsets and programs make many of them: unsigned. */
  readonly byteAccess?: ByteAccess;
}
