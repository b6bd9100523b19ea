/**
 * What a guest's page-table entry allows in each view, as bits of a shadow entry. The guest runs in U-mode whatever it
 * believes, so that the views take the place of its U bit and of sstatus.SUM.
 */
import { PTE_A, PTE_D, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X } from '../../machine/pte';

/**
 * The shadow roots of an address space: the guest's user mode; its supervisor mode with SUM = 0, and with SUM = 1; and,
 * where guest satp.MODE is Bare, one for both modes.
 */
export const VIEW_KINDS = ['vU', 'vS', 'vS+SUM', 'bare'] as const;
export type ViewKind = (typeof VIEW_KINDS)[number];

/** The view that the guest uses in this state. */
export function viewKindOf(bare: boolean, virtualPrivilege: 0 | 1, sum: boolean): ViewKind {
  if (bare) return 'bare';
  if (virtualPrivilege === 0) return 'vU';
  return sum ? 'vS+SUM' : 'vS';
}

/** A guest entry that stands for what Bare allows: everything. */
export const BARE_ENTRY_BITS = PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D;

/** All that a shadow leaf can have. */
const SHADOW_LEAF = PTE_V | PTE_U | PTE_A;

/**
 * The low bits of the shadow leaf for a guest leaf with these low bits; 0 where the view may not use the page. W is
 * withheld until the guest's D bit is set, and everything until its A bit is, so that the first use of either kind comes
 * to the hypervisor, which sets them as the architecture does (Privileged 4.3.1). The shadow's own A and D are preset:
 * nobody looks at them.
 * @param mxr guest sstatus.MXR. It matters only for user pages seen by the supervisor, which must not be executable
 *   there; elsewhere the hart itself applies it.
 */
export function shadowBits(guestBits: number, view: ViewKind, mxr: boolean): number {
  if ((guestBits & PTE_V) === 0 || (guestBits & PTE_A) === 0) return 0;
  let allowed = guestBits & (PTE_R | PTE_W | PTE_X);
  if (view !== 'bare') {
    const isUser = (guestBits & PTE_U) !== 0;
    if (isUser && view === 'vS') return 0;
    if (!isUser && view === 'vU') return 0;
    if (isUser && view === 'vS+SUM') {
      if (mxr && (allowed & PTE_X) !== 0) allowed |= PTE_R;
      allowed &= ~PTE_X;
    }
  }
  if ((guestBits & PTE_D) === 0) allowed &= ~PTE_W;
  if (allowed === 0) return 0;
  return SHADOW_LEAF | allowed | ((allowed & PTE_W) !== 0 ? PTE_D : 0);
}

/** Whether the shadow leaf depends on MXR, which then must not change without it being dropped. */
export function dependsOnMxr(guestBits: number, view: ViewKind): boolean {
  return view === 'vS+SUM' && (guestBits & (PTE_U | PTE_R | PTE_X)) === (PTE_U | PTE_X);
}
