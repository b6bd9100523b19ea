/** Decides, while a system runs, whether what happens is a stop: breakpoints, trap causes, hypervisor events, dead ends. */
import type { DataAccess } from '../engine/data-watch';
import type { ExitKind, ExitRecord } from '../hypervisor/exit-record';
import { causeName } from '../isa/causes';
import type { BreakpointStore, CodeBreakpoint } from './breakpoints/breakpoint-store';
import type { Breakpoint } from './breakpoints/breakpoint';
import type { GuardContext } from './breakpoints/conditions/guard';
import { describeHit, HitValues } from './breakpoints/data/describe-hit';
import type { DataHit } from './breakpoints/data/watch-table';
import { WatchTable } from './breakpoints/data/watch-table';
import { TargetEnvironment } from './environment';
import { describeValue } from './expressions/describe-value';
import type { Value } from './expressions/evaluate';
import { LiveFrame } from './live-frame';
import type { RunObserver } from './run-loop';
import type { StaleWatch } from './stale-watch';
import type { StopReason } from './stop';
import type { SymbolSpace } from './symbol-space';
import type { System, TrapNotice } from './systems/system';
import { isUserMode } from './target';
import type { Target } from './target';
import { DECIMAL } from './values/value-node';

/** What guards came to. */
interface Judgement {
  readonly stops: readonly Breakpoint[];
  readonly problem?: string;
}

/** What names mean at a place in code. */
interface KnownEnvironment {
  readonly target: Target;
  readonly symbols: SymbolSpace;
  readonly environment: TargetEnvironment;
  /** Whether it is still the same program's code. */
  isLoaded(): boolean;
}

/** Most traps kept for a step to look at. */
const MOST_TRAPS = 16;

export class StopJudge implements RunObserver {
  /** Why the last run stopped. */
  reason: StopReason | undefined;
  stoppedTarget: Target | undefined;
  private isStepping = false;
  private traps: TrapNotice[] = [];
  /** The version of the breakpoints that the system is watched for. */
  private watchedVersion = -1;
  private readonly watchTable: WatchTable;
  /** Targets that trap for ever, and where. */
  private readonly deadEnds = new Map<Target, bigint>();
  private readonly environments = new Map<bigint, KnownEnvironment>();

  /** @param boot counts the systems of a session */
  constructor(
    private readonly system: System,
    private readonly store: BreakpointStore,
    private readonly symbols: () => SymbolSpace,
    private readonly log: (text: string) => void,
    boot = 0,
    private readonly stale?: StaleWatch,
  ) {
    this.watchTable = new WatchTable(system, boot, (target, accesses) => this.onAccess(target, accesses));
  }

  /** To be called before each run: watches what breakpoints and steps need to know, and nothing else. */
  prepare(isStepping: boolean): void {
    this.reason = undefined;
    this.stoppedTarget = undefined;
    this.isStepping = isStepping;
    this.watch();
    // Page tables may have been changed from outside.
    this.watchTable.refresh();
  }

  /** A step begins: traps before it do not concern it. */
  beginStep(): void {
    this.traps = [];
  }

  /** The traps since the last call, oldest first. */
  takeTraps(): readonly TrapNotice[] {
    const { traps } = this;
    this.traps = [];
    return traps;
  }

  breakpoints(): Iterable<bigint> {
    return this.store.addresses();
  }

  get breakpointVersion(): number {
    if (this.watchedVersion !== this.store.version) this.watch();
    return this.store.version;
  }

  /** Whether a breakpoint at the current target's pc stops. */
  breakpoint(): boolean {
    const target = this.system.current;
    if (!this.store.hasAddress(target.pc)) return false;
    const found = this.store.at(target.pc, target.memory('gva'));
    if (found.length === 0) return false;
    const { stops, problem } = this.judge(found, target);
    if (stops.length === 0) return false;
    return this.stopsWith(target, { kind: 'breakpoint', breakpoints: stops, ...(problem ? { problem } : {}) });
  }

  /**
   * Whether the current target traps for ever: its handler's first instruction traps, and the trap goes to the handler.
   * Looked at between slices, so that it costs nothing.
   */
  check(): boolean {
    const target = this.system.current;
    const { pc, mode } = target;
    if (isUserMode(mode)) return false;
    const [tvec, epc, cause] = TRAP_CSRS[mode === 'M' ? 'M' : 'S'].map((name) => findCsr(target, name));
    if (tvec === undefined || cause === undefined || epc !== pc || (tvec & ~3n) !== pc) return false;
    if (!FATAL_CAUSES.includes(cause)) return false;
    // It could have been repaired since: only code that cannot be executed now is a dead end.
    if (target.translate(pc, 'fetch').hpa !== undefined && cause !== ILLEGAL_INSTRUCTION) return false;
    // Other targets may go on: then it is told once.
    if (this.system.targets.length > 1 && this.deadEnds.get(target) === pc) return false;
    this.deadEnds.set(target, pc);
    return this.stopsWith(target, { kind: 'trapLoop', cause: causeName(cause), address: pc });
  }

  private watch(): void {
    if (this.watchedVersion !== this.store.version) this.watchTable.set(this.store.watched());
    this.watchedVersion = this.store.version;
    const exitKinds = new Set(this.store.eventKinds() as ReadonlySet<ExitKind>);
    if (this.stale && this.stale.mode !== 'ignore') exitKinds.add('staleTranslation');
    this.system.watcher = {
      ...(exitKinds.size > 0 ? { onExit: (target, record) => this.onExit(target, record), exitKinds } : {}),
      ...(this.isStepping || this.store.watchesExceptions ? { onTrap: (trap) => this.onTrap(trap) } : {}),
    };
  }

  private onTrap(trap: TrapNotice): 'go' | 'stop' {
    if (this.isStepping && this.traps.length < MOST_TRAPS) this.traps.push(trap);
    const filter = trap.cause === undefined ? undefined : this.store.onException(trap.cause);
    if (!filter) return 'go';
    const names = (name: string): Value | undefined => trapField(trap, name);
    const verdict = filter.guard.decide(() => this.context(trap.target, trap.record, names));
    if (verdict.kind !== 'stop') return 'go';
    const { problem } = verdict;
    this.stopsWith(trap.target, { kind: 'trap', trap, ...(problem ? { problem } : {}) });
    return 'stop';
  }

  private onAccess(target: Target, accesses: readonly DataAccess[]): 'go' | 'stop' {
    const hits = this.watchTable.hits(accesses);
    const stopping: DataHit[] = [];
    let problem: string | undefined;
    for (const hit of hits) {
      const verdict = hit.data.guard.decide(() => this.context(target, undefined, dataNames(hit)));
      if (verdict.kind !== 'stop') continue;
      stopping.push(hit);
      problem ??= verdict.problem;
    }
    const told = stopping.map((hit) => describeHit(hit, target, this.symbols()));
    this.watchTable.follow(accesses);
    if (told.length === 0) return 'go';
    this.stopsWith(target, {
      kind: 'data',
      breakpoints: stopping.map(({ data }) => data.breakpoint),
      title: told.map(({ title }) => title).join(', '),
      text: told.map(({ text }) => text).join(' '),
      ...(problem ? { problem } : {}),
    });
    return 'stop';
  }

  private onExit(target: Target, record: ExitRecord): 'go' | 'stop' {
    const { stops, problem } = this.judge(this.store.onEvent(record.kind), target, record);
    if (record.kind === 'staleTranslation' && this.stale?.judge(record, this.symbols) === 'stop') {
      this.stopsWith(target, { kind: 'staleTranslation', record });
      return 'stop';
    }
    if (stops.length === 0) return 'go';
    // A trap cause that the user chose says more than the event by which it comes.
    if (this.reason?.kind === 'trap') return 'stop';
    this.stopsWith(target, { kind: 'event', record, breakpoints: stops, ...(problem ? { problem } : {}) });
    return 'stop';
  }

  private stopsWith(target: Target, reason: StopReason): true {
    this.stoppedTarget = target;
    this.reason = reason;
    return true;
  }

  private judge(found: readonly CodeBreakpoint[], target: Target, record?: ExitRecord): Judgement {
    const stops: Breakpoint[] = [];
    let problem: string | undefined;
    for (const { breakpoint, guard } of found) {
      const verdict = guard.decide(() => this.context(target, record));
      if (verdict.kind === 'log') this.log(verdict.text);
      if (verdict.kind !== 'stop') continue;
      stops.push(breakpoint);
      problem ??= verdict.problem;
    }
    return { stops, ...(problem ? { problem } : {}) };
  }

  /** The meaning of names where the target stands: found out once for each place, as long as its program is there. */
  private environmentAt(target: Target): TargetEnvironment {
    const symbols = this.symbols();
    const { pc } = target;
    const known = this.environments.get(pc);
    if (known?.target === target && known.symbols === symbols && known.isLoaded()) return known.environment;
    const frame = new LiveFrame(target, symbols);
    const { module } = frame;
    if (this.environments.size >= MOST_ENVIRONMENTS) this.environments.clear();
    const environment = new TargetEnvironment(target, symbols, frame);
    const isAlone = symbols.modules.length <= 1;
    const isLoaded = (): boolean => isAlone || symbols.moduleAt(pc, target.memory('gva')) === module;
    this.environments.set(pc, { target, symbols, isLoaded, environment });
    return environment;
  }

  /** @param names what comes before all other names */
  private context(target: Target, record?: ExitRecord, names?: (name: string) => Value | undefined): GuardContext {
    const symbols = this.symbols();
    // Records are of the moment, and speak of no code.
    const base = record ? new TargetEnvironment(target, symbols, undefined, record) : this.environmentAt(target);
    const memory = target.memory('gva');
    return {
      environment: names ? { memory, lookup: (name) => names(name) ?? base.lookup(name) } : base,
      show: (value) =>
        describeValue(value, {
          memory,
          presentation: DECIMAL,
          nameOf: (address) => symbols.nameOf(address, memory),
        }),
    };
  }
}

/** Places in code for which the meaning of names is kept. */
const MOST_ENVIRONMENTS = 256;

/** Faults of fetching, and what is no instruction: a handler that begins with one never does anything. */
const ILLEGAL_INSTRUCTION = 2n;
const FATAL_CAUSES: readonly bigint[] = [0n, 1n, ILLEGAL_INSTRUCTION, 12n];

/** By the mode that handles traps: where they go, where the last one came from, and why. */
const TRAP_CSRS = { S: ['stvec', 'sepc', 'scause'], M: ['mtvec', 'mepc', 'mcause'] } as const;

function findCsr(target: Target, name: string): bigint | undefined {
  return target.csrSets.map((set) => set.find(name)?.value).find((value) => value !== undefined);
}

/** Names that conditions of data breakpoints can use: the value before and after. */
function dataNames(hit: DataHit): (name: string) => Value | undefined {
  return (name) => {
    if (name !== 'old' && name !== 'new') return undefined;
    const values = new HitValues(hit);
    return values.value(name === 'old' ? values.before : values.after);
  };
}

/** Names that conditions of trap causes can use on any system. */
function trapField(trap: TrapNotice, name: string): Value | undefined {
  if (name === 'stval' || name === 'tval') return { kind: 'integer', value: trap.tval };
  if (name === 'cause') return { kind: 'integer', value: BigInt(trap.code) };
  return name === 'guest' ? { kind: 'text', value: trap.target.guest } : undefined;
}
