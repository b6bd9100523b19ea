/** A 64-bit counter of retired instructions that software can set and stop: mcycle and minstret (Privileged 3.1.10). */
import type { StateTransfer } from '../engine/state-transfer';

export class CsrCounter {
  /** The counter minus the hart's count, modulo 2^64. */
  private offset = 0n;
  /** The value at which it stands still. */
  private stoppedAt: bigint | undefined;

  /** @param count the hart's count of retired instructions now */
  value(count: number): bigint {
    return this.stoppedAt ?? BigInt.asUintN(64, BigInt(count) + this.offset);
  }

  /** Makes it show `value` when the hart's count is `count`. */
  set(value: bigint, count: number): void {
    if (this.stoppedAt !== undefined) this.stoppedAt = value;
    else this.offset = BigInt.asUintN(64, value - BigInt(count));
  }

  /** Stops it, or lets it go on from where it stands. */
  inhibit(on: boolean, count: number): void {
    if (on === (this.stoppedAt !== undefined)) return;
    const value = this.value(count);
    this.stoppedAt = on ? value : undefined;
    if (!on) this.offset = BigInt.asUintN(64, value - BigInt(count));
  }

  transferState(state: StateTransfer): void {
    this.offset = state.word(this.offset);
    this.stoppedAt = state.optional(this.stoppedAt, (value) => state.word(value ?? 0n));
  }
}
