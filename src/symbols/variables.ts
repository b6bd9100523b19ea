/** Variables of the program: which are visible, of what type, and where they are. */
import { callSiteAt, calleeOf, passedValue } from './dwarf/call-sites';
import { AT, TAG } from './dwarf/constants';
import type { DebugContext } from './dwarf/context';
import { evaluateLocation, evaluateValue } from './dwarf/expression';
import type { ExpressionContext } from './dwarf/expression';
import type { FunctionEntry } from './dwarf/functions';
import { expressionAt, hasLocation } from './dwarf/location-lists';
import { TypeReader } from './dwarf/types';
import type { Entry } from './dwarf/entry';
import type { Unit } from './dwarf/unit';
import { DwarfError, SymbolError } from './errors';
import type { Functions } from './functions';
import type { EvaluationContext, Location, Variable } from './model';
import type { SymbolTable } from './symbol-table';

/** Programs with more debugging entries than this are not searched whole on the chance that something is found. */
const SEARCHABLE_BYTES = 32 * 1024 * 1024;

export class Variables {
  private readonly types: TypeReader;

  constructor(
    private readonly context: DebugContext,
    private readonly functions: Functions,
    private readonly symbols: SymbolTable,
  ) {
    this.types = new TypeReader(
      (declaration) => this.definitionOf(declaration),
      (read) => this.context.info.guard(read),
    );
  }

  /** Innermost block first; within a block in the order of declaration. */
  inScope(address: bigint, level: number): Variable[] {
    const scopes = this.functions.inlineScopes(address)[level] ?? [];
    return scopes
      .flatMap(({ variables }, blockDepth) => [
        variables.flatMap((entry) => this.describe(entry, entry.tag === TAG.formalParameter, blockDepth) ?? []),
      ])
      .reverse()
      .flat();
  }

  private describe(entry: Entry, isParameter: boolean, blockDepth: number): Variable | undefined {
    const name = this.context.info.guard(() => (entry.flag(AT.declaration) ? undefined : entry.name()));
    if (name === undefined) return undefined;
    return this.variable(entry, name, isParameter ? 'parameter' : 'local', blockDepth);
  }

  private variable(entry: Entry, name: string, kind: Variable['kind'], blockDepth: number): Variable {
    const { types, functions } = this;
    const declaration = functions.declarationOf(entry);
    return {
      name,
      kind,
      get type() {
        return types.typeOf(entry);
      },
      ...(declaration && { declaration }),
      blockDepth,
      entry: entry.offset,
    };
  }

  /** Global and file-static variables that are defined somewhere; those of the address's unit first. */
  *globals(address?: bigint): IterableIterator<Variable> {
    for (const unit of this.unitsFrom(address)) {
      const index = this.context.functions(unit);
      for (const entry of index?.globals ?? []) {
        const name = this.context.info.guard(() => index?.qualifiedName(entry));
        if (name !== undefined) yield this.variable(entry, name, 'global', 0);
      }
    }
  }

  findGlobal(name: string, address?: bigint): Variable | undefined {
    const isNamed = (candidate: string): boolean => candidate === name || candidate.endsWith(`::${name}`);
    for (const unit of this.symbols.find(name) ? this.unitsFrom(address) : this.likelyUnits(address)) {
      const index = this.context.functions(unit);
      for (const entry of index?.globals ?? []) {
        const full = this.context.info.guard(() => index?.qualifiedName(entry));
        if (full !== undefined && isNamed(full)) return this.variable(entry, full, 'global', 0);
      }
    }
    return undefined;
  }

  /** Where to look for a name that no symbol has: in all units, unless that takes too long. */
  private *likelyUnits(address: bigint | undefined): IterableIterator<Unit> {
    if (this.context.info.sections.get('info').length <= SEARCHABLE_BYTES) yield* this.unitsFrom(address);
    const own = address === undefined ? undefined : this.context.info.unitOf(address);
    if (own) yield own;
  }

  private *unitsFrom(address: bigint | undefined): IterableIterator<Unit> {
    const first = address === undefined ? undefined : this.context.info.unitOf(address);
    if (first) yield first;
    for (const unit of this.context.info.codeUnits()) if (unit !== first) yield unit;
  }

  /** The definition, elsewhere in the program, of a type that `declaration` only declares. */
  private definitionOf(declaration: Entry): Entry | undefined {
    const name = declaration.name();
    if (name === undefined || this.context.info.sections.get('info').length > SEARCHABLE_BYTES) return undefined;
    for (const unit of this.context.info.codeUnits()) {
      const found = this.context.functions(unit)?.types.get(name);
      if (found && found.tag === declaration.tag) return found;
    }
    return undefined;
  }

  locate({ entry: offset }: Variable, context: EvaluationContext): Location {
    try {
      const entry = this.context.info.unitAt(offset)?.entryAt(offset);
      if (!entry) return { kind: 'unavailable', reason: 'The variable belongs to another program.' };
      return this.locationOf(entry, context);
    } catch (error) {
      if (!(error instanceof SymbolError)) throw error;
      return { kind: 'unavailable', reason: error.message };
    }
  }

  private locationOf(entry: Entry, context: EvaluationContext): Location {
    const holder = entry.follow((origin) => (hasLocation(origin) ? origin : undefined));
    if (!holder) return { kind: 'optimized-out' };
    if (!holder.has(AT.location)) return constantOf(holder);
    const expression = expressionAt(holder, AT.location, context.pc);
    if (!expression || expression.length === 0) return { kind: 'optimized-out' };
    return evaluateLocation(expression, this.expressionContext(holder.unit, context));
  }

  private expressionContext(unit: Unit, context: EvaluationContext): ExpressionContext {
    const { registers, readMemory, cfa, pc } = context;
    const owner = this.context.functionAt(pc);
    return {
      register: (number) => registers[number],
      readMemory,
      cfa,
      addressOf: (address) => unit.sections.address(address),
      indexedAddress: (index) => unit.indexedAddress(index),
      frameBase: () => this.frameBase(owner, context),
      entryValue: (expression) => this.entryValue(owner, expression, context),
      baseType: (offset) => {
        const type = unit.entryAt(unit.header.offset + offset);
        const described = type && this.types.typeAt(type);
        if (described?.kind !== 'base' || NOT_INTEGERS.has(described.encoding)) return undefined;
        return described;
      },
    };
  }

  private frameBase(owner: FunctionEntry | undefined, context: EvaluationContext): bigint {
    const expression = owner && expressionAt(owner.entry, AT.frameBase, context.pc);
    if (!owner || !expression) throw new DwarfError('The function has no frame base here.');
    const selfReference = (): never => {
      throw new DwarfError('The function’s frame base refers to itself.');
    };
    return evaluateValue(expression, {
      ...this.expressionContext(owner.entry.unit, context),
      frameBase: selfReference,
      entryValue: selfReference,
    });
  }

  /** What `expression` gave when the function was entered: as now at its first instruction, else as its caller says. */
  private entryValue(owner: FunctionEntry | undefined, expression: Uint8Array, context: EvaluationContext): bigint {
    if (!owner) throw new DwarfError('The value at the function’s entry is not known.');
    if (context.pc === owner.low)
      return evaluateValue(expression, { ...EMPTY_CONTEXT, register: (n) => context.registers[n] });
    const { caller } = context;
    const callerFunction = caller && this.context.functionAt(caller.lookupPc);
    const site = callerFunction && callSiteAt(callerFunction.entry, caller.pc);
    const passed = site && isCallOf(site, owner) ? passedValue(site, expression) : undefined;
    if (!caller || !passed) {
      throw new DwarfError('Optimized out: the compiler kept the value only in the caller, which does not tell it.');
    }
    const { lookupPc, registers, cfa } = caller;
    const callerContext: EvaluationContext = {
      pc: lookupPc,
      registers,
      readMemory: context.readMemory,
      ...(cfa !== undefined && { cfa }),
    };
    return evaluateValue(passed, this.expressionContext(site!.unit, callerContext));
  }
}

const NOT_INTEGERS: ReadonlySet<string> = new Set(['float', 'complex', 'other']);

const EMPTY_CONTEXT: ExpressionContext = {
  register: () => undefined,
  readMemory: () => undefined,
  addressOf: (address) => address,
};

/**
 * Whether the site calls the function directly. Otherwise the frame may have come by a tail call from the function that
 * the site calls, and what that one was passed says nothing.
 */
function isCallOf(site: Entry, owner: FunctionEntry): boolean {
  const callee = calleeOf(site);
  if (!callee) return false;
  const offsets = new Set([...owner.entry.origins()].map(({ offset }) => offset));
  for (const origin of callee.origins()) if (offsets.has(origin.offset)) return true;
  // A function of another unit is called through a declaration.
  const isExternal = callee.flag(AT.declaration) || callee.flag(AT.external);
  const name = callee.linkageName() ?? callee.name();
  return isExternal && name !== undefined && name === (owner.entry.linkageName() ?? owner.entry.name());
}

function constantOf(entry: Entry): Location {
  const value = entry.value(AT.constValue);
  if (value?.kind === 'constant') return { kind: 'value', value: BigInt.asUintN(64, value.value) };
  if (value?.kind === 'block' || value?.kind === 'expression') return { kind: 'bytes', bytes: value.bytes };
  const text = entry.string(AT.constValue);
  if (text !== undefined) return { kind: 'bytes', bytes: new TextEncoder().encode(`${text}\0`) };
  return { kind: 'optimized-out' };
}
