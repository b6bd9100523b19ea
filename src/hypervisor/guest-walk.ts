/** Where a guest's own page table leads. Nothing here changes anything. */
import { LOAD } from '../engine/host';
import type { Access } from '../engine/host';
import { walkPageTable } from '../machine/walk';
import type { Gpa } from './addresses';
import { PAGE_SIZE } from './addresses';
import type { Vcpu } from './vcpu';

/** By the vCPU's present page table, in the mode it is in; undefined where that faults. */
export function translate(vcpu: Vcpu, gva: bigint, access: Access): Gpa | undefined {
  if (vcpu.csrs.bare) return gva <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(gva) : undefined;
  const { memory } = vcpu.guest;
  const walk = walkPageTable(gva, access, vcpu.walkContext(), (address) => memory.readEntry(address));
  return walk.ok ? walk.address : undefined;
}

/** The doubleword that a load of the vCPU at `gva` gives; undefined where it faults, or crosses a page. */
export function loadDoubleword(vcpu: Vcpu, gva: bigint): bigint | undefined {
  const gpa = translate(vcpu, gva, LOAD);
  if (gpa === undefined || (gpa % PAGE_SIZE) + 8 > PAGE_SIZE) return undefined;
  return vcpu.guest.memory.readEntry(gpa);
}
