/** Compares sides on one task: they run in turn, several times, and must print the same. */
import { BenchError } from './errors';
import type { Run, Side, Task } from './sides';

/** Figures of several runs. */
export interface Figure {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly all: readonly number[];
}

/** The runs of each side, in the order of the sides. */
export type Rounds = readonly (readonly Run[])[];

/**
 * Runs the sides in turn, so that what else the computer does hits all of them.
 * @throws BenchError when one fails, or they print different results
 */
export async function runInTurn(name: string, task: Task, sides: readonly Side[], rounds: number): Promise<Rounds> {
  const runs: Run[][] = sides.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, side] of sides.entries()) {
      const run = await side.run(task);
      const expected = runs[0][0]?.output ?? run.output;
      if (run.output !== expected) {
        throw new BenchError(`${name}: ${sides[0].name} printed ${expected}but ${side.name} ${run.output}`);
      }
      runs[i].push(run);
    }
  }
  return runs;
}

export function figure(values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, least: sorted[0], most: sorted[sorted.length - 1], all: values };
}

/** How many times as long `slow` took as `fast`, pair by pair. */
export function ratioOf(slow: readonly Run[], fast: readonly Run[], secondsOf = (run: Run) => run.seconds): Figure {
  return figure(slow.map((run, i) => secondsOf(run) / secondsOf(fast[i])));
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
