/**
 * VM exits as data, for JSON files and views. What is the same in every run stands apart from what was measured on the
 * host. Addresses and register values are hexadecimal strings.
 */
import { exitFields } from '../../hypervisor/exit-record';
import type { ExitKind, ExitRecord } from '../../hypervisor/exit-record';
import type { LoggedExit } from '../../hypervisor/insight/exit-log';
import type { ExitCost, ExitStatistics, KindStatistics } from '../../hypervisor/insight/exit-statistics';
import { describeExit } from '../explain/describe-exit';
import { hex } from '../format';
import type { SymbolSpace } from '../symbol-space';
import { placeOfExit } from './exit-place';

/** How often; the same in every run. */
export interface CountData {
  readonly count: number;
  /** How many had the guest execute its instruction again. */
  readonly repeated: number;
}

/** Measured, in milliseconds. */
export interface TimeData {
  readonly time: number;
  readonly longest: number;
}

export interface PlaceData {
  readonly pc: string;
  readonly symbol?: string;
  /** Path as in the debug information. */
  readonly file?: string;
  readonly line?: number;
}

export interface KindData extends CountData {
  readonly kind: ExitKind;
  readonly subjects: readonly ({ readonly subject: string } & CountData)[];
  /** The most frequent places. */
  readonly sites: readonly (PlaceData & CountData)[];
}

export interface GuestExitData extends CountData {
  readonly guest: string;
  readonly kinds: readonly KindData[];
}

export interface LoggedExitData extends PlaceData {
  readonly index: number;
  readonly guest: string;
  readonly vcpu: number;
  readonly kind: ExitKind;
  readonly mode: string;
  /** Instructions before it. */
  readonly instructions: number;
  readonly repeated: boolean;
  /** In a few words. */
  readonly text: string;
  /** The fields of its record, by name. */
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

const counts = ({ count, repeated }: ExitCost): CountData => ({ count, repeated });
const times = ({ time, longest }: ExitCost): TimeData => ({ time, longest });

/** Of each guest, what is the same in every run. @param top places given for each kind */
export function exitCountData(guests: readonly ExitStatistics[], top: number, symbols: SymbolSpace): GuestExitData[] {
  return guests.map((guest) => ({
    guest: guest.guest,
    ...counts(guest.total),
    kinds: guest.kinds.map((kind) => ({
      kind: kind.kind,
      ...counts(kind),
      subjects: sorted(kind.subjects.entries()).map(([subject, cost]) => ({ subject, ...counts(cost) })),
      sites: topSites(kind, top).map((site) => ({ ...placeData(site.pc, symbols), ...counts(site) })),
    })),
  }));
}

/** Of each guest, the time that its exits took, by kind. */
export function exitTimeData(
  guests: readonly ExitStatistics[],
): ({ guest: string; kinds: ({ kind: ExitKind } & TimeData)[] } & TimeData)[] {
  return guests.map((guest) => ({
    guest: guest.guest,
    ...times(guest.total),
    kinds: guest.kinds.map((kind) => ({ kind: kind.kind, ...times(kind) })),
  }));
}

export function loggedExitData({ index, record, repeated }: LoggedExit, symbols: SymbolSpace): LoggedExitData {
  const { guest, vcpu, kind, virtualPrivilege: mode, count: instructions } = record;
  return {
    index,
    guest,
    vcpu,
    kind,
    mode,
    instructions,
    repeated,
    text: describeExit(record),
    ...placeData(record.pc, symbols),
    fields: fieldData(record),
  };
}

const NUMERIC: readonly string[] = ['value', 'gva', 'gpa', 'hpa', 'entry', 'word'];
const COMMON = new Set(['guest', 'vcpu', 'pc', 'virtualPrivilege', 'count']);

function fieldData(record: ExitRecord): LoggedExitData['fields'] {
  const values = record as unknown as Readonly<Record<string, string | number | boolean | bigint | undefined>>;
  const found: Record<string, string | number | boolean> = {};
  for (const { name, type } of exitFields(record.kind)) {
    const value = values[name];
    if (COMMON.has(name) || value === undefined) continue;
    found[name] =
      typeof value === 'bigint' || (typeof value === 'number' && NUMERIC.includes(type)) ? hex(value) : value;
  }
  return found;
}

function placeData(pc: bigint, symbols: SymbolSpace): PlaceData {
  const { symbol, line } = placeOfExit(pc, symbols);
  return {
    pc: hex(pc),
    ...(symbol !== undefined && { symbol }),
    ...(line && { file: line.file, line: line.line }),
  };
}

function topSites(kind: KindStatistics, top: number): readonly (ExitCost & { pc: bigint })[] {
  return [...kind.sites.values()].sort((a, b) => b.count - a.count).slice(0, top);
}

function sorted(costs: Iterable<[string, ExitCost]>): [string, ExitCost][] {
  return [...costs].sort(([, a], [, b]) => b.count - a.count);
}
