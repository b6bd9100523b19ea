/** Memory as the debugger sees it: through page tables without side effects, page by page, RAM only. */
import type { PhysicalMemory } from '../../engine/physical-memory';
import { LOAD } from '../../engine/host';
import { addressSpaceOf } from '../../machine/paging';
import { PTE_U } from '../../machine/pte';
import { PageWalker, walkPageTable } from '../../machine/walk';
import type { EntrySource, WalkContext, WalkRules } from '../../machine/walk';
import { DebuggerError } from '../errors';
import { hex } from '../format';
import type { Location } from '../target';
import type { Memory } from '../values/place';

/** From an address to the host-physical address of the same byte; undefined where there is none. */
export type Translate = (address: bigint) => number | undefined;

const PAGE = 4096n;
const MAX_READ = 1 << 24;
const SUPERVISOR = 1;
const NO_RULES: WalkRules = {};

/**
 * Memory at addresses that translate page by page to the machine's RAM.
 * @param onWrite told of what was written
 */
export function translatedMemory(
  ram: PhysicalMemory,
  translate: Translate,
  onWrite: (hpa: number, length: number) => void = () => undefined,
): Memory {
  /** The pieces that a range lies in; undefined where a part of it is not there. */
  const pieces = (address: bigint, size: number): { hpa: number; length: number }[] | undefined => {
    const found: { hpa: number; length: number }[] = [];
    for (let done = 0; done < size;) {
      const at = BigInt.asUintN(64, address + BigInt(done));
      const length = Math.min(size - done, Number(PAGE - (at & (PAGE - 1n))));
      const hpa = translate(at);
      if (hpa === undefined || !ram.contains(hpa, length)) return undefined;
      found.push({ hpa, length });
      done += length;
    }
    return found;
  };
  return {
    read(address, size) {
      if (size > MAX_READ) return undefined;
      if (size > 0 && Number(address & (PAGE - 1n)) + size <= Number(PAGE)) {
        const hpa = translate(address);
        return hpa !== undefined && ram.contains(hpa, size) ? ram.bytes(hpa, size).slice() : undefined;
      }
      const found = pieces(address, size);
      if (!found) return undefined;
      const bytes = new Uint8Array(size);
      let at = 0;
      for (const { hpa, length } of found) {
        bytes.set(ram.bytes(hpa, length), at);
        at += length;
      }
      return bytes;
    },
    write(address, bytes) {
      const found = pieces(address, bytes.length);
      if (!found) throw new DebuggerError(`There is no memory to write at ${hex(address)} (${bytes.length} bytes).`);
      let at = 0;
      for (const { hpa, length } of found) {
        ram.load(hpa, bytes.subarray(at, at + length));
        onWrite(hpa, length);
        at += length;
      }
    },
  };
}

/** The debugger looks with all rights: whatever the mode may access. */
const RIGHTS = { privilege: SUPERVISOR, sum: true, mxr: true, accessedDirty: 'hardware' } as const;

/** Finds where virtual addresses lead; made to be asked often. */
export class AllRightsWalker {
  private readonly walker = new PageWalker();
  /** How to walk for the `satp` and the rules that were asked about last. */
  private satp: bigint | undefined;
  private known: WalkRules | undefined;
  private context: WalkContext | undefined;

  /**
   * @param source where page-table entries are read
   * @param rules what the machine's extensions say about entries now
   */
  constructor(
    private readonly source: EntrySource,
    private readonly rules: () => WalkRules = () => NO_RULES,
  ) {}

  /** A physical address of the kind that the tables hold; undefined where nothing is mapped. */
  translate(address: bigint, satp: bigint): number | undefined {
    const rules = this.rules();
    if (satp !== this.satp || rules !== this.known) {
      const space = addressSpaceOf(satp);
      this.satp = satp;
      this.known = rules;
      this.context = space && { ...rules, ...RIGHTS, scheme: space.scheme, root: space.root };
    }
    if (!this.context) return satp >> 60n === 0n ? physical(address) : undefined;
    const [low, high] = [Number(address & 0xffff_ffffn), Number(address >> 32n)];
    const failure = this.walker.walk(low, high, LOAD, this.context, this.source);
    return failure === undefined ? this.walker.address : undefined;
  }
}

/** Reads page-table entries where they lie in the machine's memory. */
export function machineEntries(memory: PhysicalMemory): EntrySource {
  return {
    low: 0,
    high: 0,
    read(address) {
      if (!memory.contains(address, 8)) return 'entry-unreadable';
      this.low = memory.read32(address);
      this.high = memory.read32(address + 4);
      return 'ok';
    },
  };
}

/** What physical addresses are, of the kind that page tables hold. */
export interface PhysicalSpace {
  /** The page-table entry at an address; undefined where there is no memory. */
  readEntry(address: number): bigint | undefined;
  /** Where a byte of memory lies in the machine. */
  toHpa(address: number): number | undefined;
  isDevice(address: number): boolean;
  /** What the machine's extensions say about page-table entries. */
  readonly rules?: WalkRules;
}

/** Where an address leads, whatever the mode may access, and the page-table entries on the way. */
export function locateInTables(address: bigint, satp: bigint, memory: PhysicalSpace): Location {
  const at = (found: number | undefined): Pick<Location, 'hpa' | 'isDevice'> => ({
    hpa: found === undefined ? undefined : memory.toHpa(found),
    isDevice: found !== undefined && memory.isDevice(found),
  });
  const space = addressSpaceOf(satp);
  if (!space) return { ...at(satp >> 60n === 0n ? physical(address) : undefined), entries: [], isUser: false };
  const how = { ...memory.rules, ...RIGHTS, scheme: space.scheme, root: space.root };
  const walk = walkPageTable(address, LOAD, how, (entry) => memory.readEntry(entry));
  return {
    ...at(walk.ok ? walk.address : undefined),
    entries: walk.steps.flatMap(({ entryAddress }) => memory.toHpa(entryAddress) ?? []),
    isUser: walk.ok && (walk.entry & BigInt(PTE_U)) !== 0n,
  };
}

/** The address as a physical one; undefined when it is wider than those are. */
export function physical(address: bigint): number | undefined {
  return address < 1n << 52n ? Number(address) : undefined;
}
