/** Memory as the debugger sees it: through page tables without side effects, page by page, RAM only. */
import type { PhysicalMemory } from '../../engine/physical-memory';
import { LOAD } from '../../engine/host';
import { addressSpaceOf } from '../../machine/paging';
import { PTE_U } from '../../machine/pte';
import { walkPageTable } from '../../machine/walk';
import type { WalkRules } from '../../machine/walk';
import { DebuggerError } from '../errors';
import { hex } from '../format';
import type { Location } from '../target';
import type { Memory } from '../values/place';

/** From an address to the host-physical address of the same byte; undefined where there is none. */
export type Translate = (address: bigint) => number | undefined;

const PAGE = 4096n;
const MAX_READ = 1 << 24;
const SUPERVISOR = 1;

/** Memory at addresses that translate page by page to the machine's RAM. */
export function translatedMemory(ram: PhysicalMemory, translate: Translate): Memory {
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
        at += length;
      }
    },
  };
}

/**
 * Where a virtual address leads, whatever the mode may access: the debugger looks with all rights.
 * @param readEntry reads the page-table entry at a physical address
 * @param rules what the machine's extensions say about entries
 * @returns a physical address of the kind that the tables hold
 */
export function walkWithAllRights(
  address: bigint,
  satp: bigint,
  readEntry: (address: number) => bigint | undefined,
  rules: WalkRules = {},
): number | undefined {
  const space = addressSpaceOf(satp);
  if (!space) return satp >> 60n === 0n ? physical(address) : undefined;
  const { scheme, root } = space;
  const rights = { privilege: SUPERVISOR, sum: true, mxr: true, accessedDirty: 'hardware' } as const;
  const walk = walkPageTable(address, LOAD, { ...rules, ...rights, scheme, root }, readEntry);
  return walk.ok ? walk.address : undefined;
}

/** What physical addresses are, of the kind that page tables hold. */
export interface PhysicalSpace {
  /** The page-table entry at an address; undefined where there is no memory. */
  readEntry(address: number): bigint | undefined;
  /** Where a byte of memory lies in the machine. */
  toHpa(address: number): number | undefined;
  isDevice(address: number): boolean;
}

/** As `walkWithAllRights`, with the entries on the way. */
export function locateInTables(address: bigint, satp: bigint, memory: PhysicalSpace): Location {
  const at = (found: number | undefined): Pick<Location, 'hpa' | 'isDevice'> => ({
    hpa: found === undefined ? undefined : memory.toHpa(found),
    isDevice: found !== undefined && memory.isDevice(found),
  });
  const space = addressSpaceOf(satp);
  if (!space) return { ...at(satp >> 60n === 0n ? physical(address) : undefined), entries: [], isUser: false };
  const how = { ...space, privilege: SUPERVISOR, sum: true, mxr: true } as const;
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
