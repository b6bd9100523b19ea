/** Attribute forms (DWARF 5, 7.5.4 to 7.5.6): how to skip a value, and how to read one. */
import type { ByteReader } from '../byte-reader';
import { FORM } from './constants';

/** What the encoding of values depends on; all our units have 8-byte addresses. */
export interface UnitFormat {
  readonly version: number;
  readonly is64: boolean;
}

/** A value as it stands in the section; indices and offsets are not followed yet. */
export type FormValue =
  | { readonly kind: 'address'; readonly address: bigint }
  | { readonly kind: 'address-index'; readonly index: number }
  /** `bits` is the width of an unsigned field whose signedness the form leaves open; 0: the value is exact. */
  | { readonly kind: 'constant'; readonly value: bigint; readonly bits: number }
  | { readonly kind: 'block'; readonly bytes: Uint8Array }
  | { readonly kind: 'expression'; readonly bytes: Uint8Array }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'string-offset'; readonly section: 'str' | 'line_str'; readonly offset: number }
  | { readonly kind: 'string-index'; readonly index: number }
  /** `offset` counts from the start of the unit, or of the section when `isGlobal`. */
  | { readonly kind: 'reference'; readonly offset: number; readonly isGlobal: boolean }
  | { readonly kind: 'signature'; readonly signature: bigint }
  | { readonly kind: 'section-offset'; readonly offset: number }
  | { readonly kind: 'list-index'; readonly index: number }
  | { readonly kind: 'flag'; readonly isSet: boolean }
  | { readonly kind: 'supplementary' };

type Size = number | 'offset' | 'leb' | 'string' | 'block1' | 'block2' | 'block4' | 'block' | 'indirect' | 'ref_addr';

interface FormSpec {
  readonly size: Size;
  readonly read: (reader: ByteReader, format: UnitFormat, constant: bigint) => FormValue;
}

const constant = (bytes: 1 | 2 | 4 | 8): FormSpec => ({
  size: bytes,
  read: (reader) => ({ kind: 'constant', value: reader.unsigned(bytes), bits: 8 * bytes }),
});
const block = (size: Size, length: (reader: ByteReader) => number): FormSpec => ({
  size,
  read: (reader) => ({ kind: 'block', bytes: reader.bytesOf(length(reader)) }),
});
const reference = (size: Size, offset: (reader: ByteReader) => number): FormSpec => ({
  size,
  read: (reader) => ({ kind: 'reference', offset: offset(reader), isGlobal: false }),
});
const stringIndex = (size: Size, index: (reader: ByteReader) => number): FormSpec => ({
  size,
  read: (reader) => ({ kind: 'string-index', index: index(reader) }),
});
const addressIndex = (size: Size, index: (reader: ByteReader) => number): FormSpec => ({
  size,
  read: (reader) => ({ kind: 'address-index', index: index(reader) }),
});
const listIndex: FormSpec = { size: 'leb', read: (reader) => ({ kind: 'list-index', index: reader.uleb() }) };
const stringOffset = (section: 'str' | 'line_str'): FormSpec => ({
  size: 'offset',
  read: (reader, { is64 }) => ({ kind: 'string-offset', section, offset: reader.offset(is64) }),
});
const supplementary = (size: Size): FormSpec => ({
  size,
  read: (reader, format) => {
    skipSized(reader, size, format);
    return { kind: 'supplementary' };
  },
});

const FORMS: ReadonlyMap<number, FormSpec> = new Map<number, FormSpec>([
  [FORM.addr, { size: 8, read: (reader) => ({ kind: 'address', address: reader.u64() }) }],
  [FORM.block1, block('block1', (reader) => reader.u8())],
  [FORM.block2, block('block2', (reader) => reader.u16())],
  [FORM.block4, block('block4', (reader) => reader.u32())],
  [FORM.block, block('block', (reader) => reader.uleb())],
  [FORM.exprloc, { size: 'block', read: (reader) => ({ kind: 'expression', bytes: reader.bytesOf(reader.uleb()) }) }],
  [FORM.data1, constant(1)],
  [FORM.data2, constant(2)],
  [FORM.data4, constant(4)],
  [FORM.data8, constant(8)],
  [FORM.data16, { size: 16, read: (reader) => ({ kind: 'block', bytes: reader.bytesOf(16) }) }],
  [FORM.udata, { size: 'leb', read: (reader) => ({ kind: 'constant', value: reader.ulebBig(), bits: 0 }) }],
  [FORM.sdata, { size: 'leb', read: (reader) => ({ kind: 'constant', value: reader.slebBig(), bits: 0 }) }],
  [FORM.implicitConst, { size: 0, read: (_reader, _format, value) => ({ kind: 'constant', value, bits: 0 }) }],
  [FORM.flag, { size: 1, read: (reader) => ({ kind: 'flag', isSet: reader.u8() !== 0 }) }],
  [FORM.flagPresent, { size: 0, read: () => ({ kind: 'flag', isSet: true }) }],
  [FORM.string, { size: 'string', read: (reader) => ({ kind: 'string', text: reader.string() }) }],
  [FORM.strp, stringOffset('str')],
  [FORM.lineStrp, stringOffset('line_str')],
  [FORM.strx, stringIndex('leb', (reader) => reader.uleb())],
  [FORM.strx1, stringIndex(1, (reader) => reader.u8())],
  [FORM.strx2, stringIndex(2, (reader) => reader.u16())],
  [FORM.strx3, stringIndex(3, (reader) => reader.u24())],
  [FORM.strx4, stringIndex(4, (reader) => reader.u32())],
  [FORM.addrx, addressIndex('leb', (reader) => reader.uleb())],
  [FORM.addrx1, addressIndex(1, (reader) => reader.u8())],
  [FORM.addrx2, addressIndex(2, (reader) => reader.u16())],
  [FORM.addrx3, addressIndex(3, (reader) => reader.u24())],
  [FORM.addrx4, addressIndex(4, (reader) => reader.u32())],
  [FORM.ref1, reference(1, (reader) => reader.u8())],
  [FORM.ref2, reference(2, (reader) => reader.u16())],
  [FORM.ref4, reference(4, (reader) => reader.u32())],
  [FORM.ref8, reference(8, (reader) => reader.u64AsNumber())],
  [FORM.refUdata, reference('leb', (reader) => reader.uleb())],
  [
    FORM.refAddr,
    {
      size: 'ref_addr',
      read: (reader, { version, is64 }) => ({
        kind: 'reference',
        offset: version === 2 ? reader.u64AsNumber() : reader.offset(is64),
        isGlobal: true,
      }),
    },
  ],
  [FORM.refSig8, { size: 8, read: (reader) => ({ kind: 'signature', signature: reader.u64() }) }],
  [
    FORM.secOffset,
    { size: 'offset', read: (reader, { is64 }) => ({ kind: 'section-offset', offset: reader.offset(is64) }) },
  ],
  [FORM.loclistx, listIndex],
  [FORM.rnglistx, listIndex],
  [FORM.refSup4, supplementary(4)],
  [FORM.refSup8, supplementary(8)],
  [FORM.strpSup, supplementary('offset')],
  [FORM.gnuRefAlt, supplementary('offset')],
  [FORM.gnuStrpAlt, supplementary('offset')],
  [FORM.indirect, { size: 'indirect', read: readIndirect }],
]);

/** DW_FORM_indirect: the form stands before the value. It must not be indirect again, nor need the abbreviation. */
function readIndirect(reader: ByteReader, format: UnitFormat): FormValue {
  return readForm(reader, indirectForm(reader), format, 0n);
}

function indirectForm(reader: ByteReader): number {
  const form = reader.uleb();
  if (form === FORM.indirect || form === FORM.implicitConst) reader.fail('an indirect form is not allowed');
  return form;
}

/** Bytes that a value of the form takes, or -1 when that depends on the value or the form is unknown. */
export function formSize(form: number, format: UnitFormat): number {
  const size = FORMS.get(form)?.size;
  if (typeof size === 'number') return size;
  if (size === 'offset') return format.is64 ? 8 : 4;
  if (size === 'ref_addr') return format.version === 2 || format.is64 ? 8 : 4;
  return -1;
}

/** Moves the reader behind a value. */
export function skipForm(reader: ByteReader, form: number, format: UnitFormat): void {
  const spec = FORMS.get(form);
  if (!spec) return unknownForm(reader, form);
  skipSized(reader, spec.size, format);
}

function skipSized(reader: ByteReader, size: Size, format: UnitFormat): void {
  if (typeof size === 'number') return reader.skip(size);
  switch (size) {
    case 'offset':
      return reader.skip(format.is64 ? 8 : 4);
    case 'ref_addr':
      return reader.skip(format.version === 2 || format.is64 ? 8 : 4);
    case 'leb':
      return reader.skipLeb();
    case 'string':
      return reader.skipString();
    case 'block1':
      return reader.skip(reader.u8());
    case 'block2':
      return reader.skip(reader.u16());
    case 'block4':
      return reader.skip(reader.u32());
    case 'block':
      return reader.skip(reader.uleb());
    case 'indirect':
      return skipForm(reader, indirectForm(reader), format);
  }
}

/** Reads a value. @throws DwarfError for an unknown form or data that end early. */
export function readForm(reader: ByteReader, form: number, format: UnitFormat, implicit: bigint): FormValue {
  const spec = FORMS.get(form);
  return spec ? spec.read(reader, format, implicit) : unknownForm(reader, form);
}

function unknownForm(reader: ByteReader, form: number): never {
  return reader.fail(`the attribute form 0x${form.toString(16)} is unknown`);
}
