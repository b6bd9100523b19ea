/**
 * What is told of a run with the guest's symbols, loaded when it is needed: statistics of VM exits as JSON in a file or as text on
 * the terminal, the last of them, stale translations.
 */
import { exitCountData, exitTimeData, loggedExitData } from '../debugger/exits/exit-data';
import { exitLogText, exitStatisticsText } from '../debugger/exits/exit-text';
import { StaleWatch } from '../debugger/stale-watch';
import { openSymbols } from '../debugger/systems/create-system';
import type { SymbolSpace } from '../debugger/symbol-space';
import type { ExitRecordOf } from '../hypervisor/exit-record';
import type { ExitRecorder } from '../hypervisor/insight/exit-recorder';
import { readUserFile } from './user-file';
import type { RunFigures } from './run-figures';
import { TERMINAL, writeFigures } from './run-figures';

/** Places given for each kind of exit. */
const TOP_SITES = 20;

export interface StatisticsRequest {
  /** Path of a file, or `-` for the terminal. */
  readonly output: string | undefined;
  /** How many of the last VM exits are shown. */
  readonly exitLog: number;
  /** The guest's program: its symbols say where exits happened. */
  readonly kernel: string;
}

/** @throws Error in a user's words when the file cannot be written */
export function writeStatistics(
  exits: ExitRecorder,
  figures: RunFigures,
  { output, exitLog, kernel }: StatisticsRequest,
): void {
  const symbols = symbolsOf(kernel);
  const logged = exits.log?.last(exitLog) ?? [];
  const lines: string[] = [];
  if (output === TERMINAL) lines.push('', ...exitStatisticsText(exits, figures.instructions, symbols));
  if (exitLog > 0) {
    lines.push('', `The last ${logged.length} VM exits:`, ...exitLogText(logged, exits.isTimed, symbols));
  }
  writeFigures(output, dataOf(exits, figures, symbols, exitLog), lines);
}

/** Tells of stale translations, each once. */
export function staleTeller(kernel: string): (record: ExitRecordOf<'staleTranslation'>) => void {
  const symbols = symbolsOf(kernel);
  const watch = new StaleWatch('log', (text) => void process.stderr.write(`\nhypocaust: ${text}\n`));
  return (record) => void watch.judge(record, () => symbols);
}

/** What is the same in every run comes first; `measured` is what the host's clock said. */
const dataOf = (exits: ExitRecorder, figures: RunFigures, symbols: SymbolSpace, exitLog: number) => ({
  ...figures,
  guests: exitCountData(exits.guests, TOP_SITES, symbols),
  measured: { unit: 'ms', guests: exitTimeData(exits.guests) },
  ...(exits.log && { log: exits.log.last(exitLog).map((exit) => loggedExitData(exit, symbols)) }),
});

function symbolsOf(kernel: string): SymbolSpace {
  return openSymbols([{ name: kernel, program: { path: kernel, bytes: readUserFile(kernel, 'kernel') } }]);
}
