/** A flat Linux `Image` as a program with symbols: those of its kallsyms, with the sections that they tell of. */
import type { ElfFile, ElfSymbol, Section, Segment } from './elf';
import type { KernelSymbol } from './kallsyms';
import { findKernelSymbols } from './kallsyms';
import { recognizeLinuxImage } from './linux-image';

/** Code, by the symbols at its ends (Linux, arch/riscv/kernel/vmlinux.lds.S). */
const CODE = [
  { name: '.head.text', from: '_start', to: '_stext' },
  { name: '.text', from: '_stext', to: '_etext' },
  { name: '.init.text', from: '_sinittext', to: '_einittext' },
];
const CODE_TYPES = 'tTwW';
const NO_FLAGS = { raw: 0, compressed: true, floatAbi: 'soft', embedded: false } as const;

/** @returns undefined when the image has no symbols that are found */
export function linuxProgram(image: Uint8Array): ElfFile | undefined {
  const header = recognizeLinuxImage(image);
  const found = header && findKernelSymbols(image);
  if (!found) return undefined;
  const { base, symbols } = found;
  const memorySize = BigInt(Math.max(image.length, Number(header.imageSize)));
  const all: Segment = {
    type: 'load',
    rawType: 1,
    readable: true,
    writable: true,
    executable: true,
    virtualAddress: base,
    physicalAddress: base,
    offset: 0,
    fileSize: image.length,
    memorySize,
    data: image,
  };
  const sections = sectionsOf(all, symbols);
  let listed: readonly ElfSymbol[] | undefined;
  return {
    bytes: image,
    type: 'executable',
    entry: base,
    flags: NO_FLAGS,
    segments: [all],
    sections,
    section: (name) => sections.find((section) => section.name === name),
    symbols: () => (listed ??= symbolsIn(sections, symbols)),
  };
}

/** Code, and then everything as data. */
function sectionsOf({ virtualAddress, memorySize, data }: Segment, symbols: readonly KernelSymbol[]): Section[] {
  const wanted = new Set(CODE.flatMap(({ from, to }) => [from, to]));
  const ends = new Map(symbols.filter(({ name }) => wanted.has(name)).map(({ name, address }) => [name, address]));
  const section = (index: number, name: string, address: bigint, size: bigint, isExecutable: boolean): Section => {
    const start = Number(address - virtualAddress);
    return {
      ...{ index, name, rawType: 1, address, size, isAllocated: true, isExecutable, isWritable: !isExecutable },
      ...{ hasData: true, link: 0, data: () => data.subarray(start, start + Number(size)) },
    };
  };
  const code = CODE.flatMap(({ name, from, to }, index) => {
    const [low, high] = [ends.get(from), ends.get(to)];
    return low === undefined || high === undefined || high <= low ? [] : [section(index, name, low, high - low, true)];
  });
  return [...code, section(CODE.length, '.data', virtualAddress, memorySize, false)];
}

/** What stands at other addresses than the image, such as constants of the linker, is no place in the program. */
function symbolsIn(sections: readonly Section[], symbols: readonly KernelSymbol[]): ElfSymbol[] {
  return symbols.map(({ type, name, address }) => {
    const section = sections.find((each) => address >= each.address && address < each.address + each.size);
    const isCode = CODE_TYPES.includes(type) && section?.isExecutable === true;
    return {
      name,
      address,
      size: 0n,
      kind: isCode ? 'function' : section?.isExecutable ? 'label' : 'object',
      binding: type === type.toLowerCase() ? 'local' : type === 'W' ? 'weak' : 'global',
      section,
    };
  });
}
