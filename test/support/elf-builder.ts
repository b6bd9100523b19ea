/** Builds little ELF64 files for tests: sections, one segment for each section with an address, nothing else. */

export interface SectionSpec {
  readonly name: string;
  readonly data: Uint8Array | readonly number[];
  /** sh_type; default SHT_PROGBITS. */
  readonly type?: number;
  /** sh_flags; SHF_ALLOC is 2, SHF_EXECINSTR 4, SHF_COMPRESSED 0x800. */
  readonly flags?: number;
  readonly address?: bigint;
  readonly link?: number;
}

const HEADER = 64;
const PROGRAM_HEADER = 56;
const SECTION_HEADER = 64;

/** The file's bytes: little-endian, RISC-V, executable. Section 0 is the null section; the names' section comes last. */
export function buildElf(specs: readonly SectionSpec[], entry = 0n): Uint8Array {
  const encoder = new TextEncoder();
  const names = encoder.encode(`\0${[...specs.map(({ name }) => name), '.shstrtab'].join('\0')}\0`);
  const nameOffset = (name: string): number => new TextDecoder().decode(names).indexOf(`\0${name}\0`) + 1;
  const sections: SectionSpec[] = [...specs, { name: '.shstrtab', data: names, type: 3 }];
  const loaded = sections.filter(({ address }) => address !== undefined);
  const dataStart = HEADER + loaded.length * PROGRAM_HEADER;
  const offsets: number[] = [];
  let size = dataStart;
  for (const { data } of sections) {
    offsets.push(size);
    size += (data.length + 7) & ~7;
  }
  const bytes = new Uint8Array(size + (sections.length + 1) * SECTION_HEADER);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, 243, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, entry, true);
  view.setBigUint64(32, BigInt(HEADER), true);
  view.setBigUint64(40, BigInt(size), true);
  view.setUint32(48, 5, true);
  view.setUint16(52, HEADER, true);
  view.setUint16(54, PROGRAM_HEADER, true);
  view.setUint16(56, loaded.length, true);
  view.setUint16(58, SECTION_HEADER, true);
  view.setUint16(60, sections.length + 1, true);
  view.setUint16(62, sections.length, true);
  sections.forEach((section, index) => {
    const { name, data, type = 1, flags = 0, address = 0n, link = 0 } = section;
    bytes.set(data, offsets[index]);
    const at = size + (index + 1) * SECTION_HEADER;
    view.setUint32(at, nameOffset(name), true);
    view.setUint32(at + 4, type, true);
    view.setBigUint64(at + 8, BigInt(flags), true);
    view.setBigUint64(at + 16, address, true);
    view.setBigUint64(at + 24, BigInt(offsets[index]!), true);
    view.setBigUint64(at + 32, BigInt(data.length), true);
    view.setUint32(at + 40, link, true);
    const segment = loaded.indexOf(section);
    if (segment >= 0)
      writeSegment(view, HEADER + segment * PROGRAM_HEADER, offsets[index]!, data.length, address, flags);
  });
  return bytes;
}

function writeSegment(view: DataView, at: number, offset: number, size: number, address: bigint, flags: number): void {
  view.setUint32(at, 1, true);
  view.setUint32(at + 4, (flags & 4) !== 0 ? 5 : 6, true);
  view.setBigUint64(at + 8, BigInt(offset), true);
  view.setBigUint64(at + 16, address, true);
  view.setBigUint64(at + 24, address, true);
  view.setBigUint64(at + 32, BigInt(size), true);
  view.setBigUint64(at + 40, BigInt(size), true);
}

/** Appends little-endian numbers, LEB128 and strings. */
export class ByteWriter {
  readonly bytes: number[] = [];

  u8(...values: number[]): this {
    for (const value of values) this.bytes.push(value & 0xff);
    return this;
  }

  u16(value: number): this {
    return this.u8(value, value >> 8);
  }

  u32(value: number): this {
    return this.u16(value).u16(value >>> 16);
  }

  u64(value: bigint): this {
    return this.u32(Number(value & 0xffff_ffffn)).u32(Number((value >> 32n) & 0xffff_ffffn));
  }

  uleb(value: number): this {
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    return this.u8(rest);
  }

  sleb(value: number): this {
    let rest = value;
    for (;;) {
      const byte = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && !(byte & 0x40)) || (rest === -1 && byte & 0x40)) return this.u8(byte);
      this.u8(byte | 0x80);
    }
  }

  text(text: string): this {
    return this.u8(...new TextEncoder().encode(text), 0);
  }

  /** What `write` appends, after its length in 32 bits. */
  sized(write: (inner: ByteWriter) => void): this {
    const inner = new ByteWriter();
    write(inner);
    this.u32(inner.bytes.length);
    return this.append(inner.bytes);
  }

  append(bytes: readonly number[]): this {
    for (const byte of bytes) this.bytes.push(byte);
    return this;
  }
}
