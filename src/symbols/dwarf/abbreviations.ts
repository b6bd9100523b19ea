/** Abbreviation tables (DWARF 5, 7.5.3): the shapes of debugging entries. */
import { ByteReader } from '../byte-reader';
import { FORM } from './constants';
import { formSize } from './forms';
import type { UnitFormat } from './forms';

export interface AttributeSpec {
  readonly name: number;
  readonly form: number;
  /** The value itself for DW_FORM_implicit_const, else 0n. */
  readonly constant: bigint;
}

export interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  readonly attributes: readonly AttributeSpec[];
  /** Bytes that all attributes take, where that does not depend on the entry; else -1. */
  readonly fixedSize: number;
}

/** Far more than any compiler emits; keeps a damaged table from making every entry slow to read. */
const MAX_ATTRIBUTES = 256;

export type AbbreviationTable = ReadonlyMap<number, Abbreviation>;

/** Reads the table at `offset`, for units of one format. @throws DwarfError when it is damaged. */
export function parseAbbreviations(section: Uint8Array, offset: number, format: UnitFormat): AbbreviationTable {
  const reader = new ByteReader(section, '.debug_abbrev', offset);
  const table = new Map<number, Abbreviation>();
  for (;;) {
    const code = reader.uleb();
    if (code === 0) return table;
    if (table.has(code)) reader.fail(`abbreviation ${code} is defined twice`);
    table.set(code, readAbbreviation(reader, format));
  }
}

function readAbbreviation(reader: ByteReader, format: UnitFormat): Abbreviation {
  const tag = reader.uleb();
  const hasChildren = reader.u8() !== 0;
  const attributes: AttributeSpec[] = [];
  let fixedSize = 0;
  for (;;) {
    const name = reader.uleb();
    const form = reader.uleb();
    if (name === 0 && form === 0) return { tag, hasChildren, attributes, fixedSize };
    const constant = form === FORM.implicitConst ? reader.slebBig() : 0n;
    const size = formSize(form, format);
    fixedSize = size < 0 || fixedSize < 0 ? -1 : fixedSize + size;
    attributes.push({ name, form, constant });
    if (attributes.length > MAX_ATTRIBUTES) reader.fail('an abbreviation has too many attributes');
  }
}
