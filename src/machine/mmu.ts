/** A hart's memory management unit: translates for the engine, sets A and D bits, checks physical memory protection. */
import type { Access } from '../engine/host';
import { FETCH, LOAD, STORE } from '../engine/host';
import type { PhysicalMemory } from '../engine/physical-memory';
import { Superpages } from '../engine/superpages';
import { addressSpaceOf } from './paging';
import type { Pmp } from './pmp';
import { EXCEPTION } from './status';
import type { TranslationMode } from './translation-modes';
import type { EntrySource, Walk, WalkContext, WalkFailure, WalkRules } from './walk';
import { PageWalker, recordWalk, walkPageTable } from './walk';

const S_MODE = 1;
const HALF = 0x1_0000_0000;

const pageFaults = { [FETCH]: EXCEPTION.fetchPage, [LOAD]: EXCEPTION.loadPage, [STORE]: EXCEPTION.storePage };
const accessFaults = { [FETCH]: EXCEPTION.fetchAccess, [LOAD]: EXCEPTION.loadAccess, [STORE]: EXCEPTION.storeAccess };

/** The exception that a failed walk raises: an access fault where memory is missing or forbidden (4.3.2, step 2). */
export function faultCause(failure: WalkFailure, access: Access): number {
  return failure === 'entry-unreadable' || failure === 'pmp' ? accessFaults[access] : pageFaults[access];
}

export class Mmu implements EntrySource {
  /** After `translate`: whether one answer holds for the whole 4 KiB page, so that a TLB may keep it. */
  cacheable = false;
  /** After `translate` returned -1: the exception to raise, and why. */
  cause = 0;
  failure: WalkFailure = 'invalid';
  /** The entry that the walker reads. */
  low = 0;
  high = 0;

  /** What extensions and menvcfg say about walks, for those without side effects. */
  rules: WalkRules = {};

  private readonly walker = new PageWalker();
  constructor(
    private readonly memory: PhysicalMemory,
    private readonly pmp: Pmp,
    /** Those of which a TLB may hold a part. */
    readonly superpages = new Superpages(),
  ) {}

  /**
   * Translates for an access of `size` bytes that lie within one 4 KiB page, and sets the entry's A and D bits.
   * @returns the physical address, or -1 with `cause` and `failure` set
   */
  translate(vaLow: number, vaHigh: number, access: Access, size: number, mode: TranslationMode): number {
    let address = vaHigh * HALF + vaLow;
    if (mode.walk) {
      const failure = this.walker.walk(vaLow, vaHigh, access, mode.walk, this) ?? this.update();
      if (failure) return this.fail(failure, access);
      if (this.walker.contiguous) this.superpages.noteContiguous();
      else if (this.walker.level > 0) this.superpages.note(vaLow, vaHigh, this.walker.level);
      address = this.walker.address;
    }
    if (!this.pmp.allows(address, size, access, mode.privilege)) return this.fail('pmp', access);
    this.cacheable = this.pmp.isUniform(address);
    return address;
  }

  /** Page tables are read as S-mode would, from RAM only (Privileged 3.7, 4.3.2 step 2). */
  read(address: number): 'ok' | 'entry-unreadable' | 'pmp' {
    if (!this.memory.contains(address, 8)) return 'entry-unreadable';
    if (!this.pmp.allows(address, 8, LOAD, S_MODE)) return 'pmp';
    this.low = this.memory.read32(address);
    this.high = this.memory.read32(address + 4);
    return 'ok';
  }

  /**
   * Walks without side effects, for explanations and other tables than the current ones.
   * @param readPte reads an entry at a physical address; the machine's memory unless given
   * @returns undefined when satp selects no translation
   */
  walk(
    va: bigint,
    access: Access,
    how: { satp: bigint; privilege: 0 | 1; sum: boolean; mxr: boolean },
    readPte?: (address: number) => bigint | undefined,
  ): Walk | undefined {
    const space = addressSpaceOf(how.satp);
    if (!space) return undefined;
    const { privilege, sum, mxr } = how;
    const context = { ...this.rules, scheme: space.scheme, root: space.root, privilege, sum, mxr };
    const { memory } = this;
    const read = readPte ?? ((at: number) => (memory.contains(at, 8) ? memory.read64(at) : undefined));
    return walkPageTable(va, access, context, read);
  }

  /** As `walk`, in the machine's memory, with physical memory protection heeded for each entry, as the hart itself walks. */
  recordWalk(va: bigint, access: Access, how: WalkContext): Walk {
    return recordWalk(va, access, { ...this.rules, ...how }, this);
  }

  /** Step 7: sets A and D in the leaf, which must be writable as S-mode would write it. */
  private update(): WalkFailure | undefined {
    const { walker } = this;
    if (walker.bitsToSet === 0) return undefined;
    const leaf = walker.count - 1;
    const address = walker.entryAddress[leaf];
    if (!this.pmp.allows(address, 8, STORE, S_MODE)) return 'pmp';
    this.memory.write32(address, (walker.entryLow[leaf] | walker.bitsToSet) >>> 0);
    return undefined;
  }

  private fail(failure: WalkFailure, access: Access): -1 {
    this.failure = failure;
    this.cause = faultCause(failure, access);
    this.cacheable = false;
    return -1;
  }
}
