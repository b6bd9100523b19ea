/** The promise of write protection, as a check that can be made at any moment. */
import { FETCH, LOAD, STORE } from '../../src/engine/host';
import type { Guest } from '../../src/hypervisor/guest';
import { viewsInOrder } from '../../src/hypervisor/shadow/shadow-page-tables';
import type { ShadowView } from '../../src/hypervisor/shadow/view';
import { addressSpaceOf } from '../../src/machine/paging';
import { entryAddressOf, isLeaf, PTE_R, PTE_V, PTE_W, PTE_X } from '../../src/machine/pte';
import { walkPageTable } from '../../src/machine/walk';

const RIGHTS = [
  [PTE_X, FETCH],
  [PTE_R, LOAD],
  [PTE_W, STORE],
] as const;

/** What is wrong, in sentences: shadow leaves that allow what the guest's table does not, or lead elsewhere. */
export function checkSynchronized(guest: Guest): string[] {
  const problems: string[] = [];
  if (guest.shadow.protection?.isSettled !== true) return problems;
  for (const space of guest.shadow.addressSpaces()) {
    for (const view of viewsInOrder(space)) {
      for (const leaf of leaves(guest, view)) {
        const where = `${view.kind} 0x${leaf.gva.toString(16)}`;
        for (const [bit, access] of RIGHTS) {
          if ((leaf.entry & BigInt(bit)) === 0n) continue;
          const gpa = guestAddress(guest, view, space.satp, leaf.gva, access);
          const hpa = gpa === undefined ? undefined : guest.gpaToHpa(gpa);
          if (hpa !== entryAddressOf(leaf.entry)) problems.push(`${where}: access ${access} leads to another page`);
        }
        if (
          (leaf.entry & BigInt(PTE_W)) !== 0n &&
          guest.shadow.protection?.hasTables(entryAddressOf(leaf.entry), leaf.level)
        ) {
          problems.push(`${where}: a page table can be written`);
        }
      }
    }
  }
  return problems;
}

function guestAddress(
  guest: Guest,
  view: ShadowView,
  satp: bigint,
  gva: bigint,
  access: 0 | 1 | 2,
): number | undefined {
  const space = addressSpaceOf(satp);
  if (!space) return Number(gva);
  const privilege = view.kind === 'vU' ? 0 : 1;
  const how = { ...space, privilege, sum: view.kind === 'vS+SUM', mxr: view.reliesOnMxr } as const;
  const walk = walkPageTable(gva, access, how, (address) => guest.memory.readEntry(address));
  if (!walk.ok || walk.updatedEntry !== walk.entry) return undefined;
  return walk.address;
}

function* leaves(
  guest: Guest,
  view: ShadowView,
  table = view.root,
  level = view.rootLevel,
  base = 0n,
): Generator<{ gva: bigint; entry: bigint; level: typeof level }> {
  for (let index = 0; index < 512; index++) {
    const entry = guest.dram.read64(table + index * 8);
    if ((entry & BigInt(PTE_V)) === 0n) continue;
    let gva = base + (BigInt(index) << BigInt(12 + 9 * level));
    if (level === view.rootLevel && index >= 256) gva = BigInt.asUintN(64, BigInt.asIntN(view.scheme.vaBits, gva));
    if (isLeaf(entry)) yield { gva, entry, level };
    else yield* leaves(guest, view, entryAddressOf(entry), (level - 1) as typeof level, gva);
  }
}
