/** Units (DWARF 5, 3.1 and 7.5): headers, bases of indexed values, the tree of entries. */
import { ByteReader } from '../byte-reader';
import { DwarfError } from '../errors';
import type { AddressRange } from '../model';
import type { AbbreviationTable } from './abbreviations';
import { AT, FORM, UNIT_TYPE } from './constants';
import { Entry } from './entry';
import type { UnitFormat } from './forms';
import type { DebugSections } from './sections';

/** What a unit needs of the others. */
export interface UnitDirectory {
  readonly sections: DebugSections;
  /** Abbreviation tables are shared between units. */
  abbreviations(offset: number, format: UnitFormat): AbbreviationTable;
  /** The unit that holds an offset of `.debug_info`. */
  unitAt(offset: number): Unit | undefined;
  typeUnit(signature: bigint): Unit | undefined;
}

export interface UnitHeader extends UnitFormat {
  /** Offsets in `.debug_info`: of the header, of the first entry, and behind the unit. */
  readonly offset: number;
  readonly firstEntry: number;
  readonly end: number;
  readonly type: number;
  readonly abbreviationsOffset: number;
  /** Of type units: the signature, and the offset of the type in `.debug_info`. */
  readonly signature?: bigint;
  readonly typeOffset?: number;
}

const ADDRESS_SIZE = 8;

/** Reads the header at the reader's position and moves it behind the unit. */
export function readUnitHeader(reader: ByteReader): UnitHeader {
  const offset = reader.position;
  const { length, is64 } = reader.initialLength();
  const unit = reader.sub(length);
  const version = unit.u16();
  if (version < 2 || version > 5) reader.fail(`DWARF version ${version} is not supported; compile with -gdwarf-5`);
  const type = version >= 5 ? unit.u8() : UNIT_TYPE.compile;
  let addressSize = version >= 5 ? unit.u8() : 0;
  const abbreviationsOffset = unit.offset(is64);
  if (version < 5) addressSize = unit.u8();
  if (addressSize !== ADDRESS_SIZE) unit.fail(`a unit has ${addressSize}-byte addresses`);
  const header = { offset, end: unit.end, version, is64, type, abbreviationsOffset };
  if (type === UNIT_TYPE.type || type === UNIT_TYPE.splitType) {
    const signature = unit.u64();
    const typeOffset = offset + unit.offset(is64);
    return { ...header, signature, typeOffset, firstEntry: unit.position };
  }
  if (type === UNIT_TYPE.skeleton || type === UNIT_TYPE.splitCompile) unit.skip(8);
  return { ...header, firstEntry: unit.position };
}

export class Unit implements UnitFormat {
  readonly version: number;
  readonly is64: boolean;
  private tableCache: AbbreviationTable | undefined;
  private rootCache: Entry | undefined;
  private attributeReaderCache: ByteReader | undefined;
  private rangesCache: readonly AddressRange[] | undefined;

  constructor(
    readonly directory: UnitDirectory,
    readonly header: UnitHeader,
  ) {
    this.version = header.version;
    this.is64 = header.is64;
  }

  get sections(): DebugSections {
    return this.directory.sections;
  }

  get table(): AbbreviationTable {
    return (this.tableCache ??= this.directory.abbreviations(this.header.abbreviationsOffset, this));
  }

  /** The unit's own entry. @throws DwarfError when it cannot be read. */
  get root(): Entry {
    if (!this.rootCache) {
      const root = this.entryAt(this.header.firstEntry);
      if (!root) throw new DwarfError(`.debug_info: the unit at 0x${this.header.offset.toString(16)} is empty`);
      this.rootCache = root;
    }
    return this.rootCache;
  }

  get name(): string | undefined {
    return this.root.string(AT.name);
  }

  get compilationDirectory(): string | undefined {
    return this.root.string(AT.compDir);
  }

  /** DW_LANG_* number. */
  get language(): number | undefined {
    return this.root.number(AT.language);
  }

  get producer(): string | undefined {
    return this.root.string(AT.producer);
  }

  /** Offset of the unit's line program in `.debug_line`. */
  get lineOffset(): number | undefined {
    return this.root.sectionOffset(AT.stmtList);
  }

  /** The code of the whole unit. */
  get ranges(): readonly AddressRange[] {
    return (this.rangesCache ??= this.root.ranges());
  }

  /** Base address for range and location lists (DWARF 5, 3.1.1), not shifted by the bias. */
  get baseAddress(): bigint {
    return this.root.rawAddress(AT.lowPc) ?? 0n;
  }

  /** Whether variables of this unit may have location lists, as in optimised code. */
  get hasLocationLists(): boolean {
    for (const { attributes } of this.table.values()) {
      for (const { name, form } of attributes) {
        if (name === AT.location && LIST_FORMS.has(form)) return true;
      }
    }
    return false;
  }

  /** String number `index` of the unit's part of `.debug_str_offsets` (DWARF 5, 7.26). */
  indexedString(index: number): string {
    const size = this.is64 ? 8 : 4;
    const base = this.root.sectionOffset(AT.strOffsetsBase) ?? 2 * size;
    const reader = new ByteReader(this.sections.get('str_offsets'), '.debug_str_offsets', base + index * size);
    return this.sections.string('str', reader.offset(this.is64));
  }

  /** Address number `index` of the unit's part of `.debug_addr` (DWARF 5, 7.27), as in the file. */
  indexedAddress(index: number): bigint {
    const base = this.root.sectionOffset(AT.addrBase) ?? 8;
    return new ByteReader(this.sections.get('addr'), '.debug_addr', base + index * ADDRESS_SIZE).u64();
  }

  /** Offset of list number `index`, through the table in front of the unit's lists (DWARF 5, 7.28 and 7.29). */
  indexedList(section: 'rnglists' | 'loclists', index: number): number {
    const size = this.is64 ? 8 : 4;
    const baseAttribute = section === 'rnglists' ? AT.rnglistsBase : AT.loclistsBase;
    const base = this.root.sectionOffset(baseAttribute) ?? (this.is64 ? 20 : 12);
    const reader = new ByteReader(this.sections.get(section), `.debug_${section}`, base + index * size);
    return base + reader.offset(this.is64);
  }

  /** The entry at an offset of `.debug_info`; undefined for the null entry that ends a list of siblings. */
  entryAt(offset: number): Entry | undefined {
    return this.readEntry(this.reader(offset));
  }

  /** Reads single attributes; one for the whole unit, because making a reader costs more than reading does. */
  get attributeReader(): ByteReader {
    return (this.attributeReaderCache ??= this.reader(this.header.firstEntry));
  }

  private reader(offset: number): ByteReader {
    return new ByteReader(this.sections.get('info'), '.debug_info', offset, this.header.end);
  }

  private readEntry(reader: ByteReader): Entry | undefined {
    const offset = reader.position;
    const code = reader.uleb();
    if (code === 0) return undefined;
    const abbreviation = this.table.get(code);
    if (!abbreviation) return reader.fail(`abbreviation ${code} is not defined`);
    return new Entry(this, offset, reader.position, abbreviation);
  }

  /**
   * Walks the entries below `parent` in the order of the file. For each, `visit` gets the entry and its depth (1: child of
   * `parent`), and returns whether to go into its children.
   */
  walk(parent: Entry, visit: (entry: Entry, depth: number) => boolean): void {
    if (!parent.abbreviation.hasChildren) return;
    const reader = this.reader(parent.attributesOffset);
    parent.skipAttributes(reader);
    let depth = 1;
    /** Entries deeper than this are passed over. */
    let limit = Infinity;
    while (depth > 0 && !reader.isAtEnd) {
      const entry = this.readEntry(reader);
      if (!entry) {
        depth--;
        if (depth <= limit) limit = Infinity;
        continue;
      }
      const isWanted = depth <= limit;
      const enters = isWanted && visit(entry, depth);
      const { hasChildren } = entry.abbreviation;
      if (hasChildren && isWanted && !enters) {
        const sibling = entry.sibling();
        if (sibling !== undefined && sibling > entry.attributesOffset && sibling <= reader.end) {
          reader.seek(sibling);
          continue;
        }
        limit = depth;
      }
      entry.skipAttributes(reader);
      if (hasChildren) depth++;
    }
  }

  /** The direct children of an entry. */
  children(parent: Entry): Entry[] {
    const children: Entry[] = [];
    this.walk(parent, (entry) => {
      children.push(entry);
      return false;
    });
    return children;
  }
}

const LIST_FORMS: ReadonlySet<number> = new Set([FORM.secOffset, FORM.loclistx, FORM.data4, FORM.data8]);
