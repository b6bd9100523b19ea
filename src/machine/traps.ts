/** Where traps go, and which interrupt is taken (Privileged 3.1.6.1, 3.1.8, 3.1.9). */
import type { Privilege } from '../engine/hart-state';
import type { StateTransfer } from '../engine/state-transfer';
import type { CsrState } from './csr-state';
import { MPP_SHIFT, MSTATUS } from './status';

/** A trap, as the debugger and the handlers in TypeScript see it. */
export interface Trap {
  /** Cause code, without the interrupt bit. */
  readonly cause: number;
  readonly interrupt: boolean;
  readonly tval: bigint;
  /** The instruction that trapped or was interrupted: what sepc or mepc receives. */
  readonly pc: bigint;
  readonly from: Privilege;
  /** The mode that handles it. */
  readonly to: 1 | 3;
}

const S_MODE = 1;
const M_MODE = 3;

/** A trap that is taken: hardly anybody asks for its pc, which takes longer to make than all the rest. */
export class TakenTrap implements Trap {
  constructor(
    readonly cause: number,
    readonly interrupt: boolean,
    readonly tval: bigint,
    private readonly pcLow: number,
    private readonly pcHigh: number,
    readonly from: Privilege,
    readonly to: 1 | 3,
  ) {}

  get pc(): bigint {
    return (BigInt(this.pcHigh) << 32n) | BigInt(this.pcLow);
  }
}

/** Passes a trap through, or makes it anew. */
export function transferTrap(state: StateTransfer, trap?: Trap): Trap {
  return {
    cause: state.integer(trap?.cause ?? 0, 63),
    interrupt: state.flag(trap?.interrupt ?? false),
    tval: state.word(trap?.tval ?? 0n),
    pc: state.word(trap?.pc ?? 0n),
    from: state.integer(trap?.from ?? 0, M_MODE) as Privilege,
    to: state.flag(trap?.to === M_MODE) ? M_MODE : S_MODE,
  };
}

/** Interrupts in the order in which they are taken (3.1.9, 4.1.3). */
const priorities = [11, 3, 7, 9, 1, 5];

/** The interrupt to take now, by its cause code; -1 when there is none. */
export function deliverableInterrupt(csrs: CsrState, privilege: Privilege): number {
  const pending = csrs.pendingInterrupts & csrs.enabledInterrupts;
  if (pending === 0) return -1;
  if (privilege < M_MODE || (csrs.status & MSTATUS.MIE) !== 0) {
    const forMachine = pending & ~csrs.delegatedInterrupts;
    if (forMachine !== 0) return first(forMachine);
  }
  if (privilege < S_MODE || (privilege === S_MODE && (csrs.status & MSTATUS.SIE) !== 0)) {
    const forSupervisor = pending & csrs.delegatedInterrupts;
    if (forSupervisor !== 0) return first(forSupervisor);
  }
  return -1;
}

function first(interrupts: number): number {
  return priorities.find((bit) => (interrupts & (1 << bit)) !== 0) ?? -1;
}

/** The mode that handles a trap: S when it is delegated and does not come from M-mode (3.1.8). */
export function handlerOf(csrs: CsrState, cause: number, interrupt: boolean, from: Privilege): 1 | 3 {
  const delegated = interrupt ? csrs.delegatedInterrupts : csrs.delegatedExceptions;
  return from <= S_MODE && cause < 32 && ((delegated >>> cause) & 1) !== 0 ? S_MODE : M_MODE;
}

/** mstatus after a trap into the mode `to`: the stack of interrupt enables and modes, pushed (3.1.6.1). */
export function pushStatus(status: number, from: Privilege, to: 1 | 3): number {
  if (to === S_MODE) {
    const enabled = (status & MSTATUS.SIE) !== 0 ? MSTATUS.SPIE : 0;
    const previous = from === S_MODE ? MSTATUS.SPP : 0;
    return ((status & ~(MSTATUS.SIE | MSTATUS.SPIE | MSTATUS.SPP)) | enabled | previous) >>> 0;
  }
  const enabled = (status & MSTATUS.MIE) !== 0 ? MSTATUS.MPIE : 0;
  return ((status & ~(MSTATUS.MIE | MSTATUS.MPIE | MSTATUS.MPP)) | enabled | (from << MPP_SHIFT)) >>> 0;
}

/** mstatus and the mode after SRET (`from` = 1) or MRET (`from` = 3): the stack popped (3.1.6.1). */
export function popStatus(status: number, from: 1 | 3): { status: number; privilege: Privilege } {
  if (from === S_MODE) {
    const privilege: Privilege = (status & MSTATUS.SPP) !== 0 ? 1 : 0;
    const enabled = (status & MSTATUS.SPIE) !== 0 ? MSTATUS.SIE : 0;
    const kept = status & ~(MSTATUS.SIE | MSTATUS.SPP | MSTATUS.MPRV);
    return { status: (kept | enabled | MSTATUS.SPIE) >>> 0, privilege };
  }
  const privilege = previousMachineMode(status);
  const enabled = (status & MSTATUS.MPIE) !== 0 ? MSTATUS.MIE : 0;
  // MPRV ends when M-mode does.
  const cleared = MSTATUS.MIE | MSTATUS.MPP | (privilege === M_MODE ? 0 : MSTATUS.MPRV);
  return { status: ((status & ~cleared) | enabled | MSTATUS.MPIE) >>> 0, privilege };
}

/** mstatus.MPP. */
export function previousMachineMode(status: number): Privilege {
  return ((status & MSTATUS.MPP) >> MPP_SHIFT) as Privilege;
}

/** Where a trap enters its handler: the base of mtvec or stvec, or its slot in vectored mode (3.1.7). */
export function handlerAddress(tvec: bigint, cause: number, interrupt: boolean): bigint {
  const base = tvec & ~3n;
  return interrupt && (tvec & 3n) === 1n ? BigInt.asUintN(64, base + BigInt(4 * cause)) : base;
}
