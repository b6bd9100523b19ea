/**
 * Numbers for address spaces and modes. The engine keeps a TLB per number, so that going back to an address space and mode
 * finds its translations; what decides a translation decides the number: satp, privilege, SUM and MXR.
 */
import type { Privilege } from '../engine/hart-state';
import { addressSpaceOf } from './paging';
import type { WalkContext } from './walk';

export interface TranslationMode {
  /** The number by which the engine knows its TLB. */
  readonly key: number;
  /** Privilege of the access, for PMP. */
  readonly privilege: Privilege;
  /** How to walk the page table; undefined: addresses are physical. */
  readonly walk: WalkContext | undefined;
}

/** satp values remembered; beyond, all get new numbers, and the engine's least recently used TLBs end by themselves. */
const SPACES_KEPT = 256;

const M_MODE = 3;

export class TranslationModes {
  private nextKey = 0;
  private readonly machine: TranslationMode = { key: this.nextKey++, privilege: 3, walk: undefined };
  /** Untranslated S- and U-mode, which PMP treats alike. */
  private readonly bare: TranslationMode = { key: this.nextKey++, privilege: 1, walk: undefined };
  /** By satp: the modes, by `slotOf`. */
  private readonly spaces = new Map<bigint, (TranslationMode | undefined)[]>();
  private satp = 0n;
  private current: (TranslationMode | undefined)[] | undefined;

  /** The mode for an access with this effective privilege. SUM counts in S-mode only. */
  mode(satp: bigint, privilege: Privilege, sum: boolean, mxr: boolean): TranslationMode {
    if (privilege === M_MODE) return this.machine;
    const modes = this.space(satp);
    if (!modes) return this.bare;
    const slot = slotOf(privilege, sum && privilege === 1, mxr);
    return (modes[slot] ??= this.create(satp, privilege, sum && privilege === 1, mxr));
  }

  private space(satp: bigint): (TranslationMode | undefined)[] | undefined {
    if (satp === this.satp) return this.current;
    this.satp = satp;
    this.current = addressSpaceOf(satp) && this.intern(satp);
    return this.current;
  }

  private intern(satp: bigint): (TranslationMode | undefined)[] {
    const known = this.spaces.get(satp);
    if (known) return known;
    if (this.spaces.size >= SPACES_KEPT) this.spaces.clear();
    const modes: (TranslationMode | undefined)[] = [];
    this.spaces.set(satp, modes);
    return modes;
  }

  private create(satp: bigint, privilege: 0 | 1, sum: boolean, mxr: boolean): TranslationMode {
    const space = addressSpaceOf(satp);
    if (!space) return this.bare;
    const { scheme, root } = space;
    return { key: this.nextKey++, privilege, walk: { scheme, root, privilege, sum, mxr } };
  }
}

function slotOf(privilege: 0 | 1, sum: boolean, mxr: boolean): number {
  return privilege | (sum ? 2 : 0) | (mxr ? 4 : 0);
}
