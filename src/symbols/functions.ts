/** Functions of the whole program, from debug information where there is any, else from symbols. */
import type { DebugContext } from './dwarf/context';
import { AT } from './dwarf/constants';
import { contains } from './dwarf/functions';
import type { FunctionEntry, FunctionIndex } from './dwarf/functions';
import { scopesAt } from './dwarf/scopes';
import type { Scope } from './dwarf/scopes';
import type { Entry } from './dwarf/entry';
import type { FunctionInfo, InlineFrame, SourcePosition } from './model';
import type { SourceLines } from './source-lines';
import type { SymbolTable } from './symbol-table';

/** Programs with more debugging entries than this are not searched whole for inlined copies of a function. */
const SEARCHABLE_BYTES = 32 * 1024 * 1024;

export class Functions {
  constructor(
    private readonly context: DebugContext,
    private readonly symbols: SymbolTable,
    private readonly lines: SourceLines,
  ) {}

  find(address: bigint): FunctionInfo | undefined {
    const found = this.context.functionAt(address);
    if (found) return this.describe(found);
    const known = this.symbols.functionAt(address);
    return known && { name: known.symbol.name, ...known.range, ranges: [known.range] };
  }

  *all(): IterableIterator<FunctionInfo> {
    const starts = new Set<bigint>();
    for (const index of this.indexes()) {
      for (const found of index.functions) {
        starts.add(found.low);
        yield this.describe(found);
      }
    }
    for (const { symbol, range } of this.symbols.functions()) {
      if (!starts.has(range.low)) yield { name: symbol.name, ...range, ranges: [range] };
    }
  }

  private *indexes(): IterableIterator<FunctionIndex> {
    for (const unit of this.context.info.codeUnits()) {
      const index = this.context.functions(unit);
      if (index) yield index;
    }
  }

  private describe(found: FunctionEntry): FunctionInfo {
    const { entry, ranges, low } = found;
    const linkageName = this.context.info.guard(() => entry.linkageName());
    const declaration = this.declarationOf(entry);
    const name = this.nameOf(entry) ?? linkageName ?? this.symbols.at(low)?.name ?? `function at 0x${low.toString(16)}`;
    return {
      name,
      ...(linkageName !== undefined && linkageName !== name && { linkageName }),
      low,
      high: ranges[0]!.high,
      ranges,
      ...(declaration && { declaration }),
    };
  }

  private nameOf(entry: Entry): string | undefined {
    return this.context.info.guard(() => this.context.functions(entry.unit)?.qualifiedName(entry));
  }

  /** Where an entry is declared, as it says itself or the entry that it completes. */
  declarationOf(entry: Entry): SourcePosition | undefined {
    return this.context.info.guard(() =>
      entry.follow((origin) => {
        const line = origin.number(AT.declLine);
        if (line === undefined) return undefined;
        return this.position(origin, origin.number(AT.declFile), line, origin.number(AT.declColumn));
      }),
    );
  }

  private position(entry: Entry, file: number | undefined, line: number, column = 0): SourcePosition | undefined {
    const path = file === undefined ? undefined : this.context.lineTable(entry.unit)?.path(file);
    return path ? { file: path, line, column } : undefined;
  }

  /** The chain of inlined calls at the address, innermost first. */
  inlineChain(address: bigint): InlineFrame[] {
    let position: SourcePosition | undefined = this.lines.lineFor(address);
    return this.inlineScopes(address).map(([scope]) => {
      const { entry, ranges, kind } = scope!;
      const linkageName = this.context.info.guard(() => entry.linkageName());
      const declaration = this.declarationOf(entry);
      const name = this.nameOf(entry) ?? linkageName ?? this.symbols.at(address)?.name ?? '';
      const frame: InlineFrame = {
        name,
        ...(linkageName !== undefined && linkageName !== name && { linkageName }),
        isInlined: kind === 'inlined',
        ...(position && { position: { file: position.file, line: position.line, column: position.column } }),
        ...(declaration && { declaration }),
        ranges,
      };
      position = this.context.info.guard(() => {
        const line = entry.number(AT.callLine);
        return line === undefined
          ? undefined
          : this.position(entry, entry.number(AT.callFile), line, entry.number(AT.callColumn));
      });
      return frame;
    });
  }

  /**
   * The scopes around the address, level by level of the inline chain, innermost level first. Each level starts with its
   * function or inlined copy, and goes on with its blocks from the outermost to the innermost.
   */
  inlineScopes(address: bigint): Scope[][] {
    const owner = this.context.functionAt(address);
    const root = owner && this.context.scopes(owner);
    if (!root) return [];
    const levels: Scope[][] = [];
    for (const scope of scopesAt(root, address)) {
      if (scope.kind === 'block') levels[0]!.push(scope);
      else levels.unshift([scope]);
    }
    return levels;
  }

  /** Where to stop for a function by name: behind the prologue of each copy with code, at the start of inlined copies. */
  breakpointAddresses(name: string): bigint[] {
    const addresses = new Set<bigint>();
    const symbols = this.symbols.functionsNamed(name);
    for (const { address } of symbols) {
      const owner = this.context.functionAt(address);
      addresses.add(owner && owner.low === address ? this.lines.prologueEndOf(owner) : address);
    }
    if (symbols.length === 0 || this.context.info.sections.get('info').length <= SEARCHABLE_BYTES) {
      for (const address of this.copiesNamed(name)) addresses.add(address);
    }
    return [...addresses].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }

  /** Stops for all copies that debug information gives the name, plain or qualified. */
  private *copiesNamed(name: string): IterableIterator<bigint> {
    const isNamed = (index: FunctionIndex, entry: Entry): boolean =>
      this.context.info.guard(() => {
        const plain = entry.name();
        if (plain === undefined || !name.endsWith(plain)) return false;
        return plain === name || index.qualifiedName(entry) === name;
      }) ?? false;
    for (const index of this.indexes()) {
      for (const found of index.functions) {
        if (isNamed(index, found.entry)) yield this.lines.prologueEndOf(found);
      }
      for (const copies of index.inlined.values()) {
        if (!copies[0] || !isNamed(index, copies[0])) continue;
        for (const copy of copies) {
          const start = this.context.info.guard(() => startOf(copy));
          if (start !== undefined && this.context.isCode(start)) yield start;
        }
      }
    }
  }
}

/**
 * First instruction of an inlined copy: DW_AT_entry_pc, an address or an offset (DWARF 5, 2.18), else its first range.
 * Compilers also give entries where the copy has no instruction; there the copy would not be seen as entered.
 */
function startOf(copy: Entry): bigint | undefined {
  const ranges = copy.ranges();
  const first = ranges[0]?.low;
  const offset = copy.constant(AT.entryPc);
  const entry =
    copy.address(AT.entryPc) ??
    (offset !== undefined && first !== undefined ? (copy.address(AT.lowPc) ?? first) + offset : undefined);
  return entry !== undefined && ranges.some((range) => contains(range, entry)) ? entry : first;
}
