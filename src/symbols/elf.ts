/** ELF64 files for RISC-V (System V ABI, chapters 4 and 5; RISC-V ELF psABI): headers, segments, sections, symbols. */
import { unzlibSync } from 'fflate';
import { decodeText } from './byte-reader';
import { ElfError } from './errors';
import { recognizeLinuxImage } from './linux-image';

export { ElfError } from './errors';

/** A program header: `fileSize` bytes at file `offset` belong at `virtualAddress` and fill `memorySize` bytes there. */
export interface Segment {
  /** `load` is what a loader copies; everything else is `other`, with the number in `rawType`. */
  readonly type: 'load' | 'other';
  readonly rawType: number;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  readonly virtualAddress: bigint;
  readonly physicalAddress: bigint;
  readonly offset: number;
  readonly fileSize: number;
  readonly memorySize: bigint;
  /** The bytes in the file, a view of the file's buffer. */
  readonly data: Uint8Array;
}

export interface Section {
  readonly index: number;
  readonly name: string;
  readonly rawType: number;
  readonly address: bigint;
  /** Size in memory, in bytes (for a compressed section: in the file). */
  readonly size: bigint;
  readonly isAllocated: boolean;
  readonly isExecutable: boolean;
  readonly isWritable: boolean;
  /** False for `.bss` and the like, which take no space in the file. */
  readonly hasData: boolean;
  readonly link: number;
  /** Section contents, decompressed where needed, cached; throws ElfError when they lie outside the file or are damaged. */
  data(): Uint8Array;
}

export interface ElfSymbol {
  readonly name: string;
  readonly address: bigint;
  /** Size in bytes, 0n when the assembler was not told. */
  readonly size: bigint;
  /** `label` is a symbol without type, as assembly labels and linker-script symbols are. */
  readonly kind: 'function' | 'object' | 'label';
  readonly binding: 'local' | 'global' | 'weak';
  /** The section it is in; undefined for absolute symbols. */
  readonly section: Section | undefined;
}

export interface ElfFlags {
  readonly raw: number;
  /** The code may contain two-byte instructions. */
  readonly compressed: boolean;
  readonly floatAbi: 'soft' | 'single' | 'double' | 'quad';
  /** RV64E: sixteen integer registers only. */
  readonly embedded: boolean;
}

export interface ElfFile {
  readonly bytes: Uint8Array;
  /** `shared` is also what a position-independent program is. */
  readonly type: 'executable' | 'shared';
  readonly entry: bigint;
  readonly flags: ElfFlags;
  readonly segments: readonly Segment[];
  readonly sections: readonly Section[];
  /** The first section of that name, if any. */
  section(name: string): Section | undefined;
  /** Functions, objects and labels of `.symtab` in the order of the file, read on first use; throws ElfError if damaged. */
  symbols(): readonly ElfSymbol[];
}

export interface ElfOptions {
  /**
   * `load` (default) requires that all segments lie inside the file. `symbols` does not: a file that holds debug
   * information alone keeps the headers of the program it was split from.
   */
  readonly purpose?: 'load' | 'symbols';
}

const HEADER_SIZE = 64;
const PROGRAM_HEADER_SIZE = 56;
const SECTION_HEADER_SIZE = 64;
const SYMBOL_SIZE = 24;
const MACHINE_RISCV = 243;
const MACHINES: Readonly<Record<number, string>> = {
  2: 'SPARC',
  3: 'x86',
  8: 'MIPS',
  20: 'PowerPC',
  21: 'PowerPC64',
  22: 'S/390',
  40: 'Arm',
  42: 'SuperH',
  43: 'SPARC V9',
  62: 'x86-64',
  83: 'AVR',
  94: 'Xtensa',
  183: 'AArch64',
  243: 'RISC-V',
  247: 'BPF',
  258: 'LoongArch',
};
const FILE_TYPES: Readonly<Record<number, string>> = {
  0: 'of no type',
  1: 'an object file that is not linked yet',
  4: 'a core dump',
};
const FLOAT_ABIS = ['soft', 'single', 'double', 'quad'] as const;
const BINDINGS = ['local', 'global', 'weak'] as const;
const SYMBOL_KINDS: readonly (ElfSymbol['kind'] | undefined)[] = ['label', 'object', 'function'];
const SHT_SYMTAB = 2;
const SHT_NOBITS = 8;
const SHT_NULL = 0;
const SHF_WRITE = 1n;
const SHF_ALLOC = 2n;
const SHF_EXECINSTR = 4n;
const SHF_COMPRESSED = 0x800n;
const COMPRESS_ZLIB = 1;
/** No deflate stream expands by more than 1032 times, so a larger promise is a lie. */
const MAX_INFLATION = 1040;
const EXTENDED_COUNT = 0xffff;
const FIRST_RESERVED_SECTION = 0xff00;
/** Mapping symbols (psABI) and the assembler's local labels, which mean nothing to a user. */
const NOISE_SYMBOL = /^(\$[xd]|\.L)/;
const GIVE_ELF = 'give the ELF file that the linker wrote';

/**
 * Reads the headers of a little-endian ELF64 RISC-V file. Contents are read on demand from `bytes`, which must not change.
 * @throws ElfError in one sentence when the file is anything else, or damaged.
 */
export function parseElf(bytes: Uint8Array, options: ElfOptions = {}): ElfFile {
  checkIdentity(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rawFlags = view.getUint32(48, true);
  const sections = readSections(bytes, view);
  const byName = new Map<string, Section>();
  for (const section of sections) if (!byName.has(section.name)) byName.set(section.name, section);
  let symbols: readonly ElfSymbol[] | undefined;
  return {
    bytes,
    type: view.getUint16(16, true) === 2 ? 'executable' : 'shared',
    entry: view.getBigUint64(24, true),
    flags: {
      raw: rawFlags,
      compressed: (rawFlags & 1) !== 0,
      floatAbi: FLOAT_ABIS[(rawFlags >> 1) & 3] ?? 'soft',
      embedded: (rawFlags & 8) !== 0,
    },
    segments: readSegments(bytes, view, options.purpose !== 'symbols'),
    sections,
    section: (name) => byName.get(name),
    symbols: () => (symbols ??= readSymbols(sections)),
  };
}

function checkIdentity(bytes: Uint8Array): void {
  if (bytes.length === 0) throw new ElfError('The file is empty; build the program again.');
  if (!(bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46)) {
    throw new ElfError(`The file is not an ELF file${describeOther(bytes)}; ${GIVE_ELF}.`);
  }
  if (bytes.length < 20) throw new ElfError('The ELF file ends within its header; build or copy it again.');
  const isLittle = bytes[5] === 1;
  const low = bytes[isLittle ? 18 : 19] ?? 0;
  const machine = low + (bytes[isLittle ? 19 : 18] ?? 0) * 256;
  if (machine !== MACHINE_RISCV) {
    const name = MACHINES[machine] ?? `an unknown architecture (number ${machine})`;
    throw new ElfError(`The ELF file is for ${name}, not for RISC-V; build it with a riscv64 compiler.`);
  }
  if (bytes[4] !== 2) {
    throw new ElfError('The ELF file is for 32-bit RISC-V; build it for RV64 (for example -march=rv64gc -mabi=lp64d).');
  }
  if (!isLittle) throw new ElfError('The ELF file is big-endian; build it for little-endian RISC-V.');
  if (bytes.length < HEADER_SIZE) throw new ElfError('The ELF file ends within its header; build or copy it again.');
  const type = bytes[16]! + bytes[17]! * 256;
  if (type !== 2 && type !== 3) {
    throw new ElfError(`The ELF file is ${FILE_TYPES[type] ?? `of unknown type ${type}`}; give a linked program.`);
  }
}

/** What a file that is not ELF seems to be, for the message. */
function describeOther(bytes: Uint8Array): string {
  if (recognizeLinuxImage(bytes)) return ' but a flat Linux kernel Image';
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return ' but gzip-compressed data';
  if (bytes[0] === 0x4d && bytes[1] === 0x5a) return ' but a Windows or EFI program';
  if (bytes[0] === 0x21 && bytes[1] === 0x3c) return ' but perhaps a library archive';
  return '';
}

/** Offset of a table of the file as a number, checked to lie within it. */
function tableOffset(view: DataView, field: number, count: number, entrySize: number, what: string): number {
  const offset = Number(view.getBigUint64(field, true));
  if (offset + count * entrySize > view.byteLength) {
    throw new ElfError(`The ELF file is truncated: its ${what} lie beyond its end; build or copy it again.`);
  }
  return offset;
}

function readSegments(bytes: Uint8Array, view: DataView, mustLieInside: boolean): Segment[] {
  let count = view.getUint16(56, true);
  if (count === 0) return [];
  if (count === EXTENDED_COUNT && view.getBigUint64(40, true) !== 0n) {
    count = view.getUint32(tableOffset(view, 40, 1, SECTION_HEADER_SIZE, 'section headers') + 44, true);
  }
  const entrySize = view.getUint16(54, true);
  if (entrySize < PROGRAM_HEADER_SIZE) {
    throw new ElfError(
      `The ELF file is damaged: its program headers have ${entrySize} bytes instead of 56; build it again.`,
    );
  }
  const table = tableOffset(view, 32, count, entrySize, 'program headers');
  return Array.from({ length: count }, (_, index) => {
    const at = table + index * entrySize;
    const flags = view.getUint32(at + 4, true);
    const offset = Number(view.getBigUint64(at + 8, true));
    const fileSize = Number(view.getBigUint64(at + 32, true));
    const memorySize = view.getBigUint64(at + 40, true);
    const rawType = view.getUint32(at, true);
    if (rawType === 1 && mustLieInside) {
      if (offset + fileSize > bytes.length) {
        throw new ElfError(
          `The ELF file is truncated: its segment ${index} lies beyond its end; build or copy it again.`,
        );
      }
      if (BigInt(fileSize) > memorySize) {
        throw new ElfError(
          `The ELF file is damaged: segment ${index} is larger in the file than in memory; build it again.`,
        );
      }
    }
    return {
      type: rawType === 1 ? ('load' as const) : ('other' as const),
      rawType,
      readable: (flags & 4) !== 0,
      writable: (flags & 2) !== 0,
      executable: (flags & 1) !== 0,
      virtualAddress: view.getBigUint64(at + 16, true),
      physicalAddress: view.getBigUint64(at + 24, true),
      offset,
      fileSize,
      memorySize,
      data: bytes.subarray(Math.min(offset, bytes.length), Math.min(offset + fileSize, bytes.length)),
    };
  });
}

function readSections(bytes: Uint8Array, view: DataView): Section[] {
  if (view.getBigUint64(40, true) === 0n) return [];
  const entrySize = view.getUint16(58, true);
  let count = view.getUint16(60, true);
  let nameIndex = view.getUint16(62, true);
  if (entrySize < SECTION_HEADER_SIZE) {
    if (count === 0) return [];
    throw new ElfError(
      `The ELF file is damaged: its section headers have ${entrySize} bytes instead of 64; build it again.`,
    );
  }
  if (count === 0 || nameIndex === EXTENDED_COUNT) {
    const first = tableOffset(view, 40, 1, entrySize, 'section headers');
    if (count === 0) count = Number(view.getBigUint64(first + 32, true));
    if (nameIndex === EXTENDED_COUNT) nameIndex = view.getUint32(first + 40, true);
  }
  const table = tableOffset(view, 40, count, entrySize, 'section headers');
  const names = sectionNames(bytes, view, nameIndex < count ? table + nameIndex * entrySize : undefined);
  return Array.from({ length: count }, (_, index) => readSection(bytes, view, table + index * entrySize, index, names));
}

function sectionNames(bytes: Uint8Array, view: DataView, header: number | undefined): Uint8Array {
  if (header === undefined) return new Uint8Array();
  const offset = Number(view.getBigUint64(header + 24, true));
  const size = Number(view.getBigUint64(header + 32, true));
  return bytes.subarray(Math.min(offset, bytes.length), Math.min(offset + size, bytes.length));
}

function readSection(bytes: Uint8Array, view: DataView, at: number, index: number, names: Uint8Array): Section {
  const rawType = view.getUint32(at + 4, true);
  const flags = view.getBigUint64(at + 8, true);
  const offset = Number(view.getBigUint64(at + 24, true));
  const size = view.getBigUint64(at + 32, true);
  const name = textAt(names, view.getUint32(at, true));
  const hasData = rawType !== SHT_NOBITS && rawType !== SHT_NULL;
  let contents: Uint8Array | undefined;
  return {
    index,
    name,
    rawType,
    address: view.getBigUint64(at + 16, true),
    size,
    isAllocated: (flags & SHF_ALLOC) !== 0n,
    isExecutable: (flags & SHF_EXECINSTR) !== 0n,
    isWritable: (flags & SHF_WRITE) !== 0n,
    hasData,
    link: view.getUint32(at + 40, true),
    data() {
      if (!hasData) return (contents ??= new Uint8Array());
      if (offset + Number(size) > bytes.length) {
        throw new ElfError(`The ELF file is truncated: section ${name} lies beyond its end; build or copy it again.`);
      }
      const stored = bytes.subarray(offset, offset + Number(size));
      return (contents ??= (flags & SHF_COMPRESSED) !== 0n ? decompress(stored, name) : stored);
    },
  };
}

/** Contents of a section flagged SHF_COMPRESSED: an Elf64_Chdr, then the compressed bytes. */
function decompress(stored: Uint8Array, name: string): Uint8Array {
  const damaged = `The ELF file's compressed section ${name} is damaged; build it again.`;
  if (stored.length < 24) throw new ElfError(damaged);
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  if (view.getUint32(0, true) !== COMPRESS_ZLIB) {
    throw new ElfError(
      `The ELF file's section ${name} is compressed by a method other than zlib; link with --compress-debug-sections=zlib.`,
    );
  }
  const size = Number(view.getBigUint64(8, true));
  if (size > stored.length * MAX_INFLATION) throw new ElfError(damaged);
  let contents: Uint8Array;
  try {
    // One byte more, because data beyond the buffer would be dropped silently.
    contents = unzlibSync(stored.subarray(24), { out: new Uint8Array(size + 1) });
  } catch {
    throw new ElfError(damaged);
  }
  if (contents.length !== size) throw new ElfError(damaged);
  return contents;
}

function readSymbols(sections: readonly Section[]): ElfSymbol[] {
  const table = sections.find((section) => section.rawType === SHT_SYMTAB);
  if (!table) return [];
  const data = table.data();
  const names = sections[table.link]?.data() ?? new Uint8Array();
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const symbols: ElfSymbol[] = [];
  for (let at = SYMBOL_SIZE; at + SYMBOL_SIZE <= data.length; at += SYMBOL_SIZE) {
    const info = data[at + 4]!;
    const kind = SYMBOL_KINDS[info & 15];
    const binding = BINDINGS[info >> 4];
    const sectionIndex = view.getUint16(at + 6, true);
    if (!kind || !binding || sectionIndex === 0) continue;
    const name = textAt(names, view.getUint32(at, true));
    if (name === '' || NOISE_SYMBOL.test(name)) continue;
    symbols.push({
      name,
      address: view.getBigUint64(at + 8, true),
      size: view.getBigUint64(at + 16, true),
      kind,
      binding,
      section: sectionIndex < FIRST_RESERVED_SECTION ? sections[sectionIndex] : undefined,
    });
  }
  return symbols;
}

/** A string of a string table; empty when it lies outside, so that one bad name does not lose the file. */
function textAt(table: Uint8Array, offset: number): string {
  if (offset >= table.length) return '';
  const stop = table.indexOf(0, offset);
  return decodeText(table, offset, stop < 0 ? table.length : stop);
}
