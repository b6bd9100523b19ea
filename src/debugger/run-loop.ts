/**
 * Runs a system in slices, so that the host's event loop always gets its turn: pausing answers within milliseconds
 * whatever the guest does. An idle guest costs no time: the loop sleeps until input, a pause, or the guest's own timer.
 */
import type { RunClock } from './run-clock';
import type { End, RunOutcome, System } from './systems/system';
import type { Target } from './target';

/** Time and turns, from the host: Node or a browser. */
export interface Scheduler {
  /** Milliseconds from any fixed point. */
  now(): number;
  /** Calls back after the host has handled what is waiting. */
  soon(callback: () => void): void;
  /** Calls back after so many milliseconds; the function returned cancels it. */
  later(callback: () => void, milliseconds: number): () => void;
}

/**
 * How waiting for timers passes where time is virtual: as long as the guest asks for, or skipped at once; but a guest that does
 * nothing else for a while is let run only now and then. What the guest sees is the same.
 */
export type Pacing = 'real-time' | 'skip';

/** One command of a plan: execute one instruction of a target, or run freely until it reaches a place. */
export type StepCommand =
  | { readonly kind: 'instruction'; readonly target: Target }
  | {
      readonly kind: 'run';
      readonly target: Target;
      readonly until: ReadonlySet<bigint>;
      readonly accept: () => boolean;
    };

/** What a run is to do: commands in turn, each when the one before is done; the run ends with it. */
export type Plan = Iterator<StepCommand, void, void>;

/** What ended a run. */
export type RunEnd =
  | { readonly kind: 'paused'; readonly isIdle: boolean }
  /** The plan is done. */
  | { readonly kind: 'done' }
  /** The system's watcher stopped it, or `check` said so. */
  | { readonly kind: 'stopped' }
  | { readonly kind: 'ended'; readonly end: End };

/** What the loop asks whoever started it. */
export interface RunObserver {
  /** At a breakpoint address that is the user's: true to stop. */
  breakpoint(): boolean;
  /** The user's breakpoint addresses. */
  breakpoints(): Iterable<bigint>;
  /** Another number whenever the addresses have changed. */
  readonly breakpointVersion: number;
  /** Between slices: true to stop for good reason, such as a guest that can never get anywhere. */
  check(): boolean;
}

const SLICE_MILLISECONDS = 5;
/**
 * Instructions at a stretch. From one to the next a guest can become a hundred times slower, so that even the largest number
 * must not take long then; systems end a stretch early that does more than execute instructions (`run-result.ts`).
 */
const FIRST_BUDGET = 5_000;
const LEAST_BUDGET = 1_000;
const MOST_BUDGET = 1_000_000;
const TICKS_PER_MILLISECOND = 10_000;
/** Shorter waits are summed up: a host's timers are not finer. */
const LEAST_SLEEP = 4;
/** When nothing but timers has happened for so many milliseconds of running, waits are no longer skipped freely. */
const SKIPPING = 1000;
/** A guest that executes more than so many instructions for each tick that it waits does not mostly wait. */
const BUSY_INSTRUCTIONS_PER_TICK = 1;
/** From then on, the share of the host's time that the guest gets. */
const IDLE_SHARE = 0.05;

export class RunLoop {
  /** Hears of the end of each slice. */
  onSlice?: () => void;
  private pauseRequested = false;
  private wake: (() => void) | undefined;
  private budget = FIRST_BUDGET;
  private owed = 0;
  /** Milliseconds of running in which the guest mostly waited, without input or output. */
  private idled = 0;
  /** A console has written something since the host had its turn. */
  private hasWritten = false;

  constructor(
    private readonly system: System,
    private readonly scheduler: Scheduler,
    private readonly observer: RunObserver,
    /** A function is asked whenever the guest waits for a timer. */
    private readonly pacing: Pacing | (() => Pacing) = 'real-time',
    /** What the machine's time follows, if it is not virtual. */
    private readonly clock?: RunClock,
  ) {}

  /** Ends the current run as soon as possible. */
  pause(): void {
    this.pauseRequested = true;
    this.wakeUp();
  }

  /** To be called after input has been given to a console: an idle guest goes on at once. */
  wakeUp(): void {
    this.owed = 0;
    this.noteActivity();
    this.wake?.();
  }

  /** To be called when a console has written something: it is to be seen soon, whatever the guest does next. */
  noteOutput(): void {
    this.noteActivity();
    this.budget = Math.min(this.budget, FIRST_BUDGET);
    if (this.hasWritten) return;
    this.hasWritten = true;
    this.system.endSlice();
  }

  /** The guest does more than wait. */
  private noteActivity(): void {
    this.idled = 0;
  }

  /**
   * Runs until the plan is done or something ends it. One run at a time.
   * @param plan absent: run freely
   */
  async run(plan?: Plan): Promise<RunEnd> {
    this.pauseRequested = false;
    this.clock?.start();
    try {
      return await this.loop(new PlanRunner(this.system, this.observer, plan));
    } finally {
      this.clock?.stop();
    }
  }

  private async loop(steps: PlanRunner): Promise<RunEnd> {
    for (;;) {
      if (this.pauseRequested) return { kind: 'paused', isIdle: false };
      const outcome = this.slice(steps);
      this.onSlice?.();
      if (outcome.kind === 'done' || outcome.kind === 'stopped') return outcome;
      if (outcome.kind === 'end') return { kind: 'ended', end: outcome.end };
      if (this.observer.check()) return { kind: 'stopped' };
      const sleep = this.sleepAfter(outcome);
      if (sleep === 0) {
        await new Promise<void>((resolve) => this.scheduler.soon(resolve));
        continue;
      }
      const started = this.scheduler.now();
      await this.sleep(sleep);
      this.owed = Math.max(0, this.owed - (this.scheduler.now() - started));
      if (this.pauseRequested) return { kind: 'paused', isIdle: true };
    }
  }

  /** Milliseconds to sleep after a slice that ended so; Infinity: until there is input. */
  private sleepAfter(outcome: SliceOutcome): number {
    if (outcome.kind === 'idle') return Infinity;
    if (outcome.kind === 'asleep') return Math.max(1, outcome.ticks / TICKS_PER_MILLISECOND);
    const isDue = outcome.kind === 'waited' && this.owed >= LEAST_SLEEP;
    const idles = this.idled > SKIPPING;
    // Asked only where it matters: who says whether somebody is typing opens standard input for that.
    if (!isDue && !idles) return 0;
    if (this.isRealTime()) return isDue ? this.owed : 0;
    return idles ? SLICE_MILLISECONDS / IDLE_SHARE : 0;
  }

  /** Runs for some milliseconds of the host's time. */
  private slice(steps: PlanRunner): SliceOutcome {
    const start = this.scheduler.now();
    const { instructions } = this.system;
    this.hasWritten = false;
    let waited = 0;
    let passed: number;
    let outcome: SliceOutcome;
    do {
      const before = this.scheduler.now();
      const executed = this.system.instructions;
      outcome = steps.advance(this.budget);
      const after = this.scheduler.now();
      passed = after - start;
      if (outcome.kind === 'limit') this.adapt(this.system.instructions - executed, after - before);
      if (outcome.kind === 'waited') waited += outcome.ticks;
      if (outcome.kind === 'waited' && this.isRealTime()) this.owed += outcome.ticks / TICKS_PER_MILLISECOND;
    } while (goesOn(outcome) && passed < SLICE_MILLISECONDS && this.owed < LEAST_SLEEP);
    const isIdle = waited > (this.system.instructions - instructions) / BUSY_INSTRUCTIONS_PER_TICK;
    this.idled = isIdle ? this.idled + passed : 0;
    return outcome;
  }

  /** Aims at slices of the wanted length; a guest may from one moment to the next become much slower. */
  private adapt(instructions: number, milliseconds: number): void {
    if (milliseconds > 2 * SLICE_MILLISECONDS) {
      this.budget = Math.max(LEAST_BUDGET, Math.floor((instructions * SLICE_MILLISECONDS) / milliseconds));
    } else if (milliseconds < SLICE_MILLISECONDS / 2) {
      this.budget = Math.min(MOST_BUDGET, this.budget * 2);
    }
  }

  private isRealTime(): boolean {
    const { pacing, system } = this;
    return system.input?.isAwaited || (typeof pacing === 'function' ? pacing() : pacing) === 'real-time';
  }

  private sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      let cancel: (() => void) | undefined = undefined;
      this.wake = () => {
        this.wake = undefined;
        cancel?.();
        resolve();
      };
      if (milliseconds !== Infinity) cancel = this.scheduler.later(() => this.wake?.(), milliseconds);
    });
  }
}

type SliceOutcome =
  Exclude<RunOutcome, { kind: 'breakpoint' | 'elsewhere' }> | { readonly kind: 'done' } | { readonly kind: 'again' };

/** Whether a slice may go on after this. */
function goesOn({ kind }: SliceOutcome): boolean {
  return kind === 'limit' || kind === 'again' || kind === 'waited';
}

/** Carries out the commands of a plan on the system, one piece at a time. */
class PlanRunner {
  private command: StepCommand | undefined;
  /** This target's next instruction is executed even when a breakpoint is on it. */
  private passing: Target | undefined;
  private applied: { readonly version: number; readonly until: ReadonlySet<bigint> | undefined } | undefined;

  constructor(
    private readonly system: System,
    private readonly observer: RunObserver,
    private readonly plan: Plan | undefined,
  ) {
    this.passing = system.current;
  }

  advance(budget: number): SliceOutcome {
    if (this.plan && !this.command) {
      const next = this.plan.next();
      if (next.done) return { kind: 'done' };
      this.command = next.value;
    }
    const { command } = this;
    return command?.kind === 'instruction' ? this.instruction(command.target) : this.free(budget, command);
  }

  private instruction(target: Target): SliceOutcome {
    const { system, observer } = this;
    if (this.passing !== target && system.current === target && observer.breakpoint()) return { kind: 'stopped' };
    const outcome = this.step(target);
    if (outcome.kind !== 'again') this.command = undefined;
    return outcome.kind === 'limit' ? { kind: 'again' } : outcome;
  }

  /** Executes one instruction of the target, or others for a while: then the step is to be made again. */
  private step(target: Target): SliceOutcome {
    const { system, observer } = this;
    if (system.targets.length > 1) {
      this.applyBreakpoints(undefined);
      system.onBreakpoint = () => observer.breakpoint();
    }
    const outcome = system.step(target);
    if (outcome.kind === 'breakpoint') return { kind: 'stopped' };
    if (outcome.kind === 'elsewhere') return { kind: 'again' };
    if (this.passing === target) this.passing = undefined;
    return outcome;
  }

  private free(budget: number, command: Extract<StepCommand, { kind: 'run' }> | undefined): SliceOutcome {
    if (this.passing) {
      const outcome = this.step(this.passing);
      if (outcome.kind !== 'limit') return outcome;
    }
    const isArrived = (): boolean =>
      command !== undefined &&
      this.system.current === command.target &&
      command.until.has(command.target.pc) &&
      command.accept();
    if (isArrived()) return this.arrive();
    this.applyBreakpoints(command?.until);
    let hasArrived = false;
    // Decided while the system runs: a condition that does not hold must not cost leaving and entering it.
    this.system.onBreakpoint = () => {
      hasArrived = isArrived();
      return hasArrived || this.observer.breakpoint();
    };
    const outcome = this.system.run(budget);
    if (outcome.kind === 'elsewhere') return { kind: 'again' };
    if (outcome.kind !== 'breakpoint') return outcome;
    return hasArrived ? this.arrive() : { kind: 'stopped' };
  }

  /** Setting breakpoints costs decoded code, so it is done only when they differ. */
  private applyBreakpoints(until: ReadonlySet<bigint> | undefined): void {
    const { breakpointVersion } = this.observer;
    if (this.applied?.version === breakpointVersion && this.applied.until === until) return;
    this.applied = { version: breakpointVersion, until };
    this.system.setBreakpoints([...this.observer.breakpoints(), ...(until ?? [])]);
  }

  private arrive(): SliceOutcome {
    this.command = undefined;
    return { kind: 'again' };
  }
}
