/**
 * A debugging session, without a protocol: a system that runs or stands, its stops, and everything that can be asked of it
 * while it stands. The adapter and the command line are built on this class.
 */
import type { Breakpoint } from './breakpoints/breakpoint';
import { BreakpointStore } from './breakpoints/breakpoint-store';
import { DebuggerError } from './errors';
import { explainStop } from './explain/explain-stop';
import type { StopExplanation } from './explain/explain-stop';
import { RunClock } from './run-clock';
import { RunLoop } from './run-loop';
import type { Plan, RunEnd, Scheduler, StepCommand } from './run-loop';
import type { SessionOptions } from './session-options';
import { Stack } from './stack';
import { planStep } from './stepping/step-plans';
import type { Granularity, StepKind } from './stepping/step-plans';
import type { Stop } from './stop';
import { StaleWatch } from './stale-watch';
import { StopJudge } from './stop-judge';
import { SymbolSpace } from './symbol-space';
import { TargetWatch } from './target-watch';
import { createSystem, openSymbols } from './systems/create-system';
import type { Console, End, System } from './systems/system';
import type { Target } from './target';

/** What a session tells whoever started it. */
export interface SessionListener {
  stopped(stop: Stop): void;
  ended(end: End): void;
  /** A console wrote bytes. */
  output(console: string, bytes: Uint8Array): void;
  /** A log point, a remark of the debugger, or a mistake of the guest's that it has found. */
  log(text: string, kind: 'log-point' | 'note' | 'finding'): void;
  breakpointChanged(breakpoint: Breakpoint): void;
  /** There are other targets than before, or one's `standstill` changed. */
  targetsChanged?(): void;
}

export type SessionState = 'loading' | 'paused' | 'running' | 'ended';

export class Session {
  readonly breakpoints: BreakpointStore;
  private current:
    | { readonly system: System; readonly loop: RunLoop; readonly judge: StopJudge; readonly watch: TargetWatch }
    | undefined;
  private space = new SymbolSpace([]);
  private options: SessionOptions | undefined;
  private lastStop: Stop | undefined;
  private readonly stacks = new Map<Target, Stack>();
  private phase: SessionState = 'loading';
  /** Counts runs, so that one that was abandoned (by a restart) ends without effect. */
  private generation = 0;
  private boots = 0;
  private settled: Promise<void> = Promise.resolve();

  constructor(
    private readonly scheduler: Scheduler,
    private readonly listener: SessionListener,
  ) {
    this.breakpoints = new BreakpointStore((breakpoint) => listener.breakpointChanged(breakpoint));
  }

  /**
   * Loads programs and symbols, and resolves the breakpoints set so far. Nothing runs yet.
   * @throws DebuggerError in one sentence
   */
  load(options: SessionOptions): void {
    const symbols = openSymbols(options.guests);
    this.boot(options);
    this.options = options;
    this.space = symbols;
    this.breakpoints.attach(this.space, options.mode === 'hypervisor');
    for (const { name, file } of this.space.modules) {
      if (!file.hasDebugInfo) {
        this.listener.log(`${name} has no debug information: stepping and breakpoints work by instruction.`, 'note');
      }
    }
  }

  /** Begins execution, or stops before the first instruction. */
  start(): void {
    if (this.options?.stopOnEntry) this.stop({ target: this.system.current, reason: { kind: 'entry' } });
    else this.run();
  }

  get state(): SessionState {
    return this.phase;
  }

  /** @throws DebuggerError before `load` */
  get system(): System {
    return this.running.system;
  }

  get symbols(): SymbolSpace {
    return this.space;
  }

  get targets(): readonly Target[] {
    return this.current?.system.targets ?? [];
  }

  /** Counts the boots of this session: what was said of address spaces holds for one of them. */
  get bootCount(): number {
    return this.boots;
  }

  /** The stop that the session stands at; undefined while it runs. */
  get stopped(): Stop | undefined {
    return this.lastStop;
  }

  explain(stop: Stop): StopExplanation {
    return explainStop(stop, this.space);
  }

  continue(): void {
    this.requirePaused();
    this.run();
  }

  step(target: Target, kind: StepKind, granularity: Granularity): void {
    this.requirePaused();
    if (target.standstill === 'held') {
      throw new DebuggerError(`Guest ${target.guest} is held, and executes nothing; release it first.`);
    }
    refuseEnded(target);
    const { judge } = this.running;
    judge.beginStep();
    const world = {
      target,
      symbols: this.space,
      takeTraps: () => judge.takeTraps().filter((trap) => trap.target === target),
    };
    // What is pending is what a step does first, and all that it does: the user sees what came of it.
    const plan = this.system.pending?.target === target ? planInstruction(target) : planStep(world, kind, granularity);
    this.run(plan);
  }

  /** Stops as soon as possible; the stop is told to the listener. Without effect unless it runs. */
  pause(): void {
    if (this.phase === 'running') this.running.loop.pause();
  }

  /** The names of the guests; none on the bare machine. */
  get guests(): readonly string[] {
    return this.system.hold ? [...new Set(this.targets.map(({ guest }) => guest))] : [];
  }

  /**
   * Holds a guest, so that it executes nothing while the others go on, or lets it go again. While it runs, too.
   * @throws DebuggerError when there is no such guest, or it has ended
   */
  hold(guest: string, on: boolean): void {
    const { system, loop, watch } = this.running;
    if (!system.hold) throw new DebuggerError('There is no hypervisor here, and so no guest to hold.');
    const target = this.targets.find((candidate) => candidate.guest === guest);
    if (!target) throw new DebuggerError(`There is no guest "${guest}"; there is ${this.guests.join(', ')}.`);
    refuseEnded(target);
    system.hold(guest, on);
    loop.wakeUp();
    watch.check();
  }

  /**
   * Boots everything anew, with the same breakpoints, and begins again.
   * @param options files as they are now, which may have been built anew
   * @throws DebuggerError when they cannot be loaded; then the session stands where it was
   */
  async restart(options: SessionOptions): Promise<void> {
    const before = this.lastStop;
    const hasEnded = this.phase === 'ended';
    await this.halt();
    try {
      this.load(options);
    } catch (error) {
      if (!hasEnded) this.stop(before ?? { target: this.system.current, reason: { kind: 'pause', isIdle: false } });
      throw error;
    }
    this.breakpoints.resetHits();
    this.start();
  }

  /** Ends the session; nothing is told to the listener any more. */
  async dispose(): Promise<void> {
    await this.halt();
    this.phase = 'ended';
  }

  /** Gives a console input. @throws DebuggerError when there is no such console, or too much input waits there */
  input(console: string, bytes: Uint8Array): void {
    if (!this.console(console).receive(bytes)) {
      throw new DebuggerError('The guest does not read its console, and too much input waits for it already.');
    }
    this.running.loop.wakeUp();
  }

  /** Tells a console the size of its terminal, in characters. @throws DebuggerError when there is no such console */
  resize(console: string, columns: number, rows: number): void {
    this.console(console).resize?.(columns, rows);
    this.running.loop.wakeUp();
  }

  /** The call stack of a target at this stop. @throws DebuggerError while it runs */
  stack(target: Target): Stack {
    this.requirePaused();
    let stack = this.stacks.get(target);
    if (!stack) {
      const { pending } = this.system;
      stack = new Stack(target, this.space, pending?.target === target ? pending.record : undefined);
      this.stacks.set(target, stack);
    }
    return stack;
  }

  /** To be called after memory, a register or a CSR was changed: stacks are unwound again. */
  changed(): void {
    this.stacks.clear();
  }

  private console(id: string): Console {
    const found = this.system.consoles.find((console) => console.id === id);
    if (!found) throw new DebuggerError(`There is no console "${id}".`);
    return found;
  }

  private get running(): NonNullable<Session['current']> {
    if (!this.current) throw new DebuggerError('No program has been loaded yet.');
    return this.current;
  }

  private requirePaused(): void {
    if (this.phase === 'paused') return;
    throw new DebuggerError(
      this.phase === 'running' ? 'The guest is running; pause it first.' : 'The guest has ended.',
    );
  }

  private boot(options: SessionOptions): void {
    const hostClock = (): number => this.scheduler.now();
    const clock = options.clock === 'realtime' ? new RunClock(hostClock) : undefined;
    const system = createSystem(options, { hostClock, ...(clock && { ticks: () => clock.ticks }) });
    system.onProblem = (text) => this.listener.log(text, 'note');
    // Without debugging nothing stops: breakpoints that the client sets all the same are never looked at.
    const store = options.noDebug ? new BreakpointStore(() => undefined) : this.breakpoints;
    const { staleTranslations = 'log' } = options;
    const staleMode = options.noDebug && staleTranslations === 'stop' ? 'log' : staleTranslations;
    const judge = new StopJudge(
      system,
      store,
      () => this.space,
      (text) => this.listener.log(text, 'log-point'),
      ++this.boots,
      new StaleWatch(staleMode, (text) => this.listener.log(text, 'finding')),
    );
    const watch = new TargetWatch(system, () => this.listener.targetsChanged?.());
    const loop = new RunLoop(system, this.scheduler, judge, options.pacing, clock);
    loop.onSlice = () => watch.check();
    for (const console of system.consoles) {
      console.onOutput = (bytes) => {
        this.listener.output(console.id, bytes);
        loop.noteOutput();
      };
    }
    if (system.input) system.input.onWaiting = () => loop.wakeUp();
    this.current = { system, loop, judge, watch };
    this.phase = 'paused';
    this.listener.targetsChanged?.();
  }

  /** Ends a run in progress without telling of it. */
  private async halt(): Promise<void> {
    this.generation++;
    this.current?.loop.pause();
    await this.settled;
    this.lastStop = undefined;
    this.stacks.clear();
  }

  private run(plan?: Plan): void {
    const { loop, judge } = this.running;
    this.lastStop = undefined;
    this.stacks.clear();
    this.phase = 'running';
    const generation = this.generation;
    judge.prepare(plan !== undefined);
    this.settled = loop.run(plan).then(
      (end) => {
        if (generation === this.generation) this.finish(end);
      },
      (error: unknown) => {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        if (generation === this.generation)
          this.stop({ target: this.system.current, reason: { kind: 'failure', text } });
      },
    );
  }

  private finish(end: RunEnd): void {
    if (end.kind === 'ended') {
      this.phase = 'ended';
      this.listener.ended(end.end);
      return;
    }
    const { judge } = this.running;
    const target = judge.stoppedTarget ?? this.system.current;
    if (end.kind === 'stopped') this.stop({ target, reason: judge.reason ?? { kind: 'pause', isIdle: false } });
    else if (end.kind === 'paused') this.stop({ target, reason: { kind: 'pause', isIdle: end.isIdle } });
    else this.stop({ target, reason: { kind: 'step' } });
  }

  private stop(stop: Omit<Stop, 'exit'>): void {
    const { pending } = this.system;
    this.phase = 'paused';
    this.lastStop = { ...stop, ...(pending?.target === stop.target ? { exit: pending.record } : {}) };
    this.listener.stopped(this.lastStop);
  }
}

function refuseEnded({ guest, standstill }: Target): void {
  if (standstill === 'ended') throw new DebuggerError(`Guest ${guest} has ended, and executes nothing more.`);
}

function* planInstruction(target: Target): Generator<StepCommand, void, void> {
  yield { kind: 'instruction', target };
}
