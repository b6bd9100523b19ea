/** Statistics of VM exits and the last of them, as the client's view gets them. */
import { placeOfExit } from '../debugger/exits/exit-place';
import { describeExit } from '../debugger/explain/describe-exit';
import { hex } from '../debugger/format';
import { EXIT_KINDS } from '../hypervisor/exit-record';
import type { LoggedExit } from '../hypervisor/insight/exit-log';
import type { ExitStatistics } from '../hypervisor/insight/exit-statistics';
import type { ExitLine, ExitPlace, KindStatistics, StatisticsResponse } from '../protocol/statistics';
import type { Connection } from './connection';

const MEANINGS = Object.fromEntries(EXIT_KINDS.map(({ kind, description }) => [kind, description]));
const TICKS_PER_SECOND = 1e7;
/** What a view shows: more would not be read. */
const MOST_PLACES = 20;
const MOST_EXITS = 100;

export function statisticsOf(connection: Connection): StatisticsResponse {
  const { instructions, time, exitCounts, exits } = connection.session.system;
  const detailed = (guest: string): ExitStatistics | undefined => exits?.guests.find((one) => one.guest === guest);
  return {
    instructions,
    virtualSeconds: Number(time) / TICKS_PER_SECOND,
    guests: exitCounts.map(({ guest, counts }) => ({
      guest,
      exits: { ...counts },
      ...(exits && { kinds: kindsOf(connection, detailed(guest)) }),
    })),
    ...(exitCounts.length > 0 && { meanings: MEANINGS }),
    ...(exits?.log && {
      lastExits: exits.log
        .last(MOST_EXITS)
        .map((exit) => exitLine(connection, exit))
        .reverse(),
    }),
  };
}

function kindsOf(connection: Connection, statistics: ExitStatistics | undefined): KindStatistics[] {
  return (statistics?.kinds ?? []).map(({ kind, count, time, subjects, sites }) => ({
    kind,
    count,
    milliseconds: time,
    subjects: [...subjects]
      .map(([name, cost]) => ({ name, count: cost.count, milliseconds: cost.time }))
      .sort((a, b) => b.count - a.count),
    places: [...sites.values()]
      .sort((a, b) => b.count - a.count)
      .slice(0, MOST_PLACES)
      .map((site) => ({ ...placeOf(connection, site.pc), count: site.count, milliseconds: site.time })),
  }));
}

function exitLine(connection: Connection, { index, record }: LoggedExit): ExitLine {
  const { guest, kind, count: instructions, pc } = record;
  return { index, guest, kind, text: describeExit(record), instructions, ...placeOf(connection, pc) };
}

function placeOf({ session, sources }: Connection, pc: bigint): ExitPlace {
  const { symbol, line } = placeOfExit(pc, session.symbols);
  const path = line && sources.locate(line.file);
  return {
    pc: hex(pc),
    ...(symbol !== undefined && { symbol }),
    ...(path !== undefined && { source: { path, line: line!.line } }),
  };
}
