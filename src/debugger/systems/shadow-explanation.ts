/** What the shadow page table says about an address, in one sentence. */
import { FETCH, STORE } from '../../engine/host';
import type { Access } from '../../engine/host';
import type { Vcpu } from '../../hypervisor/vcpu';
import { entryAddressOf, entryFlags, isLeaf, PTE_R, PTE_V, PTE_W, PTE_X } from '../../machine/pte';
import { hex, hex64 } from '../format';

/**
 * @param hpa where the guest's page table and memory lead, as far as they lead anywhere
 */
export function explainShadow(vcpu: Vcpu, gva: bigint, access: Access, hpa: number | undefined): string {
  const { view } = vcpu;
  const found = view.find(Number(gva & 0xffffffffn), Number((gva >> 32n) & 0xffffffffn));
  const start = `Shadow page table (view ${view.kind}, root ${hex(view.root)})`;
  if ((found.entry & BigInt(PTE_V)) === 0n || !isLeaf(found.entry)) {
    return `${start}: nothing is mapped there yet; the hypervisor fills an entry in when the guest may use the address.`;
  }
  const size = 4096 * 512 ** found.level;
  const mapped = entryAddressOf(found.entry) + Number(gva & BigInt(size - 1));
  const entry = `the entry at ${hex(found.address)} (level ${found.level}) is ${hex64(found.entry)} ${entryFlags(found.entry)}`;
  if (hpa !== undefined && mapped !== hpa) {
    return `${start}: ${entry} and maps HPA ${hex(mapped)}, which is stale: the guest changed its entry without sfence.vma.`;
  }
  const needed = access === FETCH ? PTE_X : access === STORE ? PTE_W : PTE_R;
  const allows = (found.entry & BigInt(needed)) !== 0n;
  return `${start}: ${entry}, maps HPA ${hex(mapped)} and ${allows ? 'allows' : 'does not allow'} the access.`;
}
