/**
 * Numbers for address spaces and modes. The engine keeps a TLB per number, so that going back to an address space and mode
 * finds its translations; what decides a translation decides the number: satp, privilege, SUM and MXR.
 */
import type { Privilege } from '../engine/hart-state';
import { SUM_TLBS, SUPERVISOR_TLBS, USER_TLBS } from '../engine/layout';
import type { TlbUse } from '../engine/tlb';
import type { AddressSpace } from './paging';
import { addressSpaceOf } from './paging';
import type { WalkContext, WalkRules } from './walk';

export interface TranslationMode extends TlbUse {
  /** Privilege of the access, for PMP. */
  readonly privilege: Privilege;
  /** How to walk the page table; undefined: addresses are physical. */
  readonly walk: WalkContext | undefined;
}

/** satp values remembered; beyond, all get new numbers, and the engine's least recently used TLBs end by themselves. */
const SPACES_KEPT = 256;

const M_MODE = 3;

/** An address space, and the modes in use in it, by `slotOf`. */
interface KnownSpace {
  readonly space: AddressSpace;
  readonly modes: (TranslationMode | undefined)[];
}

export class TranslationModes {
  private readonly machine: TranslationMode;
  /** Untranslated S- and U-mode, which PMP treats alike. */
  private readonly bare: TranslationMode;
  private readonly spaces = new Map<bigint, KnownSpace>();
  private satp = 0n;
  private current: KnownSpace | undefined;
  private rules: WalkRules = {};

  /** @param newKey gives a number by which the engine knows a TLB */
  constructor(private readonly newKey = countUp()) {
    this.machine = { key: newKey(), privilege: 3, walk: undefined, plain: undefined };
    this.bare = { key: newKey(), privilege: 1, walk: undefined, plain: undefined, space: {} };
  }

  /** Changes the rules of walking: all address spaces get new numbers. */
  setRules(rules: WalkRules): void {
    this.rules = rules;
    this.spaces.clear();
    this.current = this.find(this.satp);
  }

  /** The mode for an access with this effective privilege. SUM counts in S-mode only. */
  mode(satp: bigint, privilege: Privilege, sum: boolean, mxr: boolean): TranslationMode {
    if (privilege === M_MODE) return this.machine;
    const known = this.knownSpace(satp);
    if (!known) return this.bare;
    const applies = sum && privilege === 1;
    return (known.modes[slotOf(privilege, applies, mxr)] ??= this.create(known, privilege, applies, mxr));
  }

  private knownSpace(satp: bigint): KnownSpace | undefined {
    if (satp !== this.satp) {
      this.satp = satp;
      this.current = this.find(satp);
    }
    return this.current;
  }

  private find(satp: bigint): KnownSpace | undefined {
    const known = this.spaces.get(satp);
    if (known) return known;
    const space = addressSpaceOf(satp);
    if (!space) return undefined;
    if (this.spaces.size >= SPACES_KEPT) this.spaces.clear();
    const added = { space, modes: [] };
    this.spaces.set(satp, added);
    return added;
  }

  private create(known: KnownSpace, privilege: 0 | 1, sum: boolean, mxr: boolean): TranslationMode {
    const { scheme, root } = known.space;
    const walk: WalkContext = { ...this.rules, scheme, root, privilege, sum, mxr };
    const user = privilege === 0 ? 'only' : sum ? 'any' : 'never';
    const place = mxr ? undefined : privilege === 0 ? USER_TLBS : sum ? SUM_TLBS : SUPERVISOR_TLBS;
    return { key: this.newKey(), privilege, walk, plain: { levels: scheme.levels, root, user }, space: known, place };
  }
}

function countUp(): () => number {
  let next = 0;
  return () => next++;
}

function slotOf(privilege: 0 | 1, sum: boolean, mxr: boolean): number {
  return privilege | (sum ? 2 : 0) | (mxr ? 4 : 0);
}
