/** VM exits as plain text, for the debug console and the terminal: what there were, and the last of them. */
import type { LoggedExit } from '../../hypervisor/insight/exit-log';
import type { ExitRecorder } from '../../hypervisor/insight/exit-recorder';
import type { ExitCost, ExitStatistics, KindStatistics } from '../../hypervisor/insight/exit-statistics';
import { describeExit } from '../explain/describe-exit';
import { hex } from '../format';
import type { SymbolSpace } from '../symbol-space';
import { placeOfExit, placeText } from './exit-place';
import { textTable } from './text-table';
import type { Alignment } from './text-table';

/** Subjects of a kind, and places, that are shown unless more are asked for. */
const TOP = 5;

const count = (value: number): string => value.toLocaleString('en-US');
/** Milliseconds on the host, in the unit that suits. */
const duration = (milliseconds: number): string =>
  milliseconds >= 1 ? `${milliseconds.toFixed(1)} ms` : `${(milliseconds * 1000).toFixed(1)} µs`;
const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;

/** The most frequent first. */
function byCount<T extends ExitCost>(costs: Iterable<T>): T[] {
  return [...costs].sort((a, b) => b.count - a.count);
}

const HEAD = ['', 'count', 'share', 'repeated'];
const TIME_HEAD = ['time', 'each', 'longest'];
const ALIGNMENTS: readonly Alignment[] = ['left', 'right', 'right', 'right', 'right', 'right', 'right'];

/**
 * What the exits of all guests were.
 * @param instructions executed since the start
 */
export function exitStatisticsText(recorder: ExitRecorder, instructions: number, symbols: SymbolSpace): string[] {
  if (recorder.guests.length === 0) return ['There was no VM exit yet.'];
  return recorder.guests.flatMap((guest, index) => [
    ...(index > 0 ? [''] : []),
    ...guestText(guest, recorder.isTimed, instructions, symbols),
  ]);
}

function guestText(guest: ExitStatistics, isTimed: boolean, instructions: number, symbols: SymbolSpace): string[] {
  const { total } = guest;
  const row = (name: string, cost: ExitCost): string[] => [
    name,
    count(cost.count),
    share(cost.count, total.count),
    count(cost.repeated),
    ...(isTimed ? [duration(cost.time), duration(cost.time / cost.count), duration(cost.longest)] : []),
  ];
  const kinds = guest.kinds.flatMap((kind) => [row(kind.kind, kind), ...subjectRows(kind, row)]);
  const every = Math.round(instructions / total.count);
  const time = isTimed ? `, ${duration(total.time)} on the host` : '';
  return [
    `${guest.guest}: ${count(total.count)} VM exits in ${count(instructions)} instructions, one in ${count(every)}${time}.`,
    ...textTable([[...HEAD, ...(isTimed ? TIME_HEAD : [])], ...kinds, row('all', total)], ALIGNMENTS),
    'Most frequent places:',
    ...siteRows(guest, symbols),
  ];
}

function subjectRows(kind: KindStatistics, row: (name: string, cost: ExitCost) => string[]): string[][] {
  const subjects = byCount([...kind.subjects].map(([name, cost]) => ({ name, ...cost })));
  const rest = subjects.slice(TOP);
  const others = rest.reduce((sum, cost) => addCosts(sum, cost), { count: 0, repeated: 0, time: 0, longest: 0 });
  return [
    ...subjects.slice(0, TOP).map((cost) => row(`  ${cost.name}`, cost)),
    ...(rest.length > 0 ? [row(`  ${rest.length} ${rest.length === 1 ? 'other' : 'others'}`, others)] : []),
  ];
}

function addCosts(a: ExitCost, b: ExitCost): ExitCost {
  return {
    count: a.count + b.count,
    repeated: a.repeated + b.repeated,
    time: a.time + b.time,
    longest: Math.max(a.longest, b.longest),
  };
}

function siteRows(guest: ExitStatistics, symbols: SymbolSpace): string[] {
  const sites = byCount(
    guest.kinds.flatMap(({ kind, sites }) => [...sites.values()].map((site) => ({ kind, ...site }))),
  );
  const rows = sites
    .slice(0, 2 * TOP)
    .map((site) => [`  ${hex(site.pc)}`, count(site.count), site.kind, placeText(placeOfExit(site.pc, symbols))]);
  return textTable(rows, ['left', 'right', 'left', 'left']);
}

/** Exits one by one, oldest first. `+12`: that many instructions after the one before it in this list. */
export function exitLogText(exits: readonly LoggedExit[], isTimed: boolean, symbols: SymbolSpace): string[] {
  if (exits.length === 0) return ['There is no such VM exit among those that are kept.'];
  const guests = new Set(exits.map(({ record }) => record.guest));
  const hasVcpus = exits.some(({ record }) => record.vcpu > 0);
  const rows = exits.map(({ record, time }, position) => {
    const before = exits[position - 1]?.record.count;
    return [
      count(record.count),
      before === undefined ? '' : `+${count(record.count - before)}`,
      ...(guests.size > 1 ? [record.guest] : []),
      ...(hasVcpus ? [`vCPU ${record.vcpu}`] : []),
      `${record.virtualPrivilege} ${hex(record.pc)}`,
      ...(isTimed ? [duration(time)] : []),
      describeExit(record),
      placeText(placeOfExit(record.pc, symbols)),
    ];
  });
  const alignments: Alignment[] = [
    'right',
    'right',
    ...(guests.size > 1 ? (['left'] as const) : []),
    ...(hasVcpus ? (['left'] as const) : []),
    'left',
    ...(isTimed ? (['right'] as const) : []),
    'left',
    'left',
  ];
  return textTable(rows, alignments);
}
