/** What a session debugs: guests under the hypervisor, or a bare machine. The rest of the debugger sees only this. */
import type { DataAccess, WatchedRange } from '../../engine/data-watch';
import type { MachineSnapshot } from '../../machine/machine-snapshot';
import type { ExitKind, ExitRecord } from '../../hypervisor/exit-record';
import type { ExitRecorder } from '../../hypervisor/insight/exit-recorder';
import type { PageTableTree } from '../page-tables/tree';
import type { Target } from '../target';
import type { HostInput } from './host-input';

/** A trap that a target takes: an exception or interrupt that reaches its kernel. */
export interface TrapNotice {
  readonly target: Target;
  /** Id of the cause, such as `load-page-fault`; undefined for reserved causes. */
  readonly cause: string | undefined;
  /** Code of the cause, without the interrupt bit. */
  readonly code: number;
  readonly interrupt: boolean;
  /** The name for the user: `Load page fault`. */
  readonly name: string;
  /** What `stval` will hold. */
  readonly tval: bigint;
  /** The instruction that traps, or before which the interrupt is taken. */
  readonly pc: bigint;
  /** Under the hypervisor: what it is going to do. */
  readonly record?: ExitRecord;
  /** An SBI call: it is answered below, and no handler of the target runs. */
  readonly isHandledBelow: boolean;
}

/** Asked about what happens while the system runs, before it is done; `stop` leaves `run` with it not done yet. */
export interface Watcher {
  /** Each VM exit of the kinds in `exitKinds`. */
  readonly onExit?: (target: Target, record: ExitRecord) => 'go' | 'stop';
  readonly exitKinds?: ReadonlySet<ExitKind>;
  /** Each trap. Absent: nobody is interested. */
  readonly onTrap?: (trap: TrapNotice) => 'go' | 'stop';
}

/** Asked about accesses to watched memory while the system runs. */
export interface MemoryWatcher {
  /** What an instruction did, when it is done and pc is still at it. `stop` leaves `run` behind the instruction. */
  readonly onAccess: (target: Target, accesses: readonly DataAccess[]) => 'go' | 'stop';
  /** A target is in another address space now. Absent: nobody is interested. */
  readonly onAddressSpace?: (target: Target) => void;
}

/** Why `run` came back. */
export type RunOutcome =
  /** The budget is used up. */
  | { readonly kind: 'limit' }
  /** Before the instruction at a breakpoint address. */
  | { readonly kind: 'breakpoint'; readonly target: Target }
  /** The watcher said so. */
  | { readonly kind: 'stopped' }
  /** It was others' turn: they were executed, and the target that was to be stepped was not. */
  | { readonly kind: 'elsewhere' }
  /** All processors wait; only input from outside can wake one. */
  | { readonly kind: 'idle' }
  /** All processors waited for a timer; virtual time went on by that many ticks of 100 ns. */
  | { readonly kind: 'waited'; readonly ticks: number }
  /** All processors wait for a timer, which by the host's clock is so many ticks away. */
  | { readonly kind: 'asleep'; readonly ticks: number }
  | { readonly kind: 'end'; readonly end: End };

/** The guests ended. */
export interface End {
  readonly reason: 'shutdown' | 'reboot' | 'failure';
  /** The exit code that the guest gave. */
  readonly code: number;
  /** For the user, one sentence. */
  readonly text: string;
}

/** A console: bytes both ways. */
export interface Console {
  readonly id: string;
  /** For the user: the guest's name. */
  readonly name: string;
  /** It is of the firmware below the hypervisor, and no guest's. */
  readonly isFirmware: boolean;
  onOutput?: (bytes: Uint8Array) => void;
  /** Gives the program input, which waits until the program reads it. @returns false when too much waits already */
  receive(bytes: Uint8Array): boolean;
  /** Bytes of input that the program has not read. */
  readonly waiting: number;
  /** Tells the program the size of the terminal, in characters; absent where there is no way to. */
  resize?(columns: number, rows: number): void;
}

export interface System {
  readonly kind: 'hypervisor' | 'bare';
  readonly targets: readonly Target[];
  readonly consoles: readonly Console[];
  readonly pageTables: PageTableTree;
  /** Instructions executed since the start. */
  readonly instructions: number;
  /** Virtual time since the start, in ticks of 100 ns. */
  readonly time: bigint;
  /** VM exits by kind, for each guest; empty on the bare machine. */
  readonly exitCounts: readonly { readonly guest: string; readonly counts: Readonly<Record<string, number>> }[];
  /** What is known of VM exits; undefined on the bare machine, and when nothing is kept. */
  readonly exits: ExitRecorder | undefined;
  watcher: Watcher;
  /** Hears, in a sentence for the user, what went wrong in a device. */
  onProblem?: (message: string) => void;
  /** What comes from the host's network. */
  readonly input?: HostInput;
  /** The target that runs, or stopped last. */
  readonly current: Target;
  /** What the hypervisor is about to do when execution goes on; undefined when nothing is pending. */
  readonly pending: { readonly target: Target; readonly record: ExitRecord } | undefined;
  /** Virtual addresses before which to stop, when `onBreakpoint` agrees. */
  setBreakpoints(addresses: Iterable<bigint>): void;
  /** Asked before the instruction at such an address: true to stop there, false to go on. */
  onBreakpoint: () => boolean;
  /** Replaces the watched memory; may be called while the system runs. */
  watchMemory(ranges: readonly WatchedRange[], watcher: MemoryWatcher): void;
  /** The whole system as it is. Not while it runs. @throws SnapshotError in a user's words when it cannot be kept */
  takeSnapshot(): MachineSnapshot;
  /**
   * Goes on from what this system, or one made in the same way, was. Not while it runs.
   * @throws SnapshotError in a user's words when it does not fit; then the system is as it was
   */
  restoreSnapshot(snapshot: MachineSnapshot): void;
  /**
   * Holds a guest, so that it executes nothing while the others go on, or lets it go again; absent on the bare machine.
   * Without effect when there is no guest of that name.
   */
  hold?(guest: string, on: boolean): void;
  /** Runs one slice: at most so many instructions, and not much longer than some milliseconds. */
  run(maxInstructions: number): RunOutcome;
  /** From a callback: what runs comes back, as when the budget is used up. Without effect when nothing runs. */
  endSlice(): void;
  /**
   * Executes one instruction of a target, whatever breakpoint is on it; a pending exit counts as the instruction it belongs
   * to. While it is the turn of others, those run instead, for one slice.
   */
  step(target: Target): RunOutcome;
}
