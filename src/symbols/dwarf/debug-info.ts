/** The units of `.debug_info`, found once; what is inside a unit is read when it is needed. */
import { ByteReader } from '../byte-reader';
import { SymbolError } from '../errors';
import { parseAbbreviations } from './abbreviations';
import type { AbbreviationTable } from './abbreviations';
import { TAG, AT, UNIT_TYPE } from './constants';
import type { UnitFormat } from './forms';
import { RangeMap } from '../range-map';
import type { DebugSections } from './sections';
import { readUnitHeader, Unit } from './unit';
import type { UnitDirectory, UnitHeader } from './unit';

const MAX_WARNINGS = 100;
const NO_CODE: readonly number[] = [UNIT_TYPE.type, UNIT_TYPE.splitType, UNIT_TYPE.partial];

export class DebugInfo implements UnitDirectory {
  /** All units in the order of the section. */
  readonly units: readonly Unit[];
  private readonly tables = new Map<string, AbbreviationTable>();
  private readonly broken = new Set<Unit>();
  private typeUnits: Map<bigint, Unit> | undefined;
  private codeMap: RangeMap<Unit> | undefined;

  constructor(readonly sections: DebugSections) {
    this.units = this.readHeaders().map((header) => new Unit(this, header));
  }

  private readHeaders(): UnitHeader[] {
    const reader = new ByteReader(this.sections.get('info'), '.debug_info');
    const headers: UnitHeader[] = [];
    while (!reader.isAtEnd) {
      const start = reader.position;
      try {
        headers.push(readUnitHeader(reader));
      } catch (error) {
        this.warn(error);
        if (!skipUnit(reader, start)) break;
      }
    }
    return headers;
  }

  /** Keeps a SymbolError as a warning; anything else is a bug of ours and passes on. */
  warn(error: unknown): void {
    if (!(error instanceof SymbolError)) throw error;
    const { warnings } = this.sections;
    if (warnings.length < MAX_WARNINGS && !warnings.includes(error.message)) warnings.push(error.message);
  }

  /** What `read` returns, or undefined with a warning when the debug information that it reads is damaged. */
  guard<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      this.warn(error);
      return undefined;
    }
  }

  /** Like `guard`, for one unit: a unit that failed once is not read again. */
  guardUnit<T>(unit: Unit, read: () => T): T | undefined {
    if (this.broken.has(unit)) return undefined;
    try {
      return read();
    } catch (error) {
      this.warn(error);
      this.broken.add(unit);
      return undefined;
    }
  }

  abbreviations(offset: number, format: UnitFormat): AbbreviationTable {
    const key = `${offset}/${format.version}/${format.is64}`;
    let table = this.tables.get(key);
    if (!table) {
      table = parseAbbreviations(this.sections.get('abbrev'), offset, format);
      this.tables.set(key, table);
    }
    return table;
  }

  unitAt(offset: number): Unit | undefined {
    let low = 0;
    let high = this.units.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.units[middle]!.header.offset <= offset) low = middle + 1;
      else high = middle;
    }
    const unit = this.units[low - 1];
    return unit && offset < unit.header.end ? unit : undefined;
  }

  typeUnit(signature: bigint): Unit | undefined {
    if (!this.typeUnits) {
      this.typeUnits = new Map();
      for (const unit of this.units) {
        if (unit.header.signature !== undefined) this.typeUnits.set(unit.header.signature, unit);
      }
    }
    return this.typeUnits.get(signature);
  }

  /** The units that may hold code. */
  *codeUnits(): IterableIterator<Unit> {
    for (const unit of this.units) {
      if (!NO_CODE.includes(unit.header.type) && !this.broken.has(unit)) yield unit;
    }
  }

  /** The unit whose code holds the address. */
  unitOf(address: bigint): Unit | undefined {
    return (this.codeMap ??= this.mapCode()).find(address);
  }

  private mapCode(): RangeMap<Unit> {
    const map = new RangeMap<Unit>();
    for (const unit of this.codeUnits()) {
      this.guardUnit(unit, () => {
        const { root } = unit;
        if (root.tag === TAG.skeletonUnit || root.has(AT.gnuDwoName)) {
          throw new SymbolError(
            `The debug information of ${unit.name ?? 'a unit'} is in a separate .dwo file, which is not supported; ` +
              'compile without -gsplit-dwarf.',
          );
        }
        for (const range of unit.ranges) map.add(range, unit);
      });
    }
    return map;
  }
}

/** Moves behind a unit whose header could not be read, going by its length alone. */
function skipUnit(reader: ByteReader, start: number): boolean {
  reader.seek(start);
  if (reader.remaining < 12) return false;
  let length = reader.u32();
  if (length === 0xffff_ffff) {
    const wide = reader.u64();
    if (wide > BigInt(reader.remaining)) return false;
    length = Number(wide);
  }
  if (length > reader.remaining) return false;
  reader.skip(length);
  return true;
}
