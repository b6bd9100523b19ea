/** The ELF symbol table by address and by name, and which addresses hold code. */
import type { ElfFile, ElfSymbol, Section } from './elf';
import { SymbolError } from './errors';
import type { AddressRange, SymbolHit } from './model';
import { RangeMap } from './range-map';

const ADDRESS_MASK = 0xffff_ffff_ffff_ffffn;
const BINDING_RANK = { local: 0, weak: 1, global: 2 } as const;

/** All addresses are run-time addresses: those of the file plus the bias. */
export class SymbolTable {
  private readonly codeRanges: readonly AddressRange[];
  private symbolCache: readonly ElfSymbol[] | undefined;
  private names: Map<string, ElfSymbol> | undefined;
  private code: CodeSymbols | undefined;

  constructor(
    private readonly elf: ElfFile,
    private readonly bias: bigint,
    private readonly warnings: string[],
  ) {
    this.codeRanges = codeRanges(elf).map(({ low, high }) => ({
      low: this.shift(low),
      high: this.shift(low) + high - low,
    }));
  }

  private shift(address: bigint): bigint {
    return (address + this.bias) & ADDRESS_MASK;
  }

  /** Whether the program has code at the address, going by its sections or, without sections, its segments. */
  isCode(address: bigint): boolean {
    return this.codeRanges.some(({ low, high }) => low <= address && address < high);
  }

  private get symbols(): readonly ElfSymbol[] {
    return (this.symbolCache ??= this.read());
  }

  private read(): readonly ElfSymbol[] {
    try {
      const symbols = this.elf.symbols();
      if (this.bias === 0n) return symbols;
      return symbols.map((symbol) => (symbol.section ? { ...symbol, address: this.shift(symbol.address) } : symbol));
    } catch (error) {
      if (!(error instanceof SymbolError)) throw error;
      this.warnings.push(error.message);
      return [];
    }
  }

  /** The symbol of that name: global before weak before local. */
  find(name: string): ElfSymbol | undefined {
    if (!this.names) {
      this.names = new Map();
      for (const symbol of this.symbols) {
        const known = this.names.get(symbol.name);
        if (!known || BINDING_RANK[symbol.binding] > BINDING_RANK[known.binding]) this.names.set(symbol.name, symbol);
      }
    }
    return this.names.get(name);
  }

  /** All functions of that name, one for each file-local copy. */
  functionsNamed(name: string): ElfSymbol[] {
    return this.symbols.filter((symbol) => symbol.name === name && isCodeSymbol(symbol));
  }

  private get codeSymbols(): CodeSymbols {
    return (this.code ??= new CodeSymbols(this.symbols, (section) => this.shift(section.address) + section.size));
  }

  /** The sized symbol around the address, else the nearest symbol without a size before it in its section. */
  at(address: bigint): SymbolHit | undefined {
    const symbol = this.codeSymbols.at(address);
    return (
      symbol && { name: symbol.name, address: symbol.address, offset: address - symbol.address, size: symbol.size }
    );
  }

  /** The function that the symbols suggest: a sized symbol, else from one global label or function to the next. */
  functionAt(address: bigint): { symbol: ElfSymbol; range: AddressRange } | undefined {
    return this.codeSymbols.functionAt(address);
  }

  /** Functions as `functionAt` finds them, ascending. */
  functions(): IterableIterator<{ symbol: ElfSymbol; range: AddressRange }> {
    return this.codeSymbols.functions();
  }
}

function codeRanges(elf: ElfFile): AddressRange[] {
  const sections = elf.sections.filter((section) => section.isAllocated && section.isExecutable);
  if (sections.length > 0) return sections.map(({ address, size }) => ({ low: address, high: address + size }));
  return elf.segments
    .filter(({ type, executable }) => type === 'load' && executable)
    .map(({ virtualAddress, memorySize }) => ({ low: virtualAddress, high: virtualAddress + memorySize }));
}

function isCodeSymbol({ kind, section }: ElfSymbol): boolean {
  return kind !== 'object' && section !== undefined && section.isAllocated && section.isExecutable;
}

/** Of several symbols at one address the highest rank names it. */
function rank({ kind, binding, size }: ElfSymbol): number {
  return (kind === 'function' ? 8 : 0) + (size > 0n ? 4 : 0) + BINDING_RANK[binding];
}

/** The symbols of executable sections by address. */
class CodeSymbols {
  /** One for each address, ascending. */
  private readonly sorted: ElfSymbol[] = [];
  private readonly sized = new RangeMap<ElfSymbol>();
  /** Those of `sorted` that begin a function: functions, and global labels. */
  private readonly starts: ElfSymbol[];

  constructor(
    symbols: readonly ElfSymbol[],
    private readonly endOf: (section: Section) => bigint,
  ) {
    const code = symbols.filter(isCodeSymbol);
    code.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : rank(a) - rank(b)));
    code.forEach((symbol, index) => {
      if (symbol.address !== code[index + 1]?.address) this.sorted.push(symbol);
      if (symbol.size > 0n) this.sized.add({ low: symbol.address, high: symbol.address + symbol.size }, symbol);
    });
    this.starts = this.sorted.filter(({ kind, binding }) => kind === 'function' || binding !== 'local');
  }

  at(address: bigint): ElfSymbol | undefined {
    return this.sized.find(address) ?? this.unsizedBefore(this.sorted, address);
  }

  functionAt(address: bigint): { symbol: ElfSymbol; range: AddressRange } | undefined {
    const symbol =
      this.sized.find(address) ?? this.unsizedBefore(this.starts, address) ?? this.unsizedBefore(this.sorted, address);
    return symbol && { symbol, range: this.rangeOf(symbol) };
  }

  *functions(): IterableIterator<{ symbol: ElfSymbol; range: AddressRange }> {
    for (const symbol of this.starts) yield { symbol, range: this.rangeOf(symbol) };
  }

  private unsizedBefore(symbols: readonly ElfSymbol[], address: bigint): ElfSymbol | undefined {
    const symbol = symbols[countUpTo(symbols, address) - 1];
    if (!symbol?.section || symbol.size > 0n || address >= this.endOf(symbol.section)) return undefined;
    return symbol;
  }

  private rangeOf(symbol: ElfSymbol): AddressRange {
    const low = symbol.address;
    if (symbol.size > 0n) return { low, high: low + symbol.size };
    const end = this.endOf(symbol.section!);
    const next = this.starts[countUpTo(this.starts, low)];
    return { low, high: next && next.address < end ? next.address : end };
  }
}

/** How many symbols, ascending by address, stand at or before the address. */
function countUpTo(symbols: readonly ElfSymbol[], address: bigint): number {
  let low = 0;
  let high = symbols.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (symbols[middle]!.address <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}
