/** What the shadow page table says about an address: as a record, and in one sentence. */
import { FETCH, LOAD, STORE } from '../../engine/host';
import type { Access } from '../../engine/host';
import { PTE_SUSPECT } from '../../hypervisor/shadow/stale-translations';
import type { ShadowView } from '../../hypervisor/shadow/view';
import { entryAddressOf, entryFlags, isLeaf, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X } from '../../machine/pte';
import type { ShadowState } from '../explain/access-record';
import { hex, hex64 } from '../format';

const RIGHTS = { [FETCH]: PTE_X, [LOAD]: PTE_R, [STORE]: PTE_W };

/**
 * @param hpa where the guest's page table and memory lead, as far as they lead anywhere
 * @returns undefined when the view does not exist
 */
export function shadowState(
  view: ShadowView | undefined,
  gva: bigint,
  access: Access,
  hpa: number | undefined,
  mxr: boolean,
): ShadowState | undefined {
  if (!view) return undefined;
  const {
    address: entryAddress,
    level,
    entry,
  } = view.find(Number(gva & 0xffffffffn), Number((gva >> 32n) & 0xffffffffn));
  const about = { view: view.kind, root: view.root, level, entryAddress, entry, flags: entryFlags(entry) };
  const bits = Number(entry & 0x3ffn);
  if ((bits & PTE_V) === 0 || !isLeaf(entry)) return { ...about, state: 'empty' };
  const size = BigInt(4096 * 512 ** level);
  const mapped = entryAddressOf(entry) + Number(gva & (size - 1n));
  const needed = access === LOAD && mxr ? PTE_R | PTE_X : RIGHTS[access];
  const allows = (bits & PTE_U) !== 0 && (bits & needed) !== 0;
  const isStale = hpa === undefined ? allows : mapped !== hpa;
  const state = isStale ? 'stale' : (bits & PTE_SUSPECT) !== 0 ? 'suspect' : allows ? 'allows' : 'denies';
  return { ...about, state, hpa: mapped };
}

export function describeShadow(shadow: ShadowState | undefined): string {
  if (!shadow)
    return 'Shadow page table: there is none for this mode yet; the hypervisor makes it when the guest is in it.';
  const { view, root, entryAddress, level, entry, flags, state, hpa = 0 } = shadow;
  const start = `Shadow page table (view ${view}, root ${hex(root)})`;
  const text = `${start}: the entry at ${hex(entryAddress)} (level ${level}) is ${hex64(entry)} ${flags}`;
  switch (state) {
    case 'empty':
      return `${start}: nothing is mapped there yet; the hypervisor fills an entry in when the guest may use the address.`;
    case 'stale':
      return `${text} and maps HPA ${hex(hpa)}, which is stale: the guest changed its entry without sfence.vma.`;
    case 'suspect':
      return `${text} and maps HPA ${hex(hpa)}; the guest wrote to its page table since, so its next use is looked at.`;
    default:
      return `${text}, maps HPA ${hex(hpa)} and ${state === 'allows' ? 'allows' : 'does not allow'} the access.`;
  }
}
