/**
 * The promise that guests are kept apart, as a check that can be made at any moment: every leaf of every shadow table lies
 * in its guest's memory, and every table is the hypervisor's own, used once.
 */
import { entryAddressOf, isLeaf, PTE_U, PTE_V } from '../machine/pte';
import type { Hpa, Level } from './addresses';
import { LEVEL_SIZE } from './addresses';
import type { Guest } from './guest';
import { HYPERVISOR_BASE, HYPERVISOR_END } from './layout';
import { PTE_SUSPECT } from './shadow/stale-translations';
import type { ShadowView } from './shadow/view';

/** What is wrong, in sentences; none when the promise holds. */
export function checkIsolation(guest: Guest): string[] {
  const tables = new Set<Hpa>();
  return [...guest.shadow.allViews()].flatMap((view) => {
    const check = new ViewCheck(guest, view, tables);
    check.table(view.root, view.rootLevel);
    if (check.leaves !== view.leaves) check.problems.push(`${check.leaves} leaves are counted as ${view.leaves}.`);
    return check.problems.map((problem) => `${guest.name}, view ${view.kind}: ${problem}`);
  });
}

class ViewCheck {
  readonly problems: string[] = [];
  leaves = 0;

  constructor(
    private readonly guest: Guest,
    private readonly view: ShadowView,
    /** Tables seen in all views. */
    private readonly tables: Set<Hpa>,
  ) {}

  table(table: Hpa, level: Level): void {
    if (this.tables.has(table)) this.problems.push(`the table at ${hex(table)} is used twice.`);
    this.tables.add(table);
    if (!this.view.hasTable(table) || table < HYPERVISOR_BASE || table >= HYPERVISOR_END) {
      this.problems.push(`${hex(table)} is not a table of this view.`);
      return;
    }
    for (let index = 0; index < 512; index++) this.entry(table + index * 8, level);
  }

  private entry(address: Hpa, level: Level): void {
    const entry = this.guest.dram.read64(address);
    if ((entry & BigInt(PTE_V)) === 0n) {
      if (entry !== 0n) this.problems.push(`the entry at ${hex(address)} is neither valid nor zero.`);
      return;
    }
    const target = entryAddressOf(entry);
    if (isLeaf(entry)) this.leaf(address, level, entry, target);
    else if (level === 0) this.problems.push(`the entry at ${hex(address)} points below level 0.`);
    else this.table(target, (level - 1) as Level);
  }

  private leaf(address: Hpa, level: Level, entry: bigint, target: Hpa): void {
    this.leaves++;
    const size = LEVEL_SIZE[level];
    if (!this.guest.memory.containsHpa(target, size) || target % size !== 0) {
      this.problems.push(`the entry at ${hex(address)} maps ${size} bytes at ${hex(target)}, outside the guest.`);
    }
    const isSuspect = (entry & BigInt(PTE_SUSPECT)) !== 0n;
    if (isSuspect === ((entry & BigInt(PTE_U)) !== 0n))
      this.problems.push(`the entry at ${hex(address)} is not for U-mode.`);
  }
}

function hex(address: Hpa): string {
  return `0x${address.toString(16)}`;
}
