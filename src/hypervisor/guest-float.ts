/**
 * A vCPU's floating-point unit: the hart's own while the vCPU has the hart; else what it left there, in its trap context. The
 * status (sstatus.FS) is the guest's.
 */
import type { StateTransfer } from '../engine/state-transfer';
import type { HartState } from '../engine/hart-state';
import type { FloatingPointStatus } from './guest-csrs';
import type { TrapContext } from './trap-context';

export class GuestFloat implements FloatingPointStatus {
  private isLoaded = false;
  /** FS while it is not loaded. */
  private status = 0;

  constructor(
    private readonly hart: HartState,
    private readonly context: TrapContext,
  ) {}

  /** FS, 0 to 3. */
  get(): number {
    return this.isLoaded ? this.hart.floatState : this.status;
  }

  set(status: number): void {
    if (this.isLoaded) this.hart.floatState = status;
    else this.status = status;
  }

  /** Register 0..31, as its 64 bits. */
  register(index: number): bigint {
    return this.isLoaded ? this.hart.f(index) : this.context.f(index);
  }

  setRegister(index: number, value: bigint): void {
    if (this.isLoaded) this.hart.setF(index, value);
    else this.context.setF(index, value);
  }

  /** The floating-point control and status register. */
  get fcsr(): number {
    return this.isLoaded ? this.hart.fcsr : this.context.fcsr;
  }

  set fcsr(value: number) {
    if (this.isLoaded) this.hart.fcsr = value;
    else this.context.fcsr = value;
  }

  /** Begins with what firmware left in the hart. @param isOnHart whether that belongs to the vCPU now */
  begin(isOnHart: boolean): void {
    this.status = this.hart.floatState;
    this.isLoaded = isOnHart;
  }

  /** The vCPU gets the hart. */
  load(): void {
    const { hart, context } = this;
    context.restoreFloat(hart);
    hart.floatState = this.status;
    this.isLoaded = true;
  }

  /** The vCPU has the hart no longer. */
  unload(): void {
    this.status = this.hart.floatState;
    this.context.saveFloat(this.hart);
    this.isLoaded = false;
  }

  transferState(state: StateTransfer): void {
    this.isLoaded = state.flag(this.isLoaded);
    this.status = state.integer(this.status, 3);
  }
}
