/**
 * A guest's time, in ticks of 100 ns: the machine's; or, where that was asked for, one that stands still while the guest does,
 * so that the guest is late for nothing that it could not do meanwhile.
 */
import type { StateTransfer } from '../engine/state-transfer';
import { NEVER } from './guest-csrs';

export class GuestClock {
  /** It goes or stands still from now on, or is another time. */
  onChange: () => void = () => {};
  /** Ticks that the guest's time is behind the machine's. */
  private behind = 0n;
  /** The guest's time while it stands still. */
  private stoppedAt: bigint | undefined;

  /**
   * @param machineTime never decreasing
   * @param mayStop otherwise it is the machine's, whatever the guest does
   */
  constructor(
    private readonly machineTime: () => bigint,
    readonly mayStop: boolean,
  ) {}

  /** Whether it does not stand still. */
  get runs(): boolean {
    return this.stoppedAt === undefined;
  }

  now(): bigint {
    return this.stoppedAt ?? this.machineTime() - this.behind;
  }

  /** The machine's time at which it is this time for the guest, as far as that is known: NEVER while it stands still. */
  toMachine(time: bigint): bigint {
    if (time === NEVER || this.stoppedAt !== undefined) return NEVER;
    const at = time + this.behind;
    return at > NEVER ? NEVER : at;
  }

  /** Lets it go or stand still. */
  run(on: boolean): void {
    if (!this.mayStop || on === this.runs) return;
    if (this.stoppedAt === undefined) {
      this.stoppedAt = this.now();
    } else {
      this.behind = this.machineTime() - this.stoppedAt;
      this.stoppedAt = undefined;
    }
    this.onChange();
  }

  transferState(state: StateTransfer): void {
    this.behind = state.word(this.behind);
    this.stoppedAt = state.optional(this.stoppedAt, (time) => state.word(time ?? 0n));
    if (state.isRestoring) this.onChange();
  }
}
