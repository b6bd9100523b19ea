/** Units and their debugging entries (DWARF 5, 2.1 and 7.5): headers, the tree, attribute values resolved. */
import { ByteReader } from '../byte-reader';
import { DwarfError } from '../errors';
import type { AddressRange } from '../model';
import type { Abbreviation, AbbreviationTable } from './abbreviations';
import { AT, FORM, TAG, UNIT_TYPE } from './constants';
import { readForm, skipForm } from './forms';
import type { FormValue, UnitFormat } from './forms';
import { readRanges } from './ranges';
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
const MAX_REFERENCES = 16;

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

/**
 * One debugging entry. Attributes are looked up in the section when asked for, so an entry is cheap. An attribute that is
 * absent or of an unsuitable form gives undefined.
 */
export class Entry {
  constructor(
    readonly unit: Unit,
    /** Offset in `.debug_info`; identifies the entry. */
    readonly offset: number,
    readonly attributesOffset: number,
    readonly abbreviation: Abbreviation,
  ) {}

  get tag(): number {
    return this.abbreviation.tag;
  }

  skipAttributes(reader: ByteReader): void {
    reader.seek(this.attributesOffset);
    const { fixedSize, attributes } = this.abbreviation;
    if (fixedSize >= 0) return reader.skip(fixedSize);
    for (const { form } of attributes) skipForm(reader, form, this.unit);
  }

  has(attribute: number): boolean {
    return this.abbreviation.attributes.some(({ name }) => name === attribute);
  }

  value(attribute: number): FormValue | undefined {
    if (!this.has(attribute)) return undefined;
    const { unit } = this;
    const reader = unit.attributeReader;
    reader.seek(this.attributesOffset);
    for (const { name, form, constant } of this.abbreviation.attributes) {
      if (name === attribute) return readForm(reader, form, unit, constant);
      skipForm(reader, form, unit);
    }
    return undefined;
  }

  string(attribute: number): string | undefined {
    const value = this.value(attribute);
    switch (value?.kind) {
      case 'string':
        return value.text;
      case 'string-offset':
        return this.unit.sections.string(value.section, value.offset);
      case 'string-index':
        return this.unit.indexedString(value.index);
      default:
        return undefined;
    }
  }

  /** The name, also where it stands in the declaration or abstract instance that this entry completes. */
  name(): string | undefined {
    return this.follow((entry) => entry.string(AT.name));
  }

  linkageName(): string | undefined {
    return this.follow((entry) => entry.string(AT.linkageName) ?? entry.string(AT.mipsLinkageName));
  }

  /** A run-time address. */
  address(attribute: number): bigint | undefined {
    const raw = this.rawAddress(attribute);
    return raw === undefined ? undefined : this.unit.sections.address(raw);
  }

  /** An address as in the file. */
  rawAddress(attribute: number): bigint | undefined {
    const value = this.value(attribute);
    if (value?.kind === 'address') return value.address;
    if (value?.kind === 'address-index') return this.unit.indexedAddress(value.index);
    return undefined;
  }

  /** A constant as an unsigned value of its form's width, or as the exact value where the form gives one. */
  constant(attribute: number): bigint | undefined {
    const value = this.value(attribute);
    if (value?.kind === 'constant') return value.value;
    if (value?.kind === 'flag') return value.isSet ? 1n : 0n;
    return undefined;
  }

  /** A constant whose sign the attribute's meaning implies. */
  signedConstant(attribute: number): bigint | undefined {
    const value = this.value(attribute);
    if (value?.kind !== 'constant') return undefined;
    return value.bits > 0 ? BigInt.asIntN(value.bits, value.value) : value.value;
  }

  /** A constant that is a count, a size, a line. */
  number(attribute: number): number | undefined {
    const value = this.constant(attribute);
    return value === undefined || value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER
      ? undefined
      : Number(value);
  }

  flag(attribute: number): boolean {
    return (this.constant(attribute) ?? 0n) !== 0n;
  }

  sectionOffset(attribute: number): number | undefined {
    const value = this.value(attribute);
    if (value?.kind === 'section-offset') return value.offset;
    if (value?.kind === 'constant' && this.unit.version < 4) return this.number(attribute);
    return undefined;
  }

  /** Bytes of a DWARF expression. */
  expression(attribute: number): Uint8Array | undefined {
    const value = this.value(attribute);
    return value?.kind === 'expression' || value?.kind === 'block' ? value.bytes : undefined;
  }

  /** The entry that the attribute refers to. */
  reference(attribute: number): Entry | undefined {
    const value = this.value(attribute);
    const { directory, header } = this.unit;
    if (value?.kind === 'signature') {
      const unit = directory.typeUnit(value.signature);
      return unit?.header.typeOffset === undefined ? undefined : unit.entryAt(unit.header.typeOffset);
    }
    if (value?.kind !== 'reference') return undefined;
    const offset = value.isGlobal ? value.offset : header.offset + value.offset;
    const isInside = offset >= header.firstEntry && offset < header.end;
    const unit = isInside ? this.unit : value.isGlobal ? directory.unitAt(offset) : undefined;
    if (!unit || offset < unit.header.firstEntry) {
      throw new DwarfError(`.debug_info: the entry at 0x${this.offset.toString(16)} refers to no entry`);
    }
    return unit.entryAt(offset);
  }

  /** Offset of the next sibling, when the producer gave it. */
  sibling(): number | undefined {
    const value = this.value(AT.sibling);
    if (value?.kind !== 'reference') return undefined;
    return value.isGlobal ? value.offset : this.unit.header.offset + value.offset;
  }

  /** This entry and those that it completes: its abstract instance or its declaration, and theirs in turn. */
  *origins(): IterableIterator<Entry> {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- walks a chain that starts here
    let entry: Entry | undefined = this;
    for (let count = 0; entry && count < MAX_REFERENCES; count++) {
      yield entry;
      entry = entry.reference(AT.abstractOrigin) ?? entry.reference(AT.specification);
    }
  }

  /** The first answer of this entry or of one that it completes. */
  follow<T>(read: (entry: Entry) => T | undefined): T | undefined {
    for (const entry of this.origins()) {
      const answer = read(entry);
      if (answer !== undefined) return answer;
    }
    return undefined;
  }

  /** The code of this entry: low and high pc, or its range list; run-time addresses, empty ranges left out. */
  ranges(): AddressRange[] {
    const list = this.value(AT.ranges);
    if (list) return readRanges(this.unit, list);
    const low = this.rawAddress(AT.lowPc);
    const high = this.value(AT.highPc);
    if (low === undefined || !high) return [];
    let end: bigint | undefined;
    if (high.kind === 'constant') end = low + high.value;
    else if (high.kind === 'address') end = high.address;
    else if (high.kind === 'address-index') end = this.unit.indexedAddress(high.index);
    if (end === undefined || end <= low) return [];
    const { sections } = this.unit;
    return [{ low: sections.address(low), high: sections.address(low) + (end - low) }];
  }

  get isFunction(): boolean {
    return this.tag === TAG.subprogram;
  }
}
