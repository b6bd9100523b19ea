/** Bytes in order, kept in the pieces that they came in. */
import type { StateTransfer } from '../../engine/state-transfer';

export class ByteStore {
  private readonly pieces: Uint8Array[] = [];
  /** Bytes of the first piece that are gone already. */
  private gone = 0;
  private total = 0;

  get length(): number {
    return this.total;
  }

  /** Appends bytes, which the caller leaves alone from now on. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.pieces.push(bytes);
    this.total += bytes.length;
  }

  /** A copy of up to `count` bytes from `offset` on. */
  peek(offset: number, count: number): Uint8Array {
    const result = new Uint8Array(Math.max(0, Math.min(count, this.total - offset)));
    let skip = offset + this.gone;
    let filled = 0;
    for (const piece of this.pieces) {
      if (filled === result.length) break;
      if (skip >= piece.length) {
        skip -= piece.length;
        continue;
      }
      const part = piece.subarray(skip, skip + result.length - filled);
      result.set(part, filled);
      filled += part.length;
      skip = 0;
    }
    return result;
  }

  /** @param most bytes that there can be */
  transferState(state: StateTransfer, most: number): void {
    const bytes = state.bytes(this.peek(0, this.total), most);
    if (!state.isRestoring) return;
    this.drop(this.total);
    this.push(bytes);
  }

  /** Removes so many bytes at the front, which are there. */
  drop(count: number): void {
    this.total -= count;
    this.gone += count;
    let whole = 0;
    while (whole < this.pieces.length && this.gone >= this.pieces[whole].length)
      this.gone -= this.pieces[whole++].length;
    this.pieces.splice(0, whole);
  }
}
