/**
 * What is told of a run with the guest's symbols, loaded when it is needed: statistics as JSON in a file or as text on the
 * terminal, its last VM exits, stale translations.
 */
import { writeFileSync } from 'node:fs';
import { exitCountData, exitTimeData, loggedExitData } from '../debugger/exits/exit-data';
import { exitLogText, exitStatisticsText } from '../debugger/exits/exit-text';
import { StaleWatch } from '../debugger/stale-watch';
import { openSymbols } from '../debugger/systems/create-system';
import { SymbolSpace } from '../debugger/symbol-space';
import type { System } from '../debugger/systems/system';
import type { ExitRecordOf } from '../hypervisor/exit-record';
import { readUserFile } from './kernel-file';

/** For the terminal instead of a file. */
const TERMINAL = '-';
/** Places given for each kind of exit. */
const TOP_SITES = 20;

export interface StatisticsRequest {
  /** Path of a file, or `-`. */
  readonly output: string | undefined;
  /** How many of the last VM exits are shown. */
  readonly exitLog: number;
  /** The guest's program: its symbols say where exits happened. */
  readonly kernel: string;
}

/** @param seconds of real time that the run took. @throws Error in a user's words when the file cannot be written */
export function writeStatistics(system: System, seconds: number, { output, exitLog, kernel }: StatisticsRequest): void {
  const symbols = system.exits ? symbolsOf(kernel) : new SymbolSpace([]);
  const { instructions, exits } = system;
  const logged = exits?.log?.last(exitLog) ?? [];
  if (output !== undefined && output !== TERMINAL) {
    writeFileSync(output, `${JSON.stringify(dataOf(system, seconds, symbols, exitLog), undefined, 2)}\n`);
  }
  const lines: string[] = [];
  if (output === TERMINAL) {
    const mips = (instructions / seconds / 1e6).toFixed(1);
    lines.push(
      `${instructions.toLocaleString('en-US')} instructions in ${seconds.toFixed(3)} s: ${mips} million a second.`,
    );
    if (exits) lines.push('', ...exitStatisticsText(exits, instructions, symbols));
  }
  if (exitLog > 0 && exits) {
    lines.push('', `The last ${logged.length} VM exits:`, ...exitLogText(logged, exits.isTimed, symbols));
  }
  if (lines.length > 0) process.stderr.write(`\n${lines.join('\n')}\n`);
}

/** Tells of stale translations, each once. */
export function staleTeller(kernel: string): (record: ExitRecordOf<'staleTranslation'>) => void {
  const symbols = symbolsOf(kernel);
  const watch = new StaleWatch('log', (text) => void process.stderr.write(`\nhypocaust: ${text}\n`));
  return (record) => void watch.judge(record, () => symbols);
}

/** What is the same in every run comes first; `measured` is what the host's clock said. */
function dataOf(system: System, seconds: number, symbols: SymbolSpace, exitLog: number): object {
  const kinds: Record<string, number> = {};
  for (const { counts } of system.exitCounts) {
    for (const [kind, count] of Object.entries(counts)) kinds[kind] = (kinds[kind] ?? 0) + count;
  }
  const { instructions, exits } = system;
  return {
    instructions,
    seconds,
    mips: instructions / seconds / 1e6,
    exits: kinds,
    ...(exits && {
      guests: exitCountData(exits.guests, TOP_SITES, symbols),
      measured: { unit: 'ms', guests: exitTimeData(exits.guests) },
    }),
    ...(exits?.log && { log: exits.log.last(exitLog).map((exit) => loggedExitData(exit, symbols)) }),
  };
}

function symbolsOf(kernel: string): SymbolSpace {
  return openSymbols([{ name: kernel, program: { path: kernel, bytes: readUserFile(kernel, 'kernel') } }]);
}
