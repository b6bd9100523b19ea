/** The entries of `.debug_frame` (DWARF 5, 6.4.1) and `.eh_frame` (System V ABI, LSB "Exception Frames"). */
import { ByteReader } from '../byte-reader';
import type { DebugSections } from '../dwarf/sections';
import { RangeMap } from '../range-map';

/** A common information entry: what several functions share. */
export interface CommonEntry {
  readonly codeAlignment: number;
  readonly dataAlignment: number;
  readonly returnAddressRegister: number;
  readonly instructions: ByteReader;
  /** The frame was made by a trap: its return address is the interrupted instruction itself. */
  readonly isSignalFrame: boolean;
  readonly hasAugmentationData: boolean;
  /** DW_EH_PE_* encoding of addresses in the functions' entries. */
  readonly addressEncoding: number;
}

/** A frame description entry: how to unwind one function. */
export interface FrameEntry {
  readonly common: CommonEntry;
  readonly low: bigint;
  readonly high: bigint;
  /** Where in the section its instructions start and end; a reader for each of many thousand functions is too much. */
  readonly start: number;
  readonly end: number;
}

/** The instructions of a function's entry, which are in the section of its common entry. */
export function instructionsOf({ common, start, end }: FrameEntry): ByteReader {
  return new ByteReader(common.instructions.bytes, common.instructions.what, start, end);
}

interface FrameSection {
  readonly bytes: Uint8Array;
  readonly name: string;
  /** Address of the section in the file, for pc-relative pointers. */
  readonly address: bigint;
  readonly isEh: boolean;
}

const ENCODING = { absolute: 0x00, pcRelative: 0x10, omitted: 0xff } as const;
const MAX_ENTRIES = 4_000_000;

/** All frame entries of the program by address; damaged ones are left out with a warning. */
export function readFrameEntries(sections: DebugSections, warn: (error: unknown) => void): RangeMap<FrameEntry> {
  const map = new RangeMap<FrameEntry>();
  // Of two entries for one function the later added wins: .debug_frame is the more exact.
  for (const section of [ehFrame(sections, warn), debugFrame(sections)]) {
    if (section) new FrameSectionReader(section, sections, warn).readInto(map);
  }
  return map;
}

function debugFrame(sections: DebugSections): FrameSection {
  return { bytes: sections.get('frame'), name: '.debug_frame', address: 0n, isEh: false };
}

function ehFrame({ elf }: DebugSections, warn: (error: unknown) => void): FrameSection | undefined {
  const section = elf.section('.eh_frame');
  if (!section) return undefined;
  try {
    return { bytes: section.data(), name: '.eh_frame', address: section.address, isEh: true };
  } catch (error) {
    warn(error);
    return undefined;
  }
}

class FrameSectionReader {
  private readonly commons = new Map<number, CommonEntry | undefined>();

  constructor(
    private readonly section: FrameSection,
    private readonly sections: DebugSections,
    private readonly warn: (error: unknown) => void,
  ) {}

  readInto(map: RangeMap<FrameEntry>): void {
    const { bytes, name } = this.section;
    const reader = new ByteReader(bytes, name);
    try {
      for (let count = 0; !reader.isAtEnd && count < MAX_ENTRIES; count++) {
        const { length, is64 } = reader.initialLength();
        // A zero length ends .eh_frame; the linker may leave one between parts, so go on behind it.
        if (length === 0) continue;
        this.readEntry(reader.sub(length), is64, map);
      }
    } catch (error) {
      this.warn(error);
    }
  }

  private readEntry(entry: ByteReader, is64: boolean, map: RangeMap<FrameEntry>): void {
    try {
      const idAt = entry.position;
      const id = entry.offset(is64 && !this.section.isEh);
      if (this.isCommon(id, is64)) return;
      const common = this.common(this.section.isEh ? idAt - id : id);
      if (!common) return;
      const low = this.pointer(entry, common.addressEncoding);
      const length = this.pointer(entry, common.addressEncoding & 0x0f);
      if (common.hasAugmentationData) entry.skip(entry.uleb());
      // Entries of functions that the linker discarded cover no code.
      if (length === 0n || low === 0n) return;
      const start = this.sections.address(low);
      const range = { low: start, high: start + length };
      map.add(range, { common, ...range, start: entry.position, end: entry.end });
    } catch (error) {
      this.warn(error);
    }
  }

  private isCommon(id: number, is64: boolean): boolean {
    if (this.section.isEh) return id === 0;
    return is64 ? id > Number.MAX_SAFE_INTEGER : id === 0xffff_ffff;
  }

  private common(offset: number): CommonEntry | undefined {
    if (!this.commons.has(offset)) {
      this.commons.set(offset, undefined);
      try {
        this.commons.set(offset, this.readCommon(offset));
      } catch (error) {
        this.warn(error);
      }
    }
    return this.commons.get(offset);
  }

  private readCommon(offset: number): CommonEntry {
    const { bytes, name, isEh } = this.section;
    const whole = new ByteReader(bytes, name, offset);
    const { length, is64 } = whole.initialLength();
    const reader = whole.sub(length);
    reader.skip(is64 && !isEh ? 8 : 4);
    const version = reader.u8();
    if (version !== 1 && version !== 3 && version !== 4) reader.fail(`frame information version ${version} is unknown`);
    const augmentation = reader.string();
    if (version === 4 && (reader.u8() !== 8 || reader.u8() !== 0))
      reader.fail('frame information has unsuitable addresses');
    const codeAlignment = reader.uleb();
    const dataAlignment = reader.sleb();
    const returnAddressRegister = version === 1 ? reader.u8() : reader.uleb();
    const rest = this.augmentation(reader, augmentation);
    return { codeAlignment, dataAlignment, returnAddressRegister, ...rest, instructions: reader };
  }

  private augmentation(
    reader: ByteReader,
    text: string,
  ): Pick<CommonEntry, 'isSignalFrame' | 'hasAugmentationData' | 'addressEncoding'> {
    let isSignalFrame = false;
    let addressEncoding: number = ENCODING.absolute;
    if (text === '') return { isSignalFrame, addressEncoding, hasAugmentationData: false };
    if (!text.startsWith('z')) reader.fail(`the frame augmentation ${JSON.stringify(text)} is unknown`);
    const data = reader.sub(reader.uleb());
    for (const letter of text.slice(1)) {
      if (letter === 'R') addressEncoding = data.u8();
      else if (letter === 'S') isSignalFrame = true;
      else if (letter === 'L') data.u8();
      else if (letter === 'P') this.pointer(data, data.u8() & 0x7f);
      else break;
    }
    return { isSignalFrame, addressEncoding, hasAugmentationData: true };
  }

  /** An address in one of the DW_EH_PE_* encodings. */
  private pointer(reader: ByteReader, encoding: number): bigint {
    const at = this.section.address + BigInt(reader.position);
    const value = readEncoded(reader, encoding & 0x0f);
    const application = encoding & 0xf0;
    if (application === ENCODING.absolute) return BigInt.asUintN(64, value);
    if (application === ENCODING.pcRelative) return BigInt.asUintN(64, value + at);
    return reader.fail(`the pointer encoding 0x${encoding.toString(16)} is not supported`);
  }
}

const READERS: Readonly<Record<number, (reader: ByteReader) => bigint>> = {
  0x00: (reader) => reader.u64(),
  0x01: (reader) => reader.ulebBig(),
  0x02: (reader) => BigInt(reader.u16()),
  0x03: (reader) => BigInt(reader.u32()),
  0x04: (reader) => reader.u64(),
  0x09: (reader) => reader.slebBig(),
  0x0a: (reader) => BigInt(reader.i16()),
  0x0b: (reader) => BigInt(reader.i32()),
  0x0c: (reader) => reader.i64(),
};

function readEncoded(reader: ByteReader, format: number): bigint {
  const read = READERS[format];
  return read ? read(reader) : reader.fail(`the pointer format ${format} is unknown`);
}
