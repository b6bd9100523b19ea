/** What the view "VM Exits" shows of the adapter's statistics. Without VS Code, so that it can be tested alone. */
import type { GuestInfo } from '../../protocol/guests';
import type { ExitLine, ExitPlace, KindStatistics, SourceLine, StatisticsResponse } from '../../protocol/statistics';
import { guestNote, guestOffers } from '../guests/presentation';

/** A line of the view, with what stands below it. */
export interface StatisticsRow {
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly icon: string;
  /** Markdown. */
  readonly tooltip?: string;
  /** Where a click goes. */
  readonly source?: SourceLine;
  /** The guest that it is, and what its menu offers, as words that package.json's `viewItem =~ /…/` look for. */
  readonly guest?: string;
  readonly offers?: string;
  /** Whether it shows its children at first. */
  readonly isOpen: boolean;
  readonly children: readonly StatisticsRow[];
}

/** Counts as people write them. */
const count = (value: number): string => value.toLocaleString('en-US');

/** ` (+12)`, or nothing when it did not grow. */
const growth = (now: number, before: number): string => (now > before ? ` (+${count(now - before)})` : '');

/**
 * @param before the statistics at the stop before: what came since is shown
 * @param states of the guests
 */
export function presentStatistics(
  now: StatisticsResponse,
  before?: StatisticsResponse,
  states: readonly GuestInfo[] = [],
): readonly StatisticsRow[] {
  const machine: StatisticsRow = {
    id: 'machine',
    label: 'Machine',
    description:
      `${count(now.instructions)}${growth(now.instructions, before?.instructions ?? now.instructions)} instructions · ` +
      `${now.virtualSeconds.toFixed(6)} s of virtual time`,
    icon: 'circuit-board',
    isOpen: false,
    children: [],
  };
  const guests = now.guests.map(({ guest, exits, kinds: known }): StatisticsRow => {
    const earlier = before?.guests.find((other) => other.guest === guest)?.exits;
    const kinds = Object.keys(exits)
      .filter((kind) => exits[kind] > 0)
      .sort((a, b) => exits[b] - exits[a] || a.localeCompare(b));
    const total = sum(exits);
    const note = guestNote(states, guest);
    return {
      id: `guest ${guest}`,
      label: guest,
      description: `${note === '' ? '' : `${note} · `}${count(total)}${growth(total, earlier ? sum(earlier) : total)} exits`,
      icon: note === 'held' ? 'lock' : 'server-environment',
      guest,
      offers: guestOffers(states, guest),
      isOpen: true,
      children: kinds.map((kind) => {
        const id = `guest ${guest} ${kind}`;
        const details = known?.find((one) => one.kind === kind);
        const time =
          details && details.milliseconds > 0 ? ` · ${duration(details.milliseconds / details.count)} each` : '';
        const meaning = now.meanings?.[kind];
        const grown = growth(exits[kind], earlier ? (earlier[kind] ?? 0) : exits[kind]);
        return {
          id,
          label: kind,
          description: `${count(exits[kind])}${grown}${time}`,
          icon: 'sign-out',
          ...(meaning !== undefined && {
            tooltip: `${meaning} A function breakpoint on \`hypervisor.${kind}\` stops there.`,
          }),
          isOpen: false,
          children: details ? detailRows(id, details) : [],
        };
      }),
    };
  });
  const last = now.lastExits && now.lastExits.length > 0 ? [lastExits(now.lastExits, now.guests.length > 1)] : [];
  return [machine, ...guests, ...last, ...notes(now)];
}

/** Why there is nothing to see where there could be something. */
function notes({ guests }: StatisticsResponse): StatisticsRow[] {
  const note = (label: string, description: string): StatisticsRow => ({
    id: 'note',
    label,
    description,
    icon: 'info',
    isOpen: false,
    children: [],
  });
  if (guests.length === 0) return [note('No VM exits', 'in this "mode" there is no hypervisor')];
  if (guests.some(({ kinds }) => kinds !== undefined)) return [];
  return [note('No details', '"hypervisor.exitLog" is 0 in the launch configuration')];
}

/** What the exits of a kind were about, then where they happened. */
function detailRows(id: string, { subjects, places }: KindStatistics): StatisticsRow[] {
  return [
    ...subjects.map(({ name, count: number }) => ({
      id: `${id} about ${name}`,
      label: name,
      description: count(number),
      icon: 'symbol-field',
      isOpen: false,
      children: [],
    })),
    ...places.map((place) => ({
      id: `${id} at ${place.pc}`,
      label: place.symbol ?? place.pc,
      description: `${count(place.count)} ${lineOf(place)}`.trimEnd(),
      icon: 'location',
      ...(place.source && { source: place.source }),
      isOpen: false,
      children: [],
    })),
  ];
}

function lastExits(exits: readonly ExitLine[], isOneOfMany: boolean): StatisticsRow {
  return {
    id: 'last',
    label: 'Last exits',
    description: 'newest first',
    icon: 'history',
    isOpen: false,
    children: exits.map((exit) => ({
      id: `exit ${exit.index}`,
      label: exit.text,
      description: [
        isOneOfMany ? exit.guest : '',
        `after ${count(exit.instructions)} instructions`,
        exit.symbol ?? exit.pc,
        lineOf(exit),
      ]
        .filter(Boolean)
        .join(' · '),
      icon: 'sign-out',
      ...(exit.source && { source: exit.source }),
      isOpen: false,
      children: [],
    })),
  };
}

/** `trap.c:12`, or nothing. */
function lineOf({ source }: ExitPlace): string {
  return source ? `${source.path.split(/[\\/]/).pop()}:${source.line}` : '';
}

/** Milliseconds, in the unit that suits. */
const duration = (milliseconds: number): string =>
  milliseconds >= 1 ? `${milliseconds.toFixed(1)} ms` : `${(milliseconds * 1000).toFixed(1)} µs`;

const sum = (exits: Readonly<Record<string, number>>): number => Object.values(exits).reduce((a, b) => a + b, 0);
