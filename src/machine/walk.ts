/**
 * The page-table walk of Privileged 4.3.2, for Sv39, Sv48 and Sv57. One algorithm serves the MMU (entries by uint32 halves,
 * no allocation), the hypervisor (a guest's tables: addresses are guest physical) and the debugger (explanations).
 */
import { FETCH, LOAD, STORE } from '../engine/host';
import type { Access } from '../engine/host';
import { NAPOT_SIZE, pageSizeAt } from './paging';
import type { PagingScheme } from './paging';
import {
  entryPpn,
  PTE_A,
  PTE_D,
  PTE_HIGH_FLAGS,
  PTE_N,
  PTE_PBMT,
  PTE_R,
  PTE_RESERVED_IN_POINTER,
  PTE_RWX,
  PTE_U,
  PTE_V,
  PTE_W,
  PTE_X,
} from './pte';

/** Why a walk ends without an address. Steps are those of Privileged 4.3.2. */
export type WalkFailure =
  /** The unused high bits do not repeat the top bit of the address (4.4.1). */
  | 'non-canonical'
  /** There is no memory at the entry's address (step 2). */
  | 'entry-unreadable'
  /** V = 0 (step 3). */
  | 'invalid'
  /** W without R, a reserved bit, or D, A or U in a pointer to the next table (step 3). */
  | 'reserved-encoding'
  /** The entry at level 0 points to a further table (step 4). */
  | 'not-leaf-at-level-0'
  /** U = 0, access from U-mode (step 5). */
  | 'not-user'
  /** U = 1, access from S-mode: a fetch, or data with SUM = 0 (step 5). */
  | 'user-page-in-supervisor'
  /** R = 0 (and not both X = 1 and MXR = 1), load (step 5). */
  | 'not-readable'
  /** W = 0, store (step 5). */
  | 'not-writable'
  /** X = 0, fetch (step 5). */
  | 'not-executable'
  /** A leaf above level 0 whose page number is not aligned to its size (step 6). */
  | 'misaligned-superpage'
  /** A = 0, where A and D are kept by software (step 7). */
  | 'accessed-clear'
  /** D = 0, store, where A and D are kept by software (step 7). */
  | 'dirty-clear'
  /** Physical memory protection forbids reading an entry (step 2) or the access itself. */
  | 'pmp';

/** In which mode an access is made, and through which table. */
export interface WalkContext {
  readonly scheme: PagingScheme;
  /** Physical address of the root table, in bytes. */
  readonly root: number;
  /** Effective privilege: 0 = U, 1 = S. */
  readonly privilege: 0 | 1;
  readonly sum: boolean;
  readonly mxr: boolean;
  /** Svnapot: the N bit of a leaf joins 16 pages to one of 64 KiB. Without, the bit is reserved. */
  readonly napot?: boolean;
  /** Svpbmt: two bits of a leaf change the memory type, which has no effect here. Without, the bits are reserved. */
  readonly memoryTypes?: boolean;
  /** 'hardware' (the default): A and D are set by the walker's user, so that they never fail. 'software': they fault. */
  readonly accessedDirty?: 'hardware' | 'software';
}

/** What extensions and menvcfg say about all walks of a hart. */
export type WalkRules = Pick<WalkContext, 'napot' | 'memoryTypes' | 'accessedDirty'>;

/** Where the walk reads entries: it leaves the entry in `low` and `high`, or says why it cannot. */
export interface EntrySource {
  low: number;
  high: number;
  read(address: number): 'ok' | 'entry-unreadable' | 'pmp';
}

/** Walks, and keeps what the last walk found. One object is reused for all walks of a hart. */
export class PageWalker {
  /** The level of the last entry read; of the leaf when the walk succeeded. */
  level = 0;
  /** How many entries were read. */
  count = 0;
  /** The entries read, root first: their addresses and halves. */
  readonly entryAddress: number[] = [0, 0, 0, 0, 0];
  readonly entryLow: number[] = [0, 0, 0, 0, 0];
  readonly entryHigh: number[] = [0, 0, 0, 0, 0];
  /** The physical address, after a successful walk. */
  address = 0;
  /** The leaf maps 64 KiB (Svnapot), after a successful walk. */
  contiguous = false;
  /** The A and D bits that this access sets in the leaf and that are still 0, after a successful walk. */
  bitsToSet = 0;

  /** Walks for one access. Returns undefined on success. Writes nothing to memory. */
  walk(vaLow: number, vaHigh: number, access: Access, how: WalkContext, source: EntrySource): WalkFailure | undefined {
    const { levels } = how.scheme;
    this.count = 0;
    this.level = levels - 1;
    if (!isCanonical(vaHigh, how.scheme)) return 'non-canonical';

    let table = how.root;
    for (let level = levels - 1; level >= 0; level--) {
      this.level = level;
      const entryAddress = table + tableIndex(vaLow, vaHigh, level) * 8;
      const n = this.count;
      this.entryAddress[n] = entryAddress;
      const unreadable = source.read(entryAddress);
      if (unreadable !== 'ok') return unreadable;
      const { low, high } = source;
      this.entryLow[n] = low;
      this.entryHigh[n] = high;
      this.count = n + 1;

      const wrong = encodingFault(low, high, level, how);
      if (wrong) return wrong;
      if ((low & PTE_RWX) !== 0) return this.leaf(vaLow, vaHigh, low, high, access, how);
      if ((low & PTE_RESERVED_IN_POINTER) !== 0) return 'reserved-encoding';
      table = entryPpn(low, high) * 4096;
    }
    return 'not-leaf-at-level-0';
  }

  /** The last entry of a walk alone: a leaf of this value at level 0. What it gives is as after `walk`. */
  walkLeaf(
    vaLow: number,
    vaHigh: number,
    low: number,
    high: number,
    access: Access,
    how: WalkContext,
  ): WalkFailure | undefined {
    this.level = 0;
    const wrong = encodingFault(low, high, 0, how);
    if (wrong) return wrong;
    return (low & PTE_RWX) === 0 ? 'not-leaf-at-level-0' : this.leaf(vaLow, vaHigh, low, high, access, how);
  }

  /** Steps 5 to 8, at the level of the leaf. */
  private leaf(
    vaLow: number,
    vaHigh: number,
    low: number,
    high: number,
    access: Access,
    how: WalkContext,
  ): WalkFailure | undefined {
    const denied = deniedBy(low, access, how);
    if (denied) return denied;

    const ppn = entryPpn(low, high);
    if (this.level > 0 && ppn % 512 ** this.level !== 0) return 'misaligned-superpage';

    const needed = access === STORE ? PTE_A | PTE_D : PTE_A;
    this.bitsToSet = needed & ~low;
    if (how.accessedDirty === 'software' && this.bitsToSet !== 0) {
      return (this.bitsToSet & PTE_A) !== 0 ? 'accessed-clear' : 'dirty-clear';
    }
    this.contiguous = (high & PTE_N) !== 0;
    const page = this.contiguous ? ppn - 8 + ((vaLow >>> 12) & 15) : ppn;
    this.address = page * 4096 + offsetInPage(vaLow, vaHigh, this.level);
    return undefined;
  }
}

/** Step 3, but for pointers: why an entry cannot be used by anybody. */
function encodingFault(low: number, high: number, level: number, how: WalkContext): WalkFailure | undefined {
  if ((low & PTE_V) === 0) return 'invalid';
  if ((high & PTE_HIGH_FLAGS) !== 0 && isReserved(low, high, level, how)) return 'reserved-encoding';
  return (low & (PTE_R | PTE_W)) === PTE_W ? 'reserved-encoding' : undefined;
}

/**
 * Whether an entry with some of bits 63–54 set is reserved. A leaf may have N, at level 0 and with a page number that ends in
 * 1000 (Svnapot), and a memory type other than 3 (Svpbmt); a pointer to a table neither.
 */
function isReserved(low: number, high: number, level: number, how: WalkContext): boolean {
  const allowed = (how.napot ? PTE_N : 0) | (how.memoryTypes ? PTE_PBMT : 0);
  if ((high & PTE_HIGH_FLAGS & ~allowed) !== 0 || (low & PTE_RWX) === 0) return true;
  if ((high & PTE_PBMT) === PTE_PBMT) return true;
  return (high & PTE_N) !== 0 && (level !== 0 || ((low >>> 10) & 15) !== 8);
}

/** Step 5: whether the leaf's U, R, W and X bits forbid this access. */
function deniedBy(low: number, access: Access, how: WalkContext): WalkFailure | undefined {
  if (how.privilege === 0) {
    if ((low & PTE_U) === 0) return 'not-user';
  } else if ((low & PTE_U) !== 0 && (access === FETCH || !how.sum)) {
    return 'user-page-in-supervisor';
  }
  if (access === LOAD) {
    const readable = how.mxr ? PTE_R | PTE_X : PTE_R;
    return (low & readable) === 0 ? 'not-readable' : undefined;
  }
  if (access === STORE) return (low & PTE_W) === 0 ? 'not-writable' : undefined;
  return (low & PTE_X) === 0 ? 'not-executable' : undefined;
}

/** Whether the bits above the address width repeat its top bit. */
function isCanonical(vaHigh: number, scheme: PagingScheme): boolean {
  const sign = (vaHigh | 0) >> (scheme.vaBits - 33);
  return sign === 0 || sign === -1;
}

/** The nine bits of the virtual page number that index the table at this level (VPN[level]). */
export function tableIndex(vaLow: number, vaHigh: number, level: number): number {
  switch (level) {
    case 0:
      return (vaLow >>> 12) & 511;
    case 1:
      return (vaLow >>> 21) & 511;
    case 2:
      return (vaLow >>> 30) | ((vaHigh & 127) << 2);
    case 3:
      return (vaHigh >>> 7) & 511;
    default:
      return (vaHigh >>> 16) & 511;
  }
}

/** The part of the address that a leaf at this level does not translate, in bytes. */
export function offsetInPage(vaLow: number, vaHigh: number, level: number): number {
  if (level < 3) return vaLow & (pageSizeAt(level) - 1);
  const highBits = 12 + 9 * level - 32;
  return (vaLow >>> 0) + (vaHigh & ((1 << highBits) - 1)) * 0x1_0000_0000;
}

/** One entry read on the way, for explanations and page-table views. */
export interface WalkStep {
  readonly level: number;
  /** Physical address of the table, in bytes. */
  readonly tableAddress: number;
  /** Index in the table, 0–511. */
  readonly index: number;
  readonly entryAddress: number;
  readonly entry: bigint;
}

export interface WalkSuccess {
  readonly ok: true;
  readonly steps: readonly WalkStep[];
  /** The physical address that the virtual one translates to. */
  readonly address: number;
  /** The leaf: its level, size in bytes, value and address. */
  readonly level: number;
  readonly pageSize: number;
  readonly entry: bigint;
  readonly entryAddress: number;
  /** The leaf as the access leaves it: A set, and D for a store. Equal to `entry` when nothing changes. */
  readonly updatedEntry: bigint;
}

export interface WalkDenied {
  readonly ok: false;
  readonly steps: readonly WalkStep[];
  readonly failure: WalkFailure;
  /** The level at which the walk ended. */
  readonly level: number;
  /** What the walk was made by: why bits are reserved. */
  readonly rules: WalkRules;
  /** For an entry that could not be read: its address. It is not among the steps. */
  readonly unreadableEntry?: number;
}

/** A whole walk, recorded. */
export type Walk = WalkSuccess | WalkDenied;

/**
 * Walks without side effects and records each step.
 * @param va the virtual address, 64 bits unsigned
 * @param readPte reads the entry (8 bytes, unsigned) at a physical address; undefined where there is no memory
 */
export function walkPageTable(
  va: bigint,
  access: Access,
  how: WalkContext,
  readPte: (address: number) => bigint | undefined,
): Walk {
  const source: EntrySource = {
    low: 0,
    high: 0,
    read(address) {
      const entry = readPte(address);
      if (entry === undefined) return 'entry-unreadable';
      this.low = Number(entry & 0xffffffffn);
      this.high = Number((entry >> 32n) & 0xffffffffn);
      return 'ok';
    },
  };
  return recordWalk(va, access, how, source);
}

/** As walkPageTable, from a source that may refuse an entry for physical memory protection. */
export function recordWalk(va: bigint, access: Access, how: WalkContext, source: EntrySource): Walk {
  const walker = new PageWalker();
  const vaLow = Number(va & 0xffffffffn);
  const vaHigh = Number((va >> 32n) & 0xffffffffn);
  const failure = walker.walk(vaLow, vaHigh, access, how, source);
  const steps = recordSteps(walker, vaLow, vaHigh, how);
  const { level } = walker;
  if (failure) {
    const unreadable = steps.length < how.scheme.levels && (failure === 'entry-unreadable' || failure === 'pmp');
    return {
      ok: false,
      steps,
      failure,
      level,
      rules: rulesOf(how),
      ...(unreadable ? { unreadableEntry: walker.entryAddress[walker.count] } : {}),
    };
  }
  const { entry, entryAddress } = steps[steps.length - 1];
  const updatedEntry = entry | BigInt(walker.bitsToSet);
  const { address } = walker;
  const pageSize = walker.contiguous ? NAPOT_SIZE : pageSizeAt(level);
  return { ok: true, steps, address, level, pageSize, entry, entryAddress, updatedEntry };
}

const rulesOf = ({ napot = false, memoryTypes = false, accessedDirty = 'hardware' }: WalkContext): WalkRules => ({
  napot,
  memoryTypes,
  accessedDirty,
});

function recordSteps(walker: PageWalker, vaLow: number, vaHigh: number, how: WalkContext): WalkStep[] {
  const steps: WalkStep[] = [];
  for (let i = 0; i < walker.count; i++) {
    const level = how.scheme.levels - 1 - i;
    const index = tableIndex(vaLow, vaHigh, level);
    const entryAddress = walker.entryAddress[i];
    const entry = BigInt(walker.entryLow[i]) | (BigInt(walker.entryHigh[i]) << 32n);
    steps.push({ level, tableAddress: entryAddress - index * 8, index, entryAddress, entry });
  }
  return steps;
}
