/** What the view "VM Exits" shows of the adapter's statistics. Without VS Code, so that it can be tested alone. */
import type { StatisticsResponse } from '../../protocol/statistics';

/** A line of the view, with what stands below it. */
export interface StatisticsRow {
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly icon: string;
  readonly children: readonly StatisticsRow[];
}

/** Counts as people write them. */
const count = (value: number): string => value.toLocaleString('en-US');

/** ` (+12)`, or nothing when it did not grow. */
const growth = (now: number, before: number): string => (now > before ? ` (+${count(now - before)})` : '');

/** @param before the statistics at the stop before: what came since is shown */
export function presentStatistics(now: StatisticsResponse, before?: StatisticsResponse): readonly StatisticsRow[] {
  const machine: StatisticsRow = {
    id: 'machine',
    label: 'Machine',
    description:
      `${count(now.instructions)}${growth(now.instructions, before?.instructions ?? now.instructions)} instructions, ` +
      `${now.virtualSeconds.toFixed(6)} s of virtual time`,
    icon: 'circuit-board',
    children: [],
  };
  const guests = now.guests.map(({ guest, exits }): StatisticsRow => {
    const earlier = before?.guests.find((other) => other.guest === guest)?.exits;
    const kinds = Object.keys(exits)
      .filter((kind) => exits[kind] > 0)
      .sort((a, b) => exits[b] - exits[a] || a.localeCompare(b));
    const total = sum(exits);
    return {
      id: `guest ${guest}`,
      label: guest,
      description: `${count(total)}${growth(total, earlier ? sum(earlier) : total)} exits`,
      icon: 'server-environment',
      children: kinds.map((kind) => ({
        id: `guest ${guest} ${kind}`,
        label: kind,
        description: `${count(exits[kind])}${growth(exits[kind], earlier ? (earlier[kind] ?? 0) : exits[kind])}`,
        icon: 'sign-out',
        children: [],
      })),
    };
  });
  return [machine, ...guests];
}

const sum = (exits: Readonly<Record<string, number>>): number => Object.values(exits).reduce((a, b) => a + b, 0);
