/** Debugging entries (DWARF 5, 2.1 to 2.13): attributes, looked up and resolved. */
import type { ByteReader } from '../byte-reader';
import { DwarfError } from '../errors';
import type { AddressRange } from '../model';
import type { Abbreviation } from './abbreviations';
import { AT } from './constants';
import { readForm, skipForm } from './forms';
import type { FormValue } from './forms';
import { readRanges } from './ranges';
import type { Unit } from './unit';

/** Longest chain of abstract origins and specifications that is followed. */
const MAX_REFERENCES = 16;

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
}
