/** Where a function's prologue ends, going by the line table (the rules that gdb users are used to). */
import type { FunctionEntry } from './functions';
import { ROW } from './line-program';
import type { LineTable, RowReference } from './line-table';

const LANGUAGE_ASSEMBLER = 0x8001;

/**
 * The first address behind the prologue of `owner`; its entry where there is none to skip: in assembly, and in code
 * whose location lists describe arguments from the first instruction on.
 * @param isInlined whether an address belongs to an inlined copy within the function
 */
export function prologueEnd(table: LineTable, owner: FunctionEntry, isInlined: (address: bigint) => boolean): bigint {
  const { unit } = owner.entry;
  const { low } = owner;
  const { high } = owner.ranges[0]!;
  if (unit.language === LANGUAGE_ASSEMBLER) return low;
  const marked = markedEnd(table, low, high);
  if (marked !== undefined) return marked;
  if (unit.hasLocationLists && (unit.producer?.startsWith('GNU ') ?? false)) return low;
  return secondLine(table, low, high, isInlined);
}

/** The first row that the compiler marked as the prologue's end. */
function markedEnd(table: LineTable, low: bigint, high: bigint): bigint | undefined {
  const sequence = table.find(low)?.sequence;
  if (!sequence) return undefined;
  for (let row = 0; row < sequence.offsets.length - 1; row++) {
    const address = sequence.low + BigInt(sequence.offsets[row]!);
    if (address >= low && address < high && sequence.flags[row]! & ROW.prologueEnd) return address;
  }
  return undefined;
}

/** Without a mark: where the second line starts, passing over lines before the first (moved there by scheduling). */
function secondLine(table: LineTable, low: bigint, high: bigint, isInlined: (address: bigint) => boolean): bigint {
  let current = table.find(low);
  if (!current || lineOf(current) === 0) return low;
  if (hasTwoRowsAt(current, low)) return low;
  let end = table.rangeOf(current).high;
  if (end >= high) return low;
  while (end < high) {
    const next = table.find(end);
    if (!next || lineOf(next) === 0 || lineOf(next) >= lineOf(current)) break;
    if (next.sequence.files[next.row] !== current.sequence.files[current.row] || isInlined(end)) break;
    current = next;
    end = table.rangeOf(next).high;
  }
  return end < high ? end : addressOf(current);
}

function lineOf({ sequence, row }: RowReference): number {
  return sequence.lines[row]!;
}

function addressOf({ sequence, row }: RowReference): bigint {
  return sequence.low + BigInt(sequence.offsets[row]!);
}

/** Two rows of one file at the function's entry say that the prologue has no instructions. */
function hasTwoRowsAt({ sequence }: RowReference, address: bigint): boolean {
  const offset = Number(address - sequence.low);
  const first = sequence.offsets.indexOf(offset);
  return (
    first >= 0 &&
    sequence.offsets[first + 1] === offset &&
    sequence.lines[first + 1] !== 0 &&
    sequence.files[first + 1] === sequence.files[first] &&
    first + 1 < sequence.offsets.length - 1
  );
}
