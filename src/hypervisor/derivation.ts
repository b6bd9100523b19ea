/**
 * The promise that shadow entries permit no more than the guest's tables, as a check that can be made at any moment. With
 * write protection it holds for all of them; with fences, where stale translations are looked for, for those that are not
 * suspect, and not used on after they were told. Without either it is no promise: a fence may be due.
 */
import { FETCH, LOAD, STORE } from '../engine/host';
import type { Access } from '../engine/host';
import { addressSpaceOf } from '../machine/paging';
import { entryAddressOf, isLeaf, PTE_R, PTE_V, PTE_W, PTE_X } from '../machine/pte';
import { walkPageTable } from '../machine/walk';
import type { Gpa, Hpa, Level } from './addresses';
import type { Guest } from './guest';
import { viewsInOrder } from './shadow/shadow-page-tables';
import type { ShadowView } from './shadow/view';

const RIGHTS: readonly (readonly [bit: number, access: Access, name: string])[] = [
  [PTE_X, FETCH, 'fetches'],
  [PTE_R, LOAD, 'loads'],
  [PTE_W, STORE, 'stores'],
];

interface Leaf {
  readonly address: Hpa;
  readonly gva: bigint;
  readonly level: Level;
  readonly entry: bigint;
}

/** What is wrong, in sentences; none where nothing is promised. */
export function checkDerivation(guest: Guest): string[] {
  const { protection } = guest.shadow;
  const { stale } = guest;
  if (protection ? !protection.isSettled : !stale) return [];
  const problems: string[] = [];
  for (const space of guest.shadow.addressSpaces()) {
    for (const view of viewsInOrder(space)) {
      for (const leaf of leaves(guest, view, view.root, view.rootLevel, 0n)) {
        if (stale && space.root !== undefined && !stale.vouchesFor(leaf.address)) continue;
        for (const [bit, access, name] of RIGHTS) {
          if ((leaf.entry & BigInt(bit)) === 0n) continue;
          const gpa = addressInGuest(guest, view, space.satp, leaf.gva, access);
          const hpa = gpa === undefined ? undefined : guest.gpaToHpa(gpa);
          if (hpa === entryAddressOf(leaf.entry)) continue;
          const where = hpa === undefined ? 'are not allowed' : `lead to 0x${hpa.toString(16)}`;
          problems.push(
            `${guest.name}, view ${view.kind}: the entry at 0x${leaf.address.toString(16)} permits ${name} at ` +
              `0x${leaf.gva.toString(16)}, which by the guest's table ${where}.`,
          );
        }
      }
    }
  }
  return problems;
}

/** Where the guest's table leads without a change of A and D; undefined where it does not. */
function addressInGuest(guest: Guest, view: ShadowView, satp: bigint, gva: bigint, access: Access): Gpa | undefined {
  const space = addressSpaceOf(satp);
  if (!space) return Number(gva);
  const [vcpu] = guest.vcpus;
  const privilege = view.kind === 'vU' ? 0 : 1;
  const rules = vcpu?.walkContext();
  const how = { ...rules, ...space, privilege, sum: view.kind === 'vS+SUM', mxr: view.reliesOnMxr } as const;
  const walk = walkPageTable(gva, access, how, (address) => guest.memory.readEntry(address));
  if (!walk.ok || walk.updatedEntry !== walk.entry) return undefined;
  return walk.address;
}

function* leaves(guest: Guest, view: ShadowView, table: Hpa, level: Level, base: bigint): Generator<Leaf> {
  for (let index = 0; index < 512; index++) {
    const address = table + index * 8;
    const entry = guest.dram.read64(address);
    if ((entry & BigInt(PTE_V)) === 0n) continue;
    const part = base + (BigInt(index) << BigInt(12 + 9 * level));
    const isTop = level === view.rootLevel;
    const gva = isTop ? BigInt.asUintN(64, BigInt.asIntN(view.scheme.vaBits, part)) : part;
    if (isLeaf(entry)) yield { address, gva, level, entry };
    else yield* leaves(guest, view, entryAddressOf(entry), (level - 1) as Level, gva);
  }
}
