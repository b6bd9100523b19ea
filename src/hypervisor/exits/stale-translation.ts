/**
 * The guest uses a translation that its page table no longer says, without SFENCE.VMA since it changed the table. Hardware may
 * use the old translation or the new one (Privileged 4.2.1); here the old one is used on, after it was told.
 */
import { FETCH, LOAD, STORE } from '../../engine/host';
import type { Access } from '../../engine/host';
import { addressSpaceOf } from '../../machine/paging';
import { PTE_R, PTE_W, PTE_X } from '../../machine/pte';
import type { WalkFailure } from '../../machine/walk';
import type { Hpa } from '../addresses';
import { SOFTWARE_INTERRUPT } from '../guest-csrs';
import type { SuspectLeaf } from '../shadow/stale-translations';
import type { Vcpu } from '../vcpu';
import type { Exit } from './exit';
import { accessName } from './inject';

const RIGHTS = { [FETCH]: PTE_X, [LOAD]: PTE_R, [STORE]: PTE_W };

/**
 * The suspect leaf that the access would use, if to use it is a mistake. Where another vCPU changed the table, it is one from
 * when that one has finished the change: it has fenced itself, or others; or it is back in its user program. A vCPU that is
 * about to be interrupted by another one may be about to fence.
 */
export function suspectFor(vcpu: Vcpu, access: Access, gva: bigint): SuspectLeaf | undefined {
  const { stale } = vcpu.guest;
  if (!stale) return undefined;
  const rights = access === LOAD && vcpu.csrs.mxr ? PTE_R | PTE_X : RIGHTS[access];
  const leaf = stale.suspectAt(vcpu.view, Number(gva & 0xffff_ffffn), Number(gva >> 32n), rights);
  if (!leaf) return undefined;
  const { writer } = leaf.change;
  if (writer.vcpu === undefined || writer.vcpu === vcpu.index) return leaf;
  if ((vcpu.csrs.sip & (1 << SOFTWARE_INTERRUPT)) !== 0) return undefined;
  const other = vcpu.guest.vcpus[writer.vcpu];
  const isBack = other.virtualPrivilege === 0 && other.csrs.satp === writer.satp;
  const asid = addressSpaceOf(vcpu.csrs.satp)?.asid ?? 0;
  return isBack || stale.isFinished(leaf.change, gva, leaf.level, asid) ? leaf : undefined;
}

/** Whether what the guest's table says now is no change: A and D bits are, which software keeps where they fault. */
export function isHarmless(failure: WalkFailure | undefined, leaf: SuspectLeaf, hpa: Hpa | undefined): boolean {
  if (failure === undefined) return leaf.hpa === hpa;
  return failure === 'accessed-clear' || failure === 'dirty-clear';
}

export class StaleTranslation implements Exit<'staleTranslation'> {
  readonly kind = 'staleTranslation';

  /** @param hpa where the guest's table leads now; undefined: nowhere, or not for this access */
  constructor(
    private readonly vcpu: Vcpu,
    private readonly access: Access,
    private readonly gva: bigint,
    private readonly leaf: SuspectLeaf,
    private readonly hpa: Hpa | undefined,
    private readonly reason: () => string,
  ) {}

  get subject(): string {
    return accessName(this.access);
  }

  fields() {
    const { vcpu, leaf, hpa, gva } = this;
    const { change } = leaf;
    const { writer } = change;
    return {
      gva,
      access: accessName(this.access),
      satp: vcpu.csrs.satp,
      view: vcpu.view.kind,
      hpa: leaf.hpa,
      ...(hpa !== undefined && { newHpa: hpa }),
      shadowLevel: leaf.level,
      shadowEntry: leaf.entry,
      entryAddress: change.entryAddress,
      entryLevel: change.level,
      entryBefore: change.before,
      entryNow: vcpu.guest.memory.readEntry(change.entryAddress) ?? 0n,
      writerPc: writer.pc,
      writerCount: writer.count,
      ...(writer.vcpu !== undefined && { writerVcpu: writer.vcpu }),
      writtenByGuest: writer.vcpu !== undefined,
      reason: this.reason(),
    };
  }

  perform(): undefined {
    this.vcpu.guest.stale?.trust(this.leaf, this.gva);
  }
}
