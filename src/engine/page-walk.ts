/**
 * The page-table walk in generated code, for misses of the TLBs. It does the plain case: a valid leaf with its A bit set (for
 * stores D too), in memory that is open to all accesses, with nothing of Svnapot or Svpbmt. All else, faults above all, it
 * leaves to the slow path.
 */
import type { Code } from '../wasm/code';
import type { Module } from '../wasm/module';
import * as at from './layout';
import { dataEntry, fetchEntry } from './operand-access';
import { DRAM_BASE } from './physical-memory';
import { emitNote } from './superpages';

/** How to walk for the translations of one TLB (Privileged 4.3.2). */
export interface PlainWalk {
  /** Levels of tables: 3 to 5. */
  readonly levels: number;
  /** HPA of the root table. */
  readonly root: number;
  /** Whether user pages may, must or must not be accessed: 'any' is for S-mode with SUM. */
  readonly user: 'any' | 'only' | 'never';
}

const V = 0x01n;
const R = 0x02n;
const W = 0x04n;
const X = 0x08n;
const U = 0x10n;
const A = 0x40n;
const D = 0x80n;
/** Bits 63–54, of which a plain entry has none. */
const HIGH = 0xffc0_0000_0000_0000n;
const RWX = R | W | X;
/** Of these bits a pointer to the next table has V alone. */
const POINTER = HIGH | V | RWX | U | A | D;
const OFFSET = 0xfffn;

/** The bits of a leaf that decide whether this kind of access is plain, and what they must be. */
export function leafRule(walk: PlainWalk, kind: 'data' | 'fetch'): { readonly mask: bigint; readonly value: bigint } {
  // Also for fetches R: without it, W makes the entry invalid.
  const needed = V | A | R | (kind === 'data' ? 0n : X);
  const mask = HIGH | needed | (walk.user === 'any' ? 0n : U);
  return { mask, value: needed | (walk.user === 'only' ? U : 0n) };
}

/** The functions' parameters: the virtual address, the TLB's address, and for data whether it is a store. */
const VA = 0;
const TLB = 1;
const IS_STORE = 2;

/** (va, dataTlb, isStore) -> whether the page is in the TLB now, and was not before. */
export function defineDataWalk(module: Module): number {
  return module.define({ parameters: ['i64', 'i32', 'i32'], results: ['i32'] }, (code) => {
    const [entry, page] = [code.local('i32'), code.local('i64')];
    const [info, storable] = [code.local('i32'), code.local('i32')];
    code.get(VA).i64(~OFFSET).op('i64.and').set(page);
    dataEntry(code, VA, TLB).set(entry);
    // A page that is there already misses for another reason: the address is misaligned.
    code.get(entry).memory('i64.load', at.LOAD_TAG).get(entry).memory('i64.load', at.STORE_TAG);
    code.get(IS_STORE).op('i32.eqz', 'select').get(page).op('i64.eq');
    code.if(() => giveUp(code));
    const { leaf, hpa } = walk(code, at.DATA_ENTRIES * at.DATA_ENTRY_SIZE);
    pushPageInfo(code, hpa).tee(info).i32(at.LOADS_WATCHED).op('i32.and');
    code.if(() => giveUp(code));
    code
      .get(leaf)
      .i64(W | D)
      .op('i64.and')
      .i64(W | D)
      .op('i64.eq');
    code.get(info).i32(at.GUARDED).op('i32.and', 'i32.eqz', 'i32.and');
    // A load does not make a page one that was stored to.
    code.get(info).i32(at.DIRTY).op('i32.and').i32(0).op('i32.ne').get(IS_STORE).op('i32.or', 'i32.and').set(storable);
    code.get(storable).get(IS_STORE).op('i32.lt_u');
    code.if(() => giveUp(code));
    code.get(IS_STORE).if(() => {
      pushPageInfoAddress(code, hpa).get(info).i32(at.DIRTY).op('i32.or').memory('i32.store', at.PAGE_INFO);
    });
    code.get(storable).if(() => {
      pushPageNumber(code, hpa).i32(0).memory('i32.load8_u', at.STORABLE_NOW).memory('i32.store8', at.STORABLE);
    });
    code.get(entry).get(page).memory('i64.store', at.LOAD_TAG);
    code.get(entry).get(page).i64(-1n).get(storable).op('select').memory('i64.store', at.STORE_TAG);
    code.get(entry);
    pushHost(code, hpa).get(page).op('i32.wrap_i64', 'i32.sub').memory('i32.store', at.ADDEND);
    noteFilled(code, entry, at.DATA_ENTRIES * at.DATA_ENTRY_SIZE, at.DATA_FILLED_LISTED);
    code.i32(1);
  });
}

/**
 * (va, fetchTlb) -> the record of the instruction there, decoded now if it was not, its page now in the TLB; 0 when it is for the
 * slow path.
 * @param decodeTrace see `RecordFunctions`
 */
export function defineFetchWalk(module: Module, decodeTrace: number): number {
  return module.define({ parameters: ['i64', 'i32'], results: ['i32'] }, (code) => {
    const [entry, slots, record] = [code.local('i32'), code.local('i32'), code.local('i32')];
    const offset = () => code.get(VA).op('i32.wrap_i64').i32(0xffe).op('i32.and');
    fetchEntry(code, VA, TLB).tee(entry).memory('i64.load').get(VA).i64(~OFFSET).op('i64.and', 'i64.eq');
    code.if(() => {
      code.get(entry).memory('i32.load', at.SLOTS);
      offset().call(decodeTrace).op('return');
    });
    const { hpa } = walk(code, at.FETCH_ENTRIES * at.FETCH_ENTRY_SIZE);
    pushPageInfo(code, hpa).i32(at.SLOTS_MASK).op('i32.and').tee(slots).op('i32.eqz');
    code.if(() => giveUp(code));
    code.get(entry).get(VA).i64(~OFFSET).op('i64.and').memory('i64.store');
    code.get(entry).get(slots).memory('i32.store', at.SLOTS);
    noteFilled(code, entry, at.FETCH_ENTRIES * at.FETCH_ENTRY_SIZE, at.FETCH_FILLED_LISTED);
    offset().i32(1).op('i32.shl').get(slots).op('i32.add').memory('i32.load').tee(record);
    code.if(() => code.get(record).op('return'));
    code.get(slots);
    offset().call(decodeTrace);
  });
}

/** Walks; gives up unless the case is plain. @returns locals with the leaf and the HPA of its 4 KiB page */
function walk(code: Code, trailer: number): { readonly leaf: number; readonly hpa: number } {
  const [leaf, hpa, size] = [code.local('i64'), code.local('i64'), code.local('i64')];
  const [shift, unused] = [code.local('i64'), code.local('i64')];
  // The width of addresses; 0 where there is no walk.
  code
    .get(TLB)
    .memory('i32.load', trailer + at.WALK_BITS)
    .op('i64.extend_i32_u')
    .tee(shift)
    .op('i64.eqz');
  code.if(() => giveUp(code));
  code.i64(64n).get(shift).op('i64.sub').set(unused);
  code.get(VA).get(unused).op('i64.shl').get(unused).op('i64.shr_s').get(VA).op('i64.ne');
  code.if(() => giveUp(code));
  code
    .get(TLB)
    .memory('i64.load', trailer + at.WALK_ROOT)
    .set(hpa);
  code.block((found) => {
    code.loop((next) => {
      requireOpen(code, hpa);
      code.get(shift).i64(9n).op('i64.sub').set(shift);
      pushHost(code, hpa);
      code.get(VA).get(shift).op('i64.shr_u', 'i32.wrap_i64').i32(511).op('i32.and').i32(3).op('i32.shl', 'i32.add');
      code.memory('i64.load').tee(leaf).i64(2n).op('i64.shl').i64(0x00ff_ffff_ffff_f000n).op('i64.and').set(hpa);
      code.get(leaf).i64(RWX).op('i64.and', 'i64.eqz', 'i32.eqz').brIf(found);
      code.get(leaf).i64(BigInt.asIntN(64, POINTER)).op('i64.and').i64(V).op('i64.ne');
      code.if(() => giveUp(code));
      code.get(shift).i64(12n).op('i64.gt_u').brIf(next);
      giveUp(code);
    });
  });
  code
    .get(leaf)
    .get(TLB)
    .memory('i64.load', trailer + at.LEAF_MASK)
    .op('i64.and');
  code
    .get(TLB)
    .memory('i64.load', trailer + at.LEAF_VALUE)
    .op('i64.ne');
  code.if(() => giveUp(code));
  code
    .get(shift)
    .i64(12n)
    .op('i64.gt_u')
    .if(() => {
      code.i64(1n).get(shift).op('i64.shl').set(size);
      // Of a superpage, the part with this address; if it is aligned.
      code
        .get(hpa)
        .get(size)
        .i64(1n)
        .op('i64.sub', 'i64.and')
        .i64(0n)
        .op('i64.ne')
        .if(() => giveUp(code));
      emitNote(code, VA, shift);
      code.get(VA).get(size).i64(1n).op('i64.sub', 'i64.and').i64(~OFFSET).op('i64.and').get(hpa).op('i64.or').set(hpa);
    });
  requireOpen(code, hpa);
  return { leaf, hpa };
}

/** Gives up unless the page lies in memory that is open to every access. */
function requireOpen(code: Code, hpa: number): void {
  code.get(hpa).i32(0).memory('i64.load', at.OPEN_START).op('i64.sub');
  code.i32(0).memory('i64.load', at.OPEN_SIZE).op('i64.ge_u');
  code.if(() => giveUp(code));
}

/** Pushes where the page lies in the engine's memory (i32). */
function pushHost(code: Code, hpa: number): Code {
  return code
    .get(hpa)
    .op('i32.wrap_i64')
    .i32(at.RAM - DRAM_BASE)
    .op('i32.add');
}

/** Pushes what is noted of a page of RAM (i32). */
function pushPageInfo(code: Code, hpa: number): Code {
  return pushPageInfoAddress(code, hpa).memory('i32.load', at.PAGE_INFO);
}

function pushPageInfoAddress(code: Code, hpa: number): Code {
  return pushPageNumber(code, hpa).i32(2).op('i32.shl');
}

/** Pushes a page's number in RAM (i32). */
function pushPageNumber(code: Code, hpa: number): Code {
  return code.get(hpa).op('i32.wrap_i64').i32(DRAM_BASE).op('i32.sub').i32(12).op('i32.shr_u');
}

/** As `Bank.noteFilled`. */
function noteFilled(code: Code, entry: number, trailer: number, listed: number): void {
  const count = code.local('i32');
  code
    .get(TLB)
    .memory('i32.load', trailer + at.FILLED_COUNT)
    .tee(count)
    .i32(listed)
    .op('i32.lt_u')
    .if(() => {
      code.get(count).i32(2).op('i32.shl').get(TLB).op('i32.add').get(entry);
      code.memory('i32.store', trailer + at.FILLED_LIST);
    });
  code
    .get(count)
    .i32(listed)
    .op('i32.le_u')
    .if(() => {
      code
        .get(TLB)
        .get(count)
        .i32(1)
        .op('i32.add')
        .memory('i32.store', trailer + at.FILLED_COUNT);
    });
}

function giveUp(code: Code): void {
  code.i32(0).op('return');
}
