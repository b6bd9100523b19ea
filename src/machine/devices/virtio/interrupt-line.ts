/** Why a slot interrupts, and the line that says so: high while there is a reason that the driver has not acknowledged. */
import type { StateTransfer } from '../../../engine/state-transfer';
import { INTERRUPT } from './mmio-registers';

export class InterruptLine {
  private reasons = 0;
  private level = false;

  /** @param onChange hears of the line whenever a reason comes or goes: it may be high as before, for one reason more */
  constructor(private readonly onChange: (level: boolean) => void) {}

  /** The register `interruptStatus`. */
  get status(): number {
    return this.reasons;
  }

  transferState(state: StateTransfer): void {
    this.reasons = state.integer(this.reasons, INTERRUPT.used | INTERRUPT.config);
    this.level = state.flag(this.level);
  }

  raise(reasons: number): void {
    this.reasons |= reasons;
    this.update();
  }

  acknowledge(reasons: number): void {
    this.reasons &= ~reasons;
    this.update();
  }

  reset(): void {
    this.reasons = 0;
    this.update();
  }

  private update(): void {
    const level = this.reasons !== 0;
    if (!level && !this.level) return;
    this.level = level;
    this.onChange(level);
  }
}
