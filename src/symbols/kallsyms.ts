/**
 * The symbols that a Linux kernel carries for its own messages (`CONFIG_KALLSYMS`; Linux, scripts/kallsyms.c), found in its flat
 * `Image`, which has nothing else to say where they are. Names are compressed: each is a list of tokens, of which there are 256.
 *
 * In the order of memory, each on a multiple of 8 bytes: the number of symbols (u32), names, markers (u32: where each 256th name
 * begins), token table, token index (u16: where each token begins), and, since Linux 6.4, offsets (u32) and the address that
 * these count from (u64), which stood in front of all the others before.
 */
import { decodeText } from './byte-reader';

export interface KernelSymbol {
  /** As `nm` tells it: `T` and `t` are code, `D` and `d` data, and so on; small letters are local. */
  readonly type: string;
  readonly name: string;
  /** Virtual address. */
  readonly address: bigint;
}

export interface KernelSymbols {
  /** The virtual address of the image's first byte. */
  readonly base: bigint;
  /** Ascending by address. */
  readonly symbols: readonly KernelSymbol[];
}

const TOKENS = 256;
/** Digits are tokens of their own, and stand where their codes say. */
const DIGITS = Array.from({ length: 10 }, (_, digit) => [0x30 + digit, 0]).flat();
const FIRST_DIGIT = 0x30;
/** Names between two markers. */
const BLOCK = 256;
/** Bytes of a token at most, and of a compressed name with its length. */
const MOST_TOKEN = 128;
const MOST_NAME = 0x3fff + 2;
/** Kernels have some hundred thousand. */
const MOST_SYMBOLS = 1 << 22;
/** Kernels stand in the upper half of the address space. */
const UPPER_HALF = 1n << 63n;

const aligned = (offset: number): number => Math.ceil(offset / 8) * 8;

/** The symbols in a kernel's image; undefined where it has none, or keeps them in a way that is not known. */
export function findKernelSymbols(image: Uint8Array): KernelSymbols | undefined {
  const bytes = image.subarray(0, image.length & ~7);
  for (let at = find(bytes, DIGITS, 0); at >= 0; at = find(bytes, DIGITS, at + 1)) {
    const found = new Tables(bytes).read(at);
    if (found) return found;
  }
  return undefined;
}

function find(bytes: Uint8Array, pattern: readonly number[], from: number): number {
  for (let at = bytes.indexOf(pattern[0], from); at >= 0; at = bytes.indexOf(pattern[0], at + 1)) {
    if (pattern.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}

/** Names, and where they are. */
interface Names {
  readonly start: number;
  readonly count: number;
}

class Tables {
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** @param digit where the token '0' may be */
  read(digit: number): KernelSymbols | undefined {
    const table = this.startOfTokens(digit);
    const starts = table === undefined ? undefined : this.tokens(table);
    if (table === undefined || !starts) return undefined;
    const index = aligned(starts[TOKENS]);
    for (let token = 0; token < TOKENS; token++) {
      if (this.half(index + 2 * token) !== starts[token] - table) return undefined;
    }
    const names = this.namesBefore(table);
    if (!names) return undefined;
    const behind = aligned(index + 2 * TOKENS);
    const before = names.start - 8 - 8 - aligned(4 * names.count);
    for (const offsets of [behind, before]) {
      const base = this.baseAfter(offsets, names.count);
      if (base !== undefined) return { base, symbols: this.symbols(names, starts, offsets, base) };
    }
    return undefined;
  }

  /** Where the token table begins, if '0' is its token number 0x30. */
  private startOfTokens(digit: number): number | undefined {
    let at = digit;
    for (let token = FIRST_DIGIT; token > 0; token--) {
      const end = at - 1;
      at = end;
      while (at > 0 && this.bytes[at - 1] !== 0) at--;
      if (end - at > MOST_TOKEN || end - at < 1) return undefined;
    }
    return at % 8 === 0 ? at : undefined;
  }

  /** Where each token begins, and where the last one ends. */
  private tokens(table: number): number[] | undefined {
    const starts = [table];
    for (let token = 0; token < TOKENS; token++) {
      const end = this.bytes.indexOf(0, starts[token]);
      if (end < 0 || end - starts[token] > MOST_TOKEN) return undefined;
      starts.push(end + 1);
    }
    return starts;
  }

  /** The names whose markers end where the token table begins. */
  private namesBefore(table: number): Names | undefined {
    let last = table - 4;
    // One of two words may be padding.
    if (this.word(last) === 0) last -= 4;
    let first = last;
    while (first > 0 && this.word(first) !== 0) {
      if (this.word(first - 4) >= this.word(first)) return undefined;
      first -= 4;
    }
    if (first <= 0 || first % 8 !== 0) return undefined;
    const markers = (last - first) / 4 + 1;
    const [least, most] = [(markers - 1) * BLOCK + 1, markers * BLOCK];
    if (most > MOST_SYMBOLS) return undefined;
    const highest = first - this.word(last);
    for (let start = aligned(highest - BLOCK * MOST_NAME); start <= highest; start += 8) {
      const count = start < 8 ? 0 : this.word(start - 8);
      if (count < least || count > most || this.word(start - 4) !== 0) continue;
      if (this.agree({ start, count }, first)) return { start, count };
    }
    return undefined;
  }

  /** Whether the markers say where each 256th of these names begins, and begin behind the last. */
  private agree({ start, count }: Names, markers: number): boolean {
    let at = start;
    for (let symbol = 0; symbol < count; symbol++) {
      if (symbol % BLOCK === 0 && this.word(markers + (symbol / BLOCK) * 4) !== at - start) return false;
      at += this.headerAt(at) + this.lengthAt(at);
      if (at > markers) return false;
    }
    return aligned(at) === markers;
  }

  /** The address behind so many offsets, if these are offsets: ascending, from 0 on. */
  private baseAfter(offsets: number, count: number): bigint | undefined {
    const at = offsets + aligned(4 * count);
    if (offsets < 0 || at + 8 > this.bytes.length || this.word(offsets) !== 0) return undefined;
    const base = this.view.getBigUint64(at, true);
    if (base < UPPER_HALF || base % 4096n !== 0n) return undefined;
    for (let symbol = 1; symbol < count; symbol++) {
      if (this.word(offsets + 4 * symbol) < this.word(offsets + 4 * symbol - 4)) return undefined;
    }
    return base;
  }

  private symbols({ start, count }: Names, starts: readonly number[], offsets: number, base: bigint): KernelSymbol[] {
    const tokens = Array.from({ length: TOKENS }, (_, token) =>
      decodeText(this.bytes, starts[token], starts[token + 1] - 1),
    );
    const symbols: KernelSymbol[] = [];
    let at = start;
    for (let symbol = 0; symbol < count; symbol++) {
      const end = at + this.headerAt(at) + this.lengthAt(at);
      let text = '';
      for (let i = at + this.headerAt(at); i < end; i++) text += tokens[this.bytes[i]];
      symbols.push({
        type: text.slice(0, 1),
        name: text.slice(1),
        address: base + BigInt(this.word(offsets + 4 * symbol)),
      });
      at = end;
    }
    return symbols;
  }

  /** A name's length has one byte, or two, of seven bits each, the low ones first. */
  private headerAt(at: number): number {
    return (this.bytes[at] & 0x80) === 0 ? 1 : 2;
  }

  private lengthAt(at: number): number {
    const low = this.bytes[at];
    return (low & 0x80) === 0 ? low : (low & 0x7f) | (this.bytes[at + 1] << 7);
  }

  private half(at: number): number {
    return at + 2 <= this.bytes.length ? this.view.getUint16(at, true) : -1;
  }

  private word(at: number): number {
    return at >= 0 && at + 4 <= this.bytes.length ? this.view.getUint32(at, true) : 0;
  }
}
