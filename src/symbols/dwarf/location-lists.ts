/** Location lists: `.debug_loc` (DWARF 4, 2.6.2) and `.debug_loclists` (DWARF 5, 2.6.2 and 7.29). */
import { ByteReader } from '../byte-reader';
import { DwarfError } from '../errors';
import { AT, LLE } from './constants';
import type { FormValue } from './forms';
import type { Entry } from './entry';
import type { Unit } from './unit';

const BASE_SELECTION = 0xffff_ffff_ffff_ffffn;

/**
 * The expression of a location attribute that holds at a run-time address; undefined where the attribute is absent or the
 * list has none for the address. @throws DwarfError when the list is damaged.
 */
export function expressionAt(entry: Entry, attribute: number, pc: bigint): Uint8Array | undefined {
  const value = entry.value(attribute);
  if (!value) return undefined;
  if (value.kind === 'expression' || value.kind === 'block') return value.bytes;
  const { unit } = entry;
  const address = BigInt.asUintN(64, pc - unit.sections.bias);
  return unit.version >= 5 ? searchLocLists(unit, value, address) : searchDebugLoc(unit, listOffset(value), address);
}

function listOffset(value: FormValue): number {
  if (value.kind === 'section-offset') return value.offset;
  if (value.kind === 'constant') return Number(value.value);
  throw new DwarfError('A location has an unsuitable form.');
}

function searchDebugLoc(unit: Unit, offset: number, address: bigint): Uint8Array | undefined {
  const reader = new ByteReader(unit.sections.get('loc'), '.debug_loc', offset);
  let base = unit.baseAddress;
  for (;;) {
    const low = reader.u64();
    const high = reader.u64();
    if (low === 0n && high === 0n) return undefined;
    if (low === BASE_SELECTION) {
      base = high;
      continue;
    }
    const bytes = reader.bytesOf(reader.u16());
    if (base + low <= address && address < base + high) return bytes;
  }
}

/** One entry: the range that its expression is for, or a new base address, or the default location. */
interface ListEntry {
  readonly low?: bigint;
  readonly high?: bigint;
  readonly base?: bigint;
  readonly isDefault?: boolean;
}

type EntryReader = (reader: ByteReader, unit: Unit, base: () => bigint) => ListEntry;

const ENTRIES: Readonly<Record<number, EntryReader>> = {
  [LLE.baseAddressx]: (reader, unit) => ({ base: unit.indexedAddress(reader.uleb()) }),
  [LLE.baseAddress]: (reader) => ({ base: reader.u64() }),
  [LLE.startxEndx]: (reader, unit) => ({
    low: unit.indexedAddress(reader.uleb()),
    high: unit.indexedAddress(reader.uleb()),
  }),
  [LLE.startxLength]: (reader, unit) => lengthEntry(unit.indexedAddress(reader.uleb()), reader.ulebBig()),
  [LLE.offsetPair]: (reader, _unit, base) => ({ low: base() + reader.ulebBig(), high: base() + reader.ulebBig() }),
  [LLE.defaultLocation]: () => ({ isDefault: true }),
  [LLE.startEnd]: (reader) => ({ low: reader.u64(), high: reader.u64() }),
  [LLE.startLength]: (reader) => lengthEntry(reader.u64(), reader.ulebBig()),
};

function lengthEntry(low: bigint, length: bigint): ListEntry {
  return { low, high: low + length };
}

function searchLocLists(unit: Unit, value: FormValue, address: bigint): Uint8Array | undefined {
  const offset = value.kind === 'list-index' ? unit.indexedList('loclists', value.index) : listOffset(value);
  const reader = new ByteReader(unit.sections.get('loclists'), '.debug_loclists', offset);
  let base: bigint | undefined;
  let fallback: Uint8Array | undefined;
  for (;;) {
    const kind = reader.u8();
    if (kind === LLE.endOfList) return fallback;
    if (kind === LLE.gnuViewPair) {
      reader.skipLeb();
      reader.skipLeb();
      continue;
    }
    const read = ENTRIES[kind];
    if (!read) return reader.fail(`the location-list entry ${kind} is unknown`);
    const entry = read(reader, unit, () => (base ??= unit.baseAddress));
    if (entry.base !== undefined) {
      base = entry.base;
      continue;
    }
    const bytes = reader.bytesOf(reader.uleb());
    if (entry.isDefault) fallback = bytes;
    else if (entry.low! <= address && address < entry.high!) return bytes;
  }
}

/** Whether the entry, or one that it completes, says anywhere where the object is. */
export function hasLocation(entry: Entry): boolean {
  return entry.has(AT.location) || entry.has(AT.constValue);
}
