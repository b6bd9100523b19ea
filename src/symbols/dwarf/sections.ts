/** The debug sections of one program file, fetched when first used, and the shift of its addresses. */
import { stringAt } from '../byte-reader';
import type { ElfFile } from '../elf';
import { SymbolError } from '../errors';

export type DebugSectionName =
  | 'info'
  | 'abbrev'
  | 'str'
  | 'line'
  | 'line_str'
  | 'str_offsets'
  | 'addr'
  | 'ranges'
  | 'rnglists'
  | 'loc'
  | 'loclists'
  | 'frame';

const NO_BYTES = new Uint8Array();
const ADDRESS_MASK = 0xffff_ffff_ffff_ffffn;

export class DebugSections {
  private readonly cache = new Map<DebugSectionName, Uint8Array>();

  /**
   * @param bias added to all addresses, modulo 2^64
   * @param warnings gets a sentence when a section is unreadable
   */
  constructor(
    readonly elf: ElfFile,
    readonly bias: bigint,
    readonly warnings: string[],
  ) {}

  has(name: DebugSectionName): boolean {
    const section = this.elf.section(`.debug_${name}`);
    return section !== undefined && section.hasData && section.size > 0n;
  }

  /** The section's bytes; none when it is absent or unreadable. */
  get(name: DebugSectionName): Uint8Array {
    let bytes = this.cache.get(name);
    if (!bytes) {
      bytes = this.read(name);
      this.cache.set(name, bytes);
    }
    return bytes;
  }

  private read(name: DebugSectionName): Uint8Array {
    try {
      return this.elf.section(`.debug_${name}`)?.data() ?? NO_BYTES;
    } catch (error) {
      if (!(error instanceof SymbolError)) throw error;
      this.warnings.push(error.message);
      return NO_BYTES;
    }
  }

  string(name: 'str' | 'line_str', offset: number): string {
    return stringAt(this.get(name), offset, `.debug_${name}`);
  }

  /** The run-time address for an address of the file. */
  address(fileAddress: bigint): bigint {
    return this.bias === 0n ? fileAddress : (fileAddress + this.bias) & ADDRESS_MASK;
  }
}
