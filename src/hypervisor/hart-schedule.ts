/**
 * Who has a hart. Where several vCPUs share it, each that can run gets it in turn: for a time slice, or until it waits, stops
 * or ends. A slice is a number of instructions of the hart, so that runs are alike, and so that a vCPU gets it whole however
 * many harts there are; the host timer says when to count them.
 */
import type { StateTransfer } from '../engine/state-transfer';
import type { Hart } from '../machine/hart';
import { INSTRUCTIONS_PER_TICK } from '../machine/time';
import { NEVER } from './guest-csrs';
import type { HostTables } from './host-tables';
import type { Vcpu } from './vcpu';

/** The hart's timer, as the SBI below the hypervisor offers it. Times are ticks of the machine's time. */
export interface HostTimer {
  now(): bigint;
  /** The host timer interrupt pends from this time on, not before. */
  set(deadline: bigint): void;
}

/** No deadline that anybody asks for. */
const UNKNOWN = 0n;

export class HartSchedule {
  /** In the order in which they get their turns. */
  readonly vcpus: Vcpu[] = [];
  /** The one that has the hart, whether it can run or not. */
  current!: Vcpu;
  /** Whether there are several. */
  isShared = false;
  /** The hart's count of instructions at which the turn is over, if another one can run. */
  private sliceEnd = 0;
  /** Something happened that may end the turn, or change what the host timer is for. */
  private changed = true;
  /** What the host timer is set to. */
  private deadline = UNKNOWN;

  /** @param slice the length of a turn, in instructions of the hart */
  constructor(
    readonly hart: Hart,
    readonly tables: HostTables,
    private readonly timer: HostTimer,
    private readonly slice: number,
  ) {}

  /** A further vCPU runs on the hart; the first one has it. */
  add(vcpu: Vcpu): void {
    this.vcpus.push(vcpu);
    this.isShared = this.vcpus.length > 1;
    if (this.isShared) return;
    this.current = vcpu;
    this.tables.mapTrapContext(vcpu.trapContext);
  }

  /** A vCPU is to be interrupted at another time than before, in ticks of the machine's time. */
  setTimer(deadline: bigint): void {
    if (this.isShared || !this.current.isInHypervisor) this.notice();
    else this.timer.set(deadline);
  }

  /** The host timer interrupt was taken: for vCPUs whose time has come, their own pends. */
  expireTimers(): void {
    for (const vcpu of this.vcpus) vcpu.timer.expire();
    if (!this.isShared) {
      this.timer.set(this.current.timer.hostDeadline);
      return;
    }
    this.changed = true;
    this.deadline = UNKNOWN;
  }

  /** Something happened to one of the vCPUs: if the hart is in a guest, it comes out to see to it. */
  notice(): void {
    this.changed = true;
    this.current.interruptHart();
  }

  /** The vCPU that is to have the hart in place of the one that has it; undefined: it stays as it is. */
  next(): Vcpu | undefined {
    const { current, vcpus } = this;
    if (!this.changed && !current.waiting && !current.guest.ended) return undefined;
    if (current.canRun && this.left > 0) return undefined;
    const index = vcpus.indexOf(current);
    for (let step = 1; step < vcpus.length; step++) {
      const candidate = vcpus[(index + step) % vcpus.length];
      if (candidate.canRun) return candidate;
    }
    return undefined;
  }

  /** A vCPU gets the hart, which is in the hypervisor. */
  give(vcpu: Vcpu): void {
    this.current.float.unload();
    this.current = vcpu;
    // No code runs in the hypervisor's address space, so that no cached translation of it needs a fence.
    this.tables.mapTrapContext(vcpu.trapContext);
    vcpu.takeHart();
    this.sliceEnd = this.hart.context.executed + this.slice;
    this.changed = true;
  }

  /** Before the hart goes back to a guest: sets the host timer to the first of what it is for. */
  arm(): void {
    if (!this.changed) return;
    for (const { guest } of this.vcpus) guest.settleClock();
    this.changed = false;
    const { current } = this;
    let first = NEVER;
    let isContended = false;
    for (const vcpu of this.vcpus) {
      const { hostDeadline } = vcpu.timer;
      if (hostDeadline < first) first = hostDeadline;
      if (vcpu !== current && vcpu.canRun) isContended = true;
    }
    if (isContended) {
      const ticks = Math.max(1, Math.ceil(this.left / INSTRUCTIONS_PER_TICK));
      const end = this.timer.now() + BigInt(ticks);
      if (end < first) first = end;
    }
    if (first === this.deadline && this.isShared) return;
    this.deadline = first;
    this.timer.set(first);
  }

  /** A guest has ended: its vCPUs get no turn any more. */
  guestEnded(): void {
    if (this.vcpus.every(({ guest }) => guest.ended)) this.hart.stop();
    else this.notice();
  }

  /** Instructions left in the turn. */
  private get left(): number {
    return this.sliceEnd - this.hart.context.executed;
  }

  transferState(state: StateTransfer): void {
    const { vcpus } = this;
    this.current = vcpus[state.integer(vcpus.indexOf(this.current), vcpus.length - 1)];
    this.sliceEnd = state.integer(this.sliceEnd);
    this.changed = state.flag(this.changed);
    this.deadline = state.word(this.deadline);
  }
}
