/** Pieces of memory that a driver gave its device, taken as one sequence of bytes. */
import type { DmaMemory } from './dma-memory';

interface Piece {
  readonly address: number;
  readonly length: number;
}

export class Buffers {
  private readonly pieces: Piece[] = [];
  private total = 0;

  constructor(private readonly memory: DmaMemory) {}

  /** Bytes altogether. Pieces may lie on top of each other, so that it can be more than there is memory. */
  get length(): number {
    return this.total;
  }

  /** Number of pieces. */
  get count(): number {
    return this.pieces.length;
  }

  /** Appends memory that is known to be there. */
  add(address: number, length: number): void {
    this.pieces.push({ address, length });
    this.total += length;
  }

  /** A copy of up to `length` bytes from `offset` on, fewer at the end. */
  read(offset: number, length: number): Uint8Array {
    const result = new Uint8Array(Math.max(0, Math.min(length, this.total - offset)));
    let filled = 0;
    for (const { address, length: size } of this.within(offset, result.length)) {
      result.set(this.memory.bytes(address, size), filled);
      filled += size;
    }
    return result;
  }

  /** Writes as much of `bytes` as there is room for from `offset` on. @returns how many bytes */
  write(offset: number, bytes: Uint8Array): number {
    let written = 0;
    for (const { address, length } of this.within(offset, bytes.length)) {
      this.memory.load(address, bytes.subarray(written, written + length));
      written += length;
    }
    return written;
  }

  /** The memory of `length` bytes from `offset` on, piece by piece. */
  private *within(offset: number, length: number): Generator<Piece> {
    let skip = offset;
    let left = length;
    for (const piece of this.pieces) {
      if (left <= 0) return;
      if (skip >= piece.length) {
        skip -= piece.length;
        continue;
      }
      const size = Math.min(left, piece.length - skip);
      yield { address: piece.address + skip, length: size };
      left -= size;
      skip = 0;
    }
  }
}
