/** The line table of one unit: rows by address and by line, with file names resolved. */
import type { AddressRange } from '../model';
import { joinPath, normalizePath } from '../paths';
import { RangeMap } from '../range-map';
import type { LineHeader } from './line-header';
import { readLineHeader } from './line-header';
import { ROW, runLineProgram } from './line-program';
import type { LineSequence } from './line-program';
import type { Unit } from './unit';

/** A row of a sequence, by index. */
export interface RowReference {
  readonly sequence: LineSequence;
  readonly row: number;
}

export class LineTable {
  private readonly paths: (string | undefined)[] = [];
  private sequenceMap: RangeMap<LineSequence> | undefined;

  private constructor(
    readonly unit: Unit,
    readonly header: LineHeader,
    /** Whether code at the address is part of the program: rows of discarded functions are not. */
    private readonly isCode: (address: bigint) => boolean,
    private readonly warn: (error: unknown) => void,
  ) {}

  /** The unit's table, or undefined when it has none. Reads the header only. @throws DwarfError when it is damaged. */
  static of(unit: Unit, isCode: (address: bigint) => boolean, warn: (error: unknown) => void): LineTable | undefined {
    const offset = unit.lineOffset;
    return offset === undefined ? undefined : new LineTable(unit, readLineHeader(unit, offset), isCode, warn);
  }

  /** Path of a file number, joined and normalised; empty for an unknown number. */
  path(file: number): string {
    let path = this.paths[file];
    if (path === undefined) {
      path = this.resolve(file);
      if (file < this.header.files.length) this.paths[file] = path;
    }
    return path;
  }

  private resolve(number: number): string {
    const { files, directories } = this.header;
    const file = files[number];
    if (!file || file.name === '') return '';
    const base = directories[0] || (this.unit.compilationDirectory ?? '');
    const directory = file.directory === 0 ? base : joinPath(base, directories[file.directory] ?? '');
    return normalizePath(joinPath(directory, file.name));
  }

  /** All file numbers that stand for a path. */
  numbersOf(path: string): number[] {
    return [...this.header.files.keys()].filter((file) => this.path(file) === path);
  }

  /** Paths of all files of the table. */
  allPaths(): string[] {
    return [...this.header.files.keys()].map((file) => this.path(file)).filter((path) => path !== '');
  }

  private get map(): RangeMap<LineSequence> {
    if (!this.sequenceMap) {
      const { sections } = this.unit;
      const map = new RangeMap<LineSequence>();
      for (const raw of runLineProgram(this.unit, this.header, this.warn)) {
        const low = sections.address(raw.low);
        const sequence = { ...raw, low, high: low + (raw.high - raw.low) };
        if (this.isCode(low)) map.add(sequence, sequence);
      }
      this.sequenceMap = map;
    }
    return this.sequenceMap;
  }

  sequences(): IterableIterator<LineSequence> {
    return this.map.values();
  }

  /**
   * The row that covers the address. Of several rows at one address the last counts, but a statement is preferred over
   * a row that is none: that is where a user was told to stop.
   */
  find(address: bigint): RowReference | undefined {
    const sequence = this.map.find(address);
    if (!sequence) return undefined;
    const { offsets, flags } = sequence;
    const offset = Number(address - sequence.low);
    let low = 0;
    let high = offsets.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (offsets[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    const last = low - 1;
    for (let row = last; row >= 0 && offsets[row] === offsets[last]; row--) {
      if (flags[row]! & ROW.isStatement) return { sequence, row };
    }
    return { sequence, row: last };
  }

  /** The addresses that a row covers: up to the next row with another address. */
  rangeOf({ sequence, row }: RowReference): AddressRange {
    const { offsets, low } = sequence;
    const start = offsets[row]!;
    let next = row + 1;
    while (next < offsets.length - 1 && offsets[next] === start) next++;
    return { low: low + BigInt(start), high: low + BigInt(offsets[next]!) };
  }
}
