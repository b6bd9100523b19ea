/** What the machine's results mean to the debugger, and the bound on work outside guest instructions. */
import type { Hart } from '../../machine/hart';
import type { Machine } from '../../machine/machine';
import type { PowerOff, RunResult } from '../../machine/run-result';
import type { End, RunOutcome } from './system';
import type { Target } from '../target';

/** VM exits and firmware calls cost more than instructions, at first up to 0.1 ms, so a slice ends after so many of them. */
const MOST_CALLS = 100;
/** Instructions that the engine's slow path does cost about a microsecond each, and at first more. */
const MOST_SLOW_INSTRUCTIONS = 2000;

/**
 * Wraps a handler in TypeScript, so that a slice with nothing but traps ends within milliseconds too.
 * @returns the wrapped handler, and a question: did the last slice end for this reason (then it is a mere limit)?
 */
export function boundCalls<T>(machine: Machine, handler: (trap: T) => void): (trap: T) => void {
  let calls = 0;
  return (trap) => {
    handler(trap);
    if (++calls % MOST_CALLS === 0) machine.requestStop();
  };
}

/** As `boundCalls`, for instructions that the engine's slow path does. */
export function boundSlowPath(machine: Machine): void {
  machine.engine.boundSlowPath(MOST_SLOW_INSTRUCTIONS, () => machine.requestStop());
}

/** As `boundCalls`, for questions at breakpoints. */
export function boundQuestions(machine: Machine, ask: () => boolean): () => boolean {
  let questions = 0;
  return () => {
    if (++questions % MOST_CALLS === 0) machine.requestStop();
    return ask();
  };
}

/** Instructions of others at a stretch, while one target is stepped. */
export const OTHERS_SLICE = 20_000;

/**
 * Steps a hart when it is its turn; until then, the others run.
 * @param step of the hart whose turn it is
 */
export function stepHart(
  machine: Machine,
  hart: Hart,
  step: () => RunResult,
): RunResult | { readonly kind: 'elsewhere' } {
  if (machine.harts.length === 1) return step();
  const result = machine.run(OTHERS_SLICE, hart);
  if (result.kind === 'turn') return step();
  return result.kind === 'limit' ? { kind: 'elsewhere' } : result;
}

/** @param isStop whether a watcher asked for the stop; otherwise the bound on calls did */
export function outcomeOf(
  result: RunResult | { readonly kind: 'elsewhere' },
  target: Target,
  isStop: boolean,
): RunOutcome {
  switch (result.kind) {
    case 'limit':
    case 'turn':
      return { kind: 'limit' };
    case 'elsewhere':
      return result;
    case 'stopped':
      return isStop ? { kind: 'stopped' } : { kind: 'limit' };
    case 'breakpoint':
      return { kind: 'breakpoint', target };
    case 'idle':
      return { kind: 'idle' };
    case 'waiting':
      return { kind: 'waited', ticks: result.ticks };
    case 'asleep':
      return { kind: 'asleep', ticks: result.ticks };
    case 'power-off':
      return { kind: 'end', end: endOf(result) };
  }
}

const ENDS: Readonly<Record<PowerOff['reason'], (code: number) => string>> = {
  shutdown: (code) => (code === 0 ? 'The guest shut down.' : `The guest shut down with code ${code}.`),
  reboot: () => 'The guest asked for a reboot, which ends the session; restart it to boot again.',
  failure: (code) => `The guest ended with failure code ${code}.`,
};

/** How a machine or a guest ended, in words. */
export function endOf({ reason, code }: PowerOff): End {
  return { reason, code, text: ENDS[reason](code) };
}
