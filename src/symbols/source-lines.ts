/** Source lines of the whole program: from addresses to lines, and from lines to the addresses where to stop. */
import type { DebugContext } from './dwarf/context';
import { contains } from './dwarf/functions';
import type { FunctionEntry } from './dwarf/functions';
import { ROW } from './dwarf/line-program';
import type { LineTable, RowReference } from './dwarf/line-table';
import { prologueEnd } from './dwarf/prologue-end';
import { scopesAt } from './dwarf/scopes';
import type { Unit } from './dwarf/unit';
import type { AddressRange, BreakpointResolution, FileLookup, FileMatch, LineLocation } from './model';
import { PathIndex } from './paths';

export class SourceLines {
  private unitsByFile: Map<string, Unit[]> | undefined;
  private pathIndex: PathIndex | undefined;

  constructor(private readonly context: DebugContext) {}

  private files(): Map<string, Unit[]> {
    if (!this.unitsByFile) {
      this.unitsByFile = new Map();
      for (const unit of this.context.info.codeUnits()) {
        for (const path of new Set(this.context.lineTable(unit)?.allPaths())) {
          const units = this.unitsByFile.get(path);
          if (units) units.push(unit);
          else this.unitsByFile.set(path, [unit]);
        }
      }
    }
    return this.unitsByFile;
  }

  private get paths(): PathIndex {
    return (this.pathIndex ??= new PathIndex([...this.files().keys()].sort()));
  }

  sourceFiles(): readonly string[] {
    return this.paths.files;
  }

  findFile(path: string): FileLookup {
    return this.paths.find(path);
  }

  private rowAt(address: bigint): { table: LineTable; reference: RowReference } | undefined {
    const unit = this.context.info.unitOf(address);
    const table = unit && this.context.lineTable(unit);
    const reference = table?.find(address);
    return table && reference && { table, reference };
  }

  lineFor(address: bigint): LineLocation | undefined {
    const found = this.rowAt(address);
    if (!found) return undefined;
    const { table, reference } = found;
    const { sequence, row } = reference;
    const line = sequence.lines[row]!;
    const file = table.path(sequence.files[row]!);
    if (line === 0 || file === '') return undefined;
    return {
      file,
      line,
      column: sequence.columns[row]!,
      isStatement: (sequence.flags[row]! & ROW.isStatement) !== 0,
      range: table.rangeOf(reference),
    };
  }

  statementRanges(address: bigint): AddressRange[] {
    const found = this.rowAt(address);
    const here = found && this.lineFor(address);
    if (!found || !here) return [];
    const { table } = found;
    const owner = this.context.functionAt(address);
    const numbers = new Set(table.numbersOf(here.file));
    const ranges: { low: bigint; high: bigint }[] = [];
    for (const sequence of table.sequences()) {
      if (owner && !owner.ranges.some(({ low, high }) => low < sequence.high && sequence.low < high)) continue;
      for (let row = 0; row < sequence.offsets.length - 1; row++) {
        if (sequence.lines[row] !== here.line || !numbers.has(sequence.files[row]!)) continue;
        const range = table.rangeOf({ sequence, row });
        if (owner && !owner.ranges.some((part) => contains(part, range.low))) continue;
        if (table.find(range.low)?.row !== row) continue;
        const last = ranges[ranges.length - 1];
        if (last?.high === range.low) last.high = range.high;
        else ranges.push({ ...range });
      }
    }
    return ranges;
  }

  linesIn(path: string, first: number, last: number): number[] {
    const lookup = this.findFile(path);
    if (lookup.kind !== 'found') return [];
    const lines = new Set<number>();
    for (const { sequence, row } of this.statementRows(lookup.file)) {
      const line = sequence.lines[row]!;
      if (line >= first && line <= last) lines.add(line);
    }
    return [...lines].sort((a, b) => a - b);
  }

  /** All statement rows of a file with a line, unit by unit, ascending within a sequence. */
  private *statementRows(file: string): IterableIterator<RowReference> {
    for (const unit of this.files().get(file) ?? []) {
      const table = this.context.lineTable(unit);
      if (!table) continue;
      const numbers = new Set(table.numbersOf(file));
      for (const sequence of table.sequences()) {
        const { files, lines, flags } = sequence;
        for (let row = 0; row < lines.length - 1; row++) {
          if (lines[row] !== 0 && flags[row]! & ROW.isStatement && numbers.has(files[row]!)) yield { sequence, row };
        }
      }
    }
  }

  resolveBreakpoint(path: string, line: number): BreakpointResolution {
    const lookup = this.findFile(path);
    if (lookup.kind !== 'found') return lookup;
    const { file, quality, components } = lookup;
    const match: FileMatch = { file, quality, components };
    let best = Infinity;
    for (const { sequence, row } of this.statementRows(file)) {
      const candidate = sequence.lines[row]!;
      if (candidate >= line && candidate < best) best = candidate;
    }
    if (best === Infinity) return { kind: 'no-code', file };
    return { kind: 'resolved', file, line: best, addresses: this.addressesOf(file, best), match };
  }

  /**
   * Where to stop for a line that has code: the first statement of each contiguous piece, once per block (so that a loop
   * header that stands in two pieces stops once), behind the prologue where it is a function's first line.
   */
  private addressesOf(file: string, line: number): bigint[] {
    const starts: bigint[] = [];
    for (const { sequence, row } of this.statementRows(file)) {
      const { lines, files, offsets, low } = sequence;
      if (lines[row] !== line) continue;
      const continues = row > 0 && lines[row - 1] === line && files[row - 1] === files[row];
      if (!continues) starts.push(low + BigInt(offsets[row]!));
    }
    starts.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    const blocks = new Set<number>();
    const addresses = new Set<bigint>();
    for (const start of starts) {
      const owner = this.context.functionAt(start);
      const block = owner && this.innermostBlock(owner, start);
      if (block !== undefined) {
        if (blocks.has(block)) continue;
        blocks.add(block);
      }
      addresses.add(owner ? this.behindPrologue(owner, start) : start);
    }
    return [...addresses].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }

  private innermostBlock(owner: FunctionEntry, address: bigint): number {
    const root = this.context.scopes(owner);
    return (root && scopesAt(root, address).at(-1)?.entry.offset) ?? owner.entry.offset;
  }

  /** The address, or the end of the function's prologue when it lies within. */
  private behindPrologue(owner: FunctionEntry, address: bigint): bigint {
    if (address < owner.low) return address;
    const end = this.prologueEndOf(owner);
    return address < end && contains(owner.ranges[0]!, address) ? end : address;
  }

  /** The first address of a function where its arguments can be read. */
  prologueEndOf(owner: FunctionEntry): bigint {
    const { unit } = owner.entry;
    const table = this.context.lineTable(unit);
    const isInlined = (address: bigint): boolean => {
      const root = this.context.scopes(owner);
      return root !== undefined && scopesAt(root, address).some(({ kind }) => kind === 'inlined');
    };
    return (table && this.context.info.guard(() => prologueEnd(table, owner, isInlined))) ?? owner.low;
  }
}
