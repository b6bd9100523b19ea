/** Range lists: `.debug_ranges` (DWARF 4, 2.17.3) and `.debug_rnglists` (DWARF 5, 2.17.3 and 7.25). */
import { ByteReader } from '../byte-reader';
import { DwarfError } from '../errors';
import type { AddressRange } from '../model';
import { RLE } from './constants';
import type { FormValue } from './forms';
import type { Unit } from './unit';

const BASE_SELECTION = 0xffff_ffff_ffff_ffffn;

/** The ranges that the value of a DW_AT_ranges attribute names: run-time addresses, empty ranges left out. */
export function readRanges(unit: Unit, value: FormValue): AddressRange[] {
  const raw =
    unit.version >= 5 ? readRngLists(unit, rngListOffset(unit, value)) : readDebugRanges(unit, plainOffset(value));
  const ranges: AddressRange[] = [];
  for (const { low, high } of raw) {
    if (high <= low) continue;
    const start = unit.sections.address(low);
    ranges.push({ low: start, high: start + (high - low) });
  }
  return ranges;
}

function plainOffset(value: FormValue): number {
  if (value.kind === 'section-offset') return value.offset;
  if (value.kind === 'constant') return Number(value.value);
  throw new DwarfError('.debug_info: DW_AT_ranges has an unsuitable form');
}

function rngListOffset(unit: Unit, value: FormValue): number {
  return value.kind === 'list-index' ? unit.indexedList('rnglists', value.index) : plainOffset(value);
}

function readDebugRanges(unit: Unit, offset: number): AddressRange[] {
  const reader = new ByteReader(unit.sections.get('ranges'), '.debug_ranges', offset);
  const ranges: AddressRange[] = [];
  let base = unit.baseAddress;
  for (;;) {
    const low = reader.u64();
    const high = reader.u64();
    if (low === 0n && high === 0n) return ranges;
    if (low === BASE_SELECTION) base = high;
    else ranges.push({ low: base + low, high: base + high });
  }
}

type EntryReader = (reader: ByteReader, unit: Unit, base: bigint) => { range?: AddressRange; base?: bigint };

const RANGE_ENTRIES: Readonly<Record<number, EntryReader>> = {
  [RLE.baseAddressx]: (reader, unit) => ({ base: unit.indexedAddress(reader.uleb()) }),
  [RLE.baseAddress]: (reader) => ({ base: reader.u64() }),
  [RLE.startxEndx]: (reader, unit) => ({
    range: { low: unit.indexedAddress(reader.uleb()), high: unit.indexedAddress(reader.uleb()) },
  }),
  [RLE.startxLength]: (reader, unit) => ({ range: lengthRange(unit.indexedAddress(reader.uleb()), reader.ulebBig()) }),
  [RLE.offsetPair]: (reader, _unit, base) => ({
    range: { low: base + reader.ulebBig(), high: base + reader.ulebBig() },
  }),
  [RLE.startEnd]: (reader) => ({ range: { low: reader.u64(), high: reader.u64() } }),
  [RLE.startLength]: (reader) => ({ range: lengthRange(reader.u64(), reader.ulebBig()) }),
};

function lengthRange(low: bigint, length: bigint): AddressRange {
  return { low, high: low + length };
}

function readRngLists(unit: Unit, offset: number): AddressRange[] {
  const reader = new ByteReader(unit.sections.get('rnglists'), '.debug_rnglists', offset);
  const ranges: AddressRange[] = [];
  let base: bigint | undefined;
  for (;;) {
    const kind = reader.u8();
    if (kind === RLE.endOfList) return ranges;
    const read = RANGE_ENTRIES[kind];
    if (!read) return reader.fail(`the range-list entry ${kind} is unknown`);
    // The unit's base address may itself be indexed, so it is looked up only where an offset needs it.
    const entry = read(reader, unit, kind === RLE.offsetPair ? (base ??= unit.baseAddress) : 0n);
    if (entry.range) ranges.push(entry.range);
    if (entry.base !== undefined) base = entry.base;
  }
}
