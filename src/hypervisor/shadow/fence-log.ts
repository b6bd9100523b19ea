/**
 * Which fences a guest's vCPUs have executed lately. One that fences what it has changed in a page table has finished the
 * change: harts that it has not had fenced by then will not be.
 */
import type { StateTransfer } from '../../engine/state-transfer';
import { LEVEL_SIZE } from '../addresses';
import type { Level } from '../addresses';
import type { FenceTarget } from './shadow-page-tables';

interface Fence extends FenceTarget {
  /** The machine's count of instructions. */
  readonly count: number;
}

/** Fences of one address or ASID that are remembered of a vCPU. */
const REMEMBERED = 128;
const MOST_VCPUS = 64;

export class FenceLog {
  /** When each vCPU last fenced everything, by its number. */
  private readonly whole: number[] = [];
  /** Other fences of each, in rings. */
  private readonly others: Fence[][] = [];
  private readonly ends: number[] = [];

  note(vcpu: number, target: FenceTarget, count: number): void {
    while (this.whole.length <= vcpu) {
      this.whole.push(-1);
      this.others.push([]);
      this.ends.push(0);
    }
    if (target.gva === undefined && target.asid === undefined) {
      this.whole[vcpu] = count;
      return;
    }
    const end = this.ends[vcpu];
    this.others[vcpu][end] = { ...target, count };
    this.ends[vcpu] = (end + 1) % REMEMBERED;
  }

  /** Whether a vCPU has fenced an address since so many instructions had been executed. @param level of the leaf there */
  hasFenced(vcpu: number, since: number, gva: bigint, level: Level, asid: number): boolean {
    if ((this.whole[vcpu] ?? -1) >= since) return true;
    const size = BigInt(LEVEL_SIZE[level]);
    return (this.others[vcpu] ?? []).some(
      (fence) =>
        fence.count >= since &&
        (fence.asid === undefined || fence.asid === asid) &&
        (fence.gva === undefined || fence.gva / size === gva / size),
    );
  }

  transferState(state: StateTransfer): void {
    const whole = state.list(this.whole, MOST_VCPUS, (count) => state.number(count ?? -1));
    const others = state.list(this.others, MOST_VCPUS, (fences) =>
      state.list(fences ?? [], REMEMBERED, (fence): Fence => {
        const gva = state.optional(fence?.gva, (address) => state.word(address ?? 0n));
        const asid = state.optional(fence?.asid, (number) => state.integer(number ?? 0, 0xffff));
        const count = state.integer(fence?.count ?? 0);
        return { ...(gva !== undefined && { gva }), ...(asid !== undefined && { asid }), count };
      }),
    );
    const ends = state.list(this.ends, MOST_VCPUS, (end) => state.integer(end ?? 0, REMEMBERED - 1));
    if (!state.isRestoring) return;
    this.whole.splice(0, Infinity, ...whole);
    this.others.splice(0, Infinity, ...others);
    this.ends.splice(0, Infinity, ...ends);
  }
}
