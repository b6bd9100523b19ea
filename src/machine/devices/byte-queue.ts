/** A first-in first-out queue of bytes that grows as needed, up to a limit. */
import type { StateTransfer } from '../../engine/state-transfer';

export class ByteQueue {
  private ring = new Uint8Array(64);
  private head = 0;
  private count = 0;

  constructor(private readonly limit: number) {}

  get length(): number {
    return this.count;
  }

  /** Appends bytes; returns how many there was room for. */
  push(bytes: Uint8Array): number {
    const accepted = Math.max(0, Math.min(bytes.length, this.limit - this.count));
    this.reserve(accepted);
    for (let i = 0; i < accepted; i++) this.ring[(this.head + this.count + i) % this.ring.length] = bytes[i];
    this.count += accepted;
    return accepted;
  }

  /** Takes the oldest byte; -1 when there is none. */
  shift(): number {
    if (this.count === 0) return -1;
    const byte = this.ring[this.head];
    this.head = (this.head + 1) % this.ring.length;
    this.count--;
    return byte;
  }

  /** Puts a byte that was taken back to the front; the limit does not apply to it. */
  unshift(byte: number): void {
    this.reserve(1);
    this.head = (this.head + this.ring.length - 1) % this.ring.length;
    this.ring[this.head] = byte;
    this.count++;
  }

  transferState(state: StateTransfer): void {
    const held = Uint8Array.from({ length: this.count }, (_, i) => this.ring[(this.head + i) % this.ring.length]);
    // A byte that was put back may exceed the limit.
    const bytes = state.bytes(held, this.limit + this.ring.length);
    if (!state.isRestoring) return;
    this.head = this.count = 0;
    this.reserve(bytes.length);
    this.ring.set(bytes);
    this.count = bytes.length;
  }

  private reserve(more: number): void {
    let capacity = this.ring.length;
    while (capacity < this.count + more) capacity *= 2;
    if (capacity === this.ring.length) return;
    const larger = new Uint8Array(capacity);
    for (let i = 0; i < this.count; i++) larger[i] = this.ring[(this.head + i) % this.ring.length];
    this.ring = larger;
    this.head = 0;
  }
}
