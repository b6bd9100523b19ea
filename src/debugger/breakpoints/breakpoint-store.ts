/** All breakpoints of a session: set by kind, resolved when symbols are there, looked up by address, event and cause. */
import { causeById } from '../../isa/causes';
import type { Type } from '../../symbols/model';
import { DebuggerError } from '../errors';
import type { CodeMemory, SymbolSpace } from '../symbol-space';
import type {
  Breakpoint,
  BreakpointKind,
  DataRequest,
  ExceptionRequest,
  FunctionRequest,
  InstructionRequest,
  SourceRequest,
} from './breakpoint';
import { Guard } from './conditions/guard';
import type { GuardOptions } from './conditions/guard';
import { resolveData } from './data/resolve-data';
import type { DataBreakpoint } from './data/watch-table';
import { PENDING, resolveFunction, resolveLine } from './resolve';
import type { Resolution } from './resolve';

/** A breakpoint at a place in code. */
export interface CodeBreakpoint {
  readonly breakpoint: Breakpoint;
  readonly guard: Guard;
}

/** An exception filter that is on. */
export interface ExceptionBreakpoint {
  readonly cause: string;
  readonly guard: Guard;
}

interface Entry {
  readonly id: number;
  readonly kind: BreakpointKind;
  /** Undefined when a part of the options cannot be understood: `problem` says why. */
  readonly guard?: Guard;
  readonly problem?: string;
  readonly resolve: (symbols: SymbolSpace | undefined) => Resolution;
  current: Breakpoint;
}

/** Types of data that ids were given out for, at most; ids whose type is forgotten show plain numbers. */
const MOST_TYPES = 1000;

export class BreakpointStore {
  /** Another number whenever anything was set or resolved anew. */
  version = 0;
  private nextId = 1;
  private symbols: SymbolSpace | undefined;
  private readonly bySource = new Map<string, Entry[]>();
  private functions: Entry[] = [];
  private instructions: Entry[] = [];
  private data: Entry[] = [];
  private readonly dataTypes = new Map<string, Type>();
  private exceptions = new Map<string, ExceptionBreakpoint>();
  private byAddress = new Map<bigint, { entry: CodeBreakpoint; isLoaded: (memory: CodeMemory) => boolean }[]>();
  private byEvent = new Map<string, CodeBreakpoint[]>();

  /**
   * @param changed told of each breakpoint that resolves otherwise than it was answered
   * @param hasHypervisor whether hypervisor events exist
   */
  constructor(
    private readonly changed: (breakpoint: Breakpoint) => void,
    private hasHypervisor = true,
  ) {}

  /** The program's symbols are there (again): resolves all breakpoints, and tells of those that changed. */
  attach(symbols: SymbolSpace, hasHypervisor: boolean): void {
    this.symbols = symbols;
    this.hasHypervisor = hasHypervisor;
    for (const entry of this.entries()) {
      const before = entry.current;
      entry.current = this.resolve(entry);
      const { verified, message, line } = entry.current;
      if (verified !== before.verified || message !== before.message || line !== before.line)
        this.changed(entry.current);
    }
    this.index();
  }

  /**
   * Replaces the breakpoints of one source file.
   * @param source what identifies the file to the caller
   * @param paths names by which debug information may know the file, asked for when symbols are there
   */
  setSource(source: string, paths: () => readonly string[], requests: readonly SourceRequest[]): Breakpoint[] {
    const entries = requests.map((request) =>
      this.create('source', request, (symbols) => (symbols ? resolveLine(symbols, paths(), request.line) : PENDING)),
    );
    if (entries.length > 0) this.bySource.set(source, entries);
    else this.bySource.delete(source);
    return this.finish(entries);
  }

  /** Replaces the function breakpoints. */
  setFunctions(requests: readonly FunctionRequest[]): Breakpoint[] {
    this.functions = requests.map((request) =>
      this.create('function', request, (symbols) => resolveFunction(symbols, request.name, this.hasHypervisor)),
    );
    return this.finish(this.functions);
  }

  /** Replaces the instruction breakpoints. */
  setInstructions(requests: readonly InstructionRequest[]): Breakpoint[] {
    this.instructions = requests.map((request) =>
      this.create('instruction', request, () => ({
        trigger: { kind: 'code', places: [{ address: request.address }] },
        verified: true,
      })),
    );
    return this.finish(this.instructions);
  }

  /** Replaces the data breakpoints. */
  setData(requests: readonly DataRequest[]): Breakpoint[] {
    this.data = requests.map((request) => {
      const { id, access } = request;
      return this.create('data', request, (symbols) => resolveData(symbols, id, access, this.dataTypes.get(id)));
    });
    return this.finish(this.data);
  }

  /** What the bytes are that this id of a data breakpoint stands for. */
  rememberType(id: string, type: Type): void {
    if (this.dataTypes.size >= MOST_TYPES) this.dataTypes.clear();
    this.dataTypes.set(id, type);
  }

  /** Replaces the trap causes to stop on. Answers, for each, what is wrong with it, or undefined. */
  setExceptions(requests: readonly ExceptionRequest[]): (string | undefined)[] {
    this.exceptions = new Map();
    this.version++;
    return requests.map((request) => {
      if (!causeById(request.cause)) return `There is no trap cause "${request.cause}".`;
      try {
        const options = request.condition === undefined ? {} : { condition: request.condition };
        this.exceptions.set(request.cause, { cause: request.cause, guard: Guard.of(options) });
        return undefined;
      } catch (error) {
        return messageOf(error);
      }
    });
  }

  /** Virtual addresses at which to stop and ask. */
  addresses(): Iterable<bigint> {
    return this.byAddress.keys();
  }

  /** The breakpoints at an address, as far as the code in memory there is their program's. */
  at(address: bigint, memory: CodeMemory): readonly CodeBreakpoint[] {
    const candidates = this.byAddress.get(address) ?? [];
    const loaded = candidates.filter((candidate) => candidate.isLoaded(memory)).map(({ entry }) => entry);
    // One breakpoint may have the address from several files, and is one all the same.
    return loaded.filter(({ breakpoint }, index) => loaded.findIndex((one) => one.breakpoint === breakpoint) === index);
  }

  /** The breakpoints on a kind of VM exit. */
  onEvent(kind: string): readonly CodeBreakpoint[] {
    return this.byEvent.get(kind) ?? [];
  }

  /** The data breakpoints. */
  watched(): readonly DataBreakpoint[] {
    return this.data.flatMap(({ current }) => {
      const { trigger, guard } = current;
      return trigger.kind === 'data' && guard ? [{ breakpoint: current, guard, data: trigger.data }] : [];
    });
  }

  /** The filter of a trap cause, if it is on. */
  onException(cause: string): ExceptionBreakpoint | undefined {
    return this.exceptions.get(cause);
  }

  hasAddress(address: bigint): boolean {
    return this.byAddress.has(address);
  }

  /** The kinds of VM exit that have breakpoints. */
  eventKinds(): ReadonlySet<string> {
    return new Set(this.byEvent.keys());
  }

  get watchesExceptions(): boolean {
    return this.exceptions.size > 0;
  }

  /** Forgets hit counts, for a restart. */
  resetHits(): void {
    for (const entry of this.entries()) if (entry.guard) entry.guard.hits = 0;
    for (const exception of this.exceptions.values()) exception.guard.hits = 0;
  }

  private *entries(): IterableIterator<Entry> {
    for (const entries of this.bySource.values()) yield* entries;
    yield* this.functions;
    yield* this.instructions;
    yield* this.data;
  }

  private create(kind: BreakpointKind, options: GuardOptions, resolve: Entry['resolve']): Entry {
    const id = this.nextId++;
    const common = { id, kind, resolve, current: { id, kind, verified: false, trigger: { kind: 'nothing' } as const } };
    let entry: Entry;
    try {
      entry = { ...common, guard: Guard.of(options) };
    } catch (error) {
      entry = { ...common, problem: messageOf(error) };
    }
    entry.current = this.resolve(entry);
    return entry;
  }

  private resolve(entry: Entry): Breakpoint {
    const { id, kind, guard, problem } = entry;
    if (!guard) {
      return {
        id,
        kind,
        verified: false,
        message: problem ?? 'It cannot be understood.',
        trigger: { kind: 'nothing' },
      };
    }
    return { id, kind, guard, ...entry.resolve(this.symbols) };
  }

  private finish(entries: readonly Entry[]): Breakpoint[] {
    this.index();
    return entries.map((entry) => entry.current);
  }

  private index(): void {
    this.version++;
    this.byAddress = new Map();
    this.byEvent = new Map();
    for (const { current } of this.entries()) {
      const { trigger, guard } = current;
      if (!guard) continue;
      const entry: CodeBreakpoint = { breakpoint: current, guard };
      if (trigger.kind === 'event') this.byEvent.set(trigger.event, [...this.onEvent(trigger.event), entry]);
      if (trigger.kind !== 'code') continue;
      for (const { address, module } of trigger.places) {
        const { symbols } = this;
        const isLoaded = (memory: CodeMemory): boolean =>
          !module || !symbols || symbols.isLoaded(module, address, memory);
        this.byAddress.set(address, [...(this.byAddress.get(address) ?? []), { entry, isLoaded }]);
      }
    }
  }
}

function messageOf(error: unknown): string {
  if (error instanceof DebuggerError) return error.message;
  throw error;
}
