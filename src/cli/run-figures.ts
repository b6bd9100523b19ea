/** What is told of any run, as JSON in a file or as text on the terminal: how much was executed, and how fast. */
import { writeFileSync } from 'node:fs';
import type { System } from '../debugger/systems/system';

/** For the terminal instead of a file. */
export const TERMINAL = '-';

export interface RunFigures {
  readonly instructions: number;
  readonly seconds: number;
  /** Millions of instructions in a second. */
  readonly mips: number;
  /** VM exits by kind, of all guests. */
  readonly exits: Readonly<Record<string, number>>;
}

/** @param seconds of real time that the run took */
export function figuresOf({ instructions, exitCounts }: System, seconds: number): RunFigures {
  const exits: Record<string, number> = {};
  for (const { counts } of exitCounts) {
    for (const [kind, count] of Object.entries(counts)) exits[kind] = (exits[kind] ?? 0) + count;
  }
  return { instructions, seconds, mips: instructions / seconds / 1e6, exits };
}

/**
 * @param output path of a file, or `-` for the terminal; undefined: only the lines are written
 * @param lines what else is to be told on the terminal
 * @throws Error when the file cannot be written
 */
export function writeFigures(output: string | undefined, figures: RunFigures, lines: readonly string[]): void {
  if (output !== undefined && output !== TERMINAL) {
    writeFileSync(output, `${JSON.stringify(figures, undefined, 2)}\n`);
  }
  const told = output === TERMINAL ? [summary(figures), ...lines] : lines;
  if (told.length > 0) process.stderr.write(`\n${told.join('\n')}\n`);
}

const summary = ({ instructions, seconds, mips }: RunFigures): string =>
  `${instructions.toLocaleString('en-US')} instructions in ${seconds.toFixed(3)} s: ${mips.toFixed(1)} million a second.`;
