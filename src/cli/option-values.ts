/** Values of options, from their text. Each function throws an Error that says what is wrong with the text. */
import { PLAIN_DEVICES } from '../debugger/systems/device-input';
import type { PlainDevice } from '../debugger/systems/device-input';
import type { ClockKind, GuestTime } from '../debugger/session-options';
import { isTechnique, techniques } from '../engine/techniques';
import type { Technique } from '../engine/techniques';
import { EXIT_KINDS } from '../hypervisor/exit-record';
import type { ExitKind } from '../hypervisor/exit-record';
import { LEAST_SLICE } from '../hypervisor/hypervisor-options';
import type { Synchronization } from '../hypervisor/shadow/shadow-page-tables';
import { switchableExtensions } from '../isa/extensions';
import type { ExtensionSwitches, SwitchableExtension } from '../isa/extensions';
import type { VirtioVersion } from '../machine/extra-devices';
import { parseSize, parseTime } from '../protocol/fields';

export interface ExitLogOption {
  readonly size: number;
  /** All unless given. */
  readonly kinds?: ReadonlySet<ExitKind>;
}

const STALE_MODES = ['stop', 'log', 'ignore'] as const;
export type StaleOption = (typeof STALE_MODES)[number];

export function memorySize(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined || bytes === 0) throw new Error('not a size; write a number with K, M or G, such as 128M.');
  return bytes;
}

export function diskFile(text: string): { file: string; writable: boolean } {
  const writable = text.endsWith(',rw');
  return { file: writable ? text.slice(0, -3) : text, writable };
}

export function deviceNames(list: string): readonly PlainDevice[] {
  return list.split(',').map((name) => {
    const found = PLAIN_DEVICES.find((known) => known === name);
    if (!found) throw new Error(`"${name}" is no device; there are ${PLAIN_DEVICES.join(', ')}.`);
    return found;
  });
}

export function portPair(text: string): [protocol: 'tcp' | 'udp', host: number, other: number | undefined] {
  const [, protocol = 'tcp', ...numbers] = /^(?:(tcp|udp):)?([0-9]+)(?::([0-9]+))?$/.exec(text) ?? [];
  const [host, other] = numbers.map((digits?: string) => (digits === undefined ? undefined : Number(digits)));
  const isPort = (port: number) => port >= 1 && port <= 65_535;
  if (host === undefined || !isPort(host) || (other !== undefined && !isPort(other))) {
    throw new Error('not ports from 1 to 65535; write 8080:80, or udp:8053:53.');
  }
  return [protocol === 'udp' ? 'udp' : 'tcp', host, other];
}

export function virtioVersion(text: string): VirtioVersion {
  if (text !== 'legacy' && text !== 'modern') throw new Error('there are legacy and modern.');
  return text;
}

export function clockKind(text: string): ClockKind {
  if (text !== 'virtual' && text !== 'realtime') throw new Error('there are virtual and realtime.');
  return text;
}

export function synchronizationKind(text: string): Synchronization {
  if (text !== 'sfence' && text !== 'write-protect') throw new Error('there are sfence and write-protect.');
  return text;
}

export function startTime(text: string): bigint {
  const time = parseTime(text);
  if (time === undefined) throw new Error('not a time; write it as 2024-02-29T12:00:00Z.');
  return time;
}

export function extensionSwitches(list: string): ExtensionSwitches {
  const switches: Partial<Record<SwitchableExtension, boolean>> = {};
  for (const item of list.split(',')) {
    const [, minus, name] = /^\s*([-+]?)(.*?)\s*$/.exec(item) ?? [];
    const extension = switchableExtensions.find((known) => known.toLowerCase() === name?.toLowerCase());
    if (!extension) {
      throw new Error(`"${name}" is no extension that can be switched; there are ${switchableExtensions.join(', ')}.`);
    }
    if (extension in switches) throw new Error(`${extension} is named twice; leave one.`);
    switches[extension] = minus !== '-';
  }
  return switches;
}

export function hartCount(text: string): number {
  if (!/^[1-8]$/.test(text)) throw new Error('there can be 1 to 8.');
  return Number(text);
}

export function vcpuCount(text: string): number {
  if (!/^[1-4]$/.test(text)) throw new Error('there can be 1 to 4.');
  return Number(text);
}

export function instructionCount(text: string): number {
  const value = Number(text.replaceAll('_', ''));
  if (!Number.isSafeInteger(value) || value < LEAST_SLICE)
    throw new Error(`give at least ${LEAST_SLICE} instructions.`);
  return value;
}

export function guestTime(text: string): GuestTime {
  if (text !== 'goes-on' && text !== 'stops') throw new Error('there are goes-on and stops.');
  return text;
}

export function positive(text: string): number {
  const value = Number(text.replaceAll('_', ''));
  if (!Number.isFinite(value) || value <= 0) throw new Error('not a positive number.');
  return value;
}

/** More than these are of no use, and take memory. */
const LONGEST_EXIT_LOG = 1_000_000;

export function exitLog(text: string): ExitLogOption {
  const [number = '', ...names] = text.split(',');
  const size = positive(number);
  if (!Number.isInteger(size) || size > LONGEST_EXIT_LOG) throw new Error(`not a number up to ${LONGEST_EXIT_LOG}.`);
  const kinds = names.map((name) => {
    const kind = EXIT_KINDS.find((known) => known.kind.toLowerCase() === name.toLowerCase())?.kind;
    if (kind) return kind;
    throw new Error(`"${name}" is no kind of VM exit; there are ${EXIT_KINDS.map((known) => known.kind).join(', ')}.`);
  });
  return { size, ...(kinds.length > 0 && { kinds: new Set(kinds) }) };
}

export function staleMode(text: string): StaleOption {
  const mode = STALE_MODES.find((known) => known === text);
  if (!mode) throw new Error(`there are ${STALE_MODES.join(', ')}.`);
  return mode;
}

export function techniqueNames(text: string): ReadonlySet<Technique> {
  const names = text.split(',');
  const unknown = names.find((name) => !isTechnique(name));
  if (unknown !== undefined) {
    throw new Error(`"${unknown}" is not a technique; there are ${Object.keys(techniques).join(', ')}.`);
  }
  return new Set(names.filter(isTechnique));
}

export function pattern(text: string): RegExp {
  try {
    return new RegExp(text, 'm');
  } catch (error) {
    throw new Error(`not a regular expression (${(error as Error).message}).`, { cause: error });
  }
}
