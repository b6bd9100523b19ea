/**
 * Disassembly by rows. Instructions have two or four bytes and do not synchronise themselves, so rows before an address are
 * decoded forward from the symbol in front of it: the same address always gives the same rows.
 */
import { isCompressed } from '../isa/decode';
import { disassembleWord } from '../isa/disassemble';
import type { LineLocation } from '../symbols/model';
import type { SymbolSpace } from './symbol-space';
import type { Memory } from './values/place';

export interface DisassemblyRow {
  /** Undefined for rows before address 0 or behind the last one. */
  readonly address: bigint | undefined;
  /** The instruction's bytes; undefined where memory cannot be read. */
  readonly bytes?: Uint8Array;
  readonly text: string;
  /** The symbol that begins here. */
  readonly label?: string;
  readonly line?: LineLocation;
  readonly isValid: boolean;
}

/** No symbol further in front is used to decode from. */
const MAX_DISTANCE = 0x4000n;
/** Without a symbol: so many bytes in front are enough for decoding to get into step. */
const RUN_UP = 64n;
const LAST = 1n << 64n;
const PAGE = 4096n;

export class Disassembler {
  private readonly pages = new Map<bigint, Uint8Array | undefined>();

  /** Reads memory as it is now: to be made anew for each request. */
  constructor(
    private readonly memory: Memory,
    private readonly symbols: SymbolSpace,
  ) {}

  /**
   * Exactly `count` rows with ascending addresses, the first `offset` instructions after (negative: before) the one at
   * `base`. An instruction starts at `base`.
   */
  rows(base: bigint, offset: number, count: number): DisassemblyRow[] {
    const start = base & ~1n;
    const before = offset < 0 ? this.before(start, -offset) : [];
    const first = Math.max(0, offset);
    const after = offset + count > 0 ? this.after(start, offset + count).slice(first) : [];
    return [...before, ...after].slice(0, count);
  }

  /** The instruction at an address, in one line of text; undefined where memory cannot be read. */
  textAt(address: bigint): string | undefined {
    const row = this.row(address);
    return row.isValid ? row.text : undefined;
  }

  private after(start: bigint, count: number): DisassemblyRow[] {
    const rows: DisassemblyRow[] = [];
    let address = start;
    while (rows.length < count) {
      if (address >= LAST) {
        rows.push(OUTSIDE);
        continue;
      }
      const row = this.row(address);
      rows.push(row);
      address += sizeOf(row);
    }
    return rows;
  }

  /** The `count` rows in front of `end`, of which the last ends there. */
  private before(end: bigint, count: number): DisassemblyRow[] {
    const blocks: DisassemblyRow[][] = [];
    let missing = count;
    let at = end;
    while (missing > 0 && at > 0n) {
      const block = this.between(this.anchor(at), at);
      blocks.push(block);
      missing -= block.length;
      at = block[0]!.address!;
    }
    const rows = blocks.reverse().flat();
    const padding = Array.from({ length: Math.max(0, missing) }, () => OUTSIDE);
    return [...padding, ...rows.slice(Math.max(0, rows.length - count))];
  }

  /** Where to decode from to get into step with the instruction that ends at `end`; less than `end`. */
  private anchor(end: bigint): bigint {
    const inside = end - 2n;
    const module = this.symbols.moduleAt(inside, this.memory);
    const symbol = module?.file.symbolAt(inside)?.address;
    const start = symbol ?? module?.file.findFunction(inside)?.low;
    if (start !== undefined && start <= inside && end - start <= MAX_DISTANCE) return start & ~1n;
    return end > RUN_UP ? end - RUN_UP : 0n;
  }

  /** Rows from `start` to `end`; where decoding does not arrive at `end`, the row that crosses it is cut. */
  private between(start: bigint, end: bigint): DisassemblyRow[] {
    const rows: DisassemblyRow[] = [];
    let address = start;
    while (address < end) {
      const row = this.row(address);
      const next = address + sizeOf(row);
      rows.push(next <= end ? row : this.half(address));
      address = next <= end ? next : address + 2n;
    }
    return rows;
  }

  private row(address: bigint): DisassemblyRow {
    const low = this.read(address, 2);
    if (!low) return { address, text: '', isValid: false };
    const short = low[0]! | (low[1]! << 8);
    if (isCompressed(short)) return this.decoded(address, low, short);
    const bytes = this.read(address, 4);
    if (!bytes) return this.half(address);
    return this.decoded(address, bytes, (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0);
  }

  private decoded(address: bigint, bytes: Uint8Array, word: number): DisassemblyRow {
    const symbolAt = (target: bigint): string | undefined => this.symbols.nameOf(target, this.memory);
    const { text } = disassembleWord(word, address, { symbolAt });
    return { address, bytes, text, isValid: true, ...this.decoration(address) };
  }

  /** The first two bytes of an instruction whose rest is not part of the row. */
  private half(address: bigint): DisassemblyRow {
    const bytes = this.read(address, 2);
    if (!bytes) return { address, text: '', isValid: false };
    const value = (bytes[0]! | (bytes[1]! << 8)).toString(16);
    return { address, bytes, text: `.2byte 0x${value}`, isValid: true, ...this.decoration(address) };
  }

  private decoration(address: bigint): { label?: string; line?: LineLocation } {
    const file = this.symbols.moduleAt(address, this.memory)?.file;
    const hit = file?.symbolAt(address);
    const line = file?.lineFor(address);
    return { ...(hit?.offset === 0n ? { label: hit.name } : {}), ...(line ? { line } : {}) };
  }

  private read(address: bigint, size: number): Uint8Array | undefined {
    const offset = Number(address & (PAGE - 1n));
    if (offset + size > Number(PAGE)) {
      const first = this.read(address, 2);
      const second = address + 2n < LAST ? this.read(address + 2n, 2) : undefined;
      return first && second ? Uint8Array.of(...first, ...second) : undefined;
    }
    const base = address - BigInt(offset);
    if (!this.pages.has(base)) this.pages.set(base, this.memory.read(base, Number(PAGE)));
    return this.pages.get(base)?.subarray(offset, offset + size);
  }
}

const OUTSIDE: DisassemblyRow = { address: undefined, text: '', isValid: false };

function sizeOf(row: DisassemblyRow): bigint {
  if (row.bytes) return BigInt(row.bytes.length);
  return row.address! % 4n === 0n ? 4n : 2n;
}
