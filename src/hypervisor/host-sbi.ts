/**
 * The SBI below the hypervisor, where real firmware runs in M-mode. The hypervisor calls it as any supervisor does: registers,
 * ECALL, and the hart is M-mode's until it returns.
 */
import type { StateTransfer } from '../engine/state-transfer';
import { CSR } from '../machine/csr-numbers';
import type { Hart } from '../machine/hart';
import { MSTATUS } from '../machine/status';
import type { Trap } from '../machine/traps';

const A0 = 10;
const ARGUMENT_REGISTERS = 8;
const INTERRUPT_FLAG = 0x8000_0000;

/** "TIME", sbi_set_timer (SBI 6.1); "HSM", sbi_hart_start (SBI 9.1). */
const SET_TIMER = { extension: 0x5449_4d45n, function: 0n } as const;
const START_HART = { extension: 0x4853_4dn, function: 0n } as const;

interface Call {
  readonly extension: bigint;
  readonly function: bigint;
  readonly args: readonly bigint[];
}

export interface HostSbiEvents {
  /** Firmware starts the hypervisor on this hart. */
  onStart(): void;
  /** Firmware hands a trap on that it took: S-mode's registers are as if it had been delegated. */
  onTrap(trap: Trap): void;
  /** The calls are made. */
  onReturn(): void;
}

/** Calls that may wait. */
const MOST_CALLS = 64;
/** SBI_ERR_ALREADY_AVAILABLE: the hart has been started (SBI 9.1). */
const IS_STARTED = -6n;

export class HostSbi {
  /** Calls that are asked for and not made. */
  private queue: readonly Call[] = [];
  /** M-mode is at work on a call. */
  private isCalling = false;
  private started = false;
  /** What firmware answered to a call that it refused: one of the SBI's error codes. */
  refusal: bigint | undefined;

  constructor(
    readonly hart: Hart,
    /** Where calls return to, in the hypervisor. */
    private readonly returnAddress: bigint,
    private readonly events: HostSbiEvents,
  ) {
    hart.supervisorEntry = () => this.enter();
  }

  /** Whether there are calls to make. */
  get isWanted(): boolean {
    return this.queue.length > 0;
  }

  /** Whether calls were made and have not all been answered. */
  get isAnswering(): boolean {
    return this.isCalling;
  }

  /** The supervisor timer interrupt is to pend from the time `stime` on: called for with the next `make`. */
  setTimer(stime: bigint): void {
    this.queue = [...this.queue, { ...SET_TIMER, args: [stime] }];
  }

  /** Another hart is to enter the hypervisor at this physical address: called for with the next `make`. */
  startHart(index: number, entry: bigint): void {
    this.queue = [...this.queue, { ...START_HART, args: [BigInt(index), entry, 0n] }];
  }

  /**
   * Makes the calls that are asked for, of which there are some. The guest's registers must be in the trap context; the hart is in
   * M-mode afterwards, and the caller has nothing more to do before `onReturn`.
   */
  make(): void {
    const [call, ...rest] = this.queue;
    this.queue = rest;
    this.isCalling = true;
    const { state } = this.hart;
    for (let i = 0; i < ARGUMENT_REGISTERS; i++) state.setX(A0 + i, call.args[i] ?? 0n);
    state.setX(A0 + 6, call.function);
    state.setX(A0 + 7, call.extension);
    state.pc = this.returnAddress - 4n;
    this.hart.callFirmware();
  }

  transferState(state: StateTransfer): void {
    this.started = state.flag(this.started);
    this.isCalling = state.flag(this.isCalling);
    this.queue = state.list(this.queue, MOST_CALLS, (call) => ({
      extension: state.word(call?.extension ?? 0n),
      function: state.word(call?.function ?? 0n),
      args: state.list(call?.args ?? [], ARGUMENT_REGISTERS, (value) => state.word(value ?? 0n)),
    }));
  }

  /** M-mode has entered S-mode. */
  private enter(): void {
    const { events } = this;
    if (!this.started) {
      this.started = true;
      events.onStart();
    } else if (!this.isCalling) {
      events.onTrap(this.redirectedTrap());
    } else {
      this.noteAnswer();
      if (this.isWanted) {
        this.make();
        return;
      }
      this.isCalling = false;
      events.onReturn();
    }
  }

  private noteAnswer(): void {
    const error = BigInt.asIntN(64, this.hart.state.x(A0));
    if (error !== 0n && error !== IS_STARTED) this.refusal = error;
  }

  private redirectedTrap(): Trap {
    const { halves, values, status } = this.hart.csrs.state;
    return {
      cause: halves[2 * CSR.scause],
      interrupt: halves[2 * CSR.scause + 1] === INTERRUPT_FLAG,
      tval: values[CSR.stval],
      pc: values[CSR.sepc],
      from: (status & MSTATUS.SPP) === 0 ? 0 : 1,
      to: 1,
    };
  }
}
