/** The options of `hypocaust run`: one table for parsing, checking and the help text. */
import { isTechnique, techniques } from '../engine/techniques';
import type { Technique } from '../engine/techniques';
import { EXIT_KINDS } from '../hypervisor/exit-record';
import type { ExitKind } from '../hypervisor/exit-record';
import type { ExtensionSwitches, SwitchableExtension } from '../isa/extensions';
import { switchableExtensions } from '../isa/extensions';
import { PLAIN_DEVICES } from '../debugger/systems/device-input';
import type { PlainDevice } from '../debugger/systems/device-input';
import { LEAST_SLICE } from '../hypervisor/hypervisor-options';
import type { Synchronization } from '../hypervisor/shadow/shadow-page-tables';
import type { ClockKind } from '../debugger/session-options';
import type { VirtioVersion } from '../machine/extra-devices';
import type { NetworkRules } from '../machine/network/host-link';
import { parseSize, parseTime } from '../protocol/fields';
import { UsageError } from './usage-error';

export interface RunOptions {
  /** Path of the kernel. */
  readonly kernel: string;
  /** Paths of the kernels of further guests. */
  readonly others: readonly string[];
  /** No hypervisor: the kernel runs in S-mode on the machine itself. */
  readonly bare: boolean;
  /** With `bare`: the image starts in M-mode, without firmware. */
  readonly machineMode: boolean;
  /** Paths of M-mode code in place of the built-in firmware, and of a device tree in place of the generated one. */
  readonly firmware: string | undefined;
  readonly dtb: string | undefined;
  /** Of the machine; undefined: 1. */
  readonly harts: number | undefined;
  /** Of each guest; undefined: 1. */
  readonly vcpus: number | undefined;
  /** Instructions. */
  readonly timeSlice: number | undefined;
  readonly guestTime: (typeof GUEST_TIMES)[number];
  /** Bytes. */
  readonly guestMemory: number | undefined;
  /** Disk images, and whether the guest's writes go to the file. */
  readonly disks: readonly { readonly file: string; readonly writable: boolean }[];
  /** Further virtio devices. */
  readonly devices: readonly PlainDevice[];
  /** Folders that the guest may mount. */
  readonly shares: readonly { readonly folder: string; readonly tag: string; readonly writable: boolean }[];
  /** The devices are the machine's, passed through to the guest. */
  readonly passthrough: boolean;
  /** Ports between the guest and the host's loopback; undefined: no option names any. */
  readonly network: NetworkRules | undefined;
  readonly virtio: VirtioVersion | undefined;
  /** What the real-time clock starts from, in nanoseconds since 1970; the host's clock when it is not given. */
  readonly rtc: bigint | undefined;
  readonly clock: ClockKind;
  /** What the machine has, as far as it differs from the defaults. */
  readonly extensions: ExtensionSwitches;
  readonly synchronization: Synchronization;
  readonly append: string | undefined;
  readonly initrd: string | undefined;
  readonly expect: RegExp | undefined;
  readonly maxInstructions: number | undefined;
  /** Seconds of real time. */
  readonly timeout: number | undefined;
  /** Paths of snapshots to go on from, and to save at the end. */
  readonly snapshot: string | undefined;
  readonly saveSnapshot: string | undefined;
  /** Path of the file to write; `-` for the terminal. */
  readonly stats: string | undefined;
  /** How many of the last VM exits are shown at the end, and which kinds; undefined: none. */
  readonly exitLog: ExitLogOption | undefined;
  /** What to do when a guest uses a stale translation. */
  readonly staleTranslations: StaleOption;
  /** What the engine does without: for measurements. */
  readonly engineWithout: ReadonlySet<Technique>;
}

export interface ExitLogOption {
  readonly size: number;
  /** All unless given. */
  readonly kinds?: ReadonlySet<ExitKind>;
}

const GUEST_TIMES = ['goes-on', 'stops'] as const;
const STALE_MODES = ['stop', 'log', 'ignore'] as const;
export type StaleOption = (typeof STALE_MODES)[number];

interface OptionDescription {
  readonly name: string;
  /** What stands for the value in the help text; absent: a switch. */
  readonly value?: string;
  /** It may be given more than once. */
  readonly repeatable?: boolean;
  /** Absent: for our own measurements, and not in the help text. */
  readonly help?: string;
}

export const RUN_OPTIONS = [
  { name: 'bare', help: 'run the kernel in S-mode on the machine itself, without the hypervisor' },
  { name: 'machine-mode', help: 'with --bare: start the image in M-mode, without firmware' },
  { name: 'firmware', value: 'FILE', help: 'M-mode code in place of the built-in SBI, such as OpenSBI' },
  { name: 'dtb', value: 'FILE', help: 'with --bare: a device tree in place of the generated one' },
  { name: 'guest-memory', value: 'SIZE', help: "the guest's memory, such as 128M (the default) or 1G" },
  { name: 'harts', value: 'N', help: 'harts (processors) of the machine, 1 to 8; else 1, or one for each vCPU' },
  { name: 'vcpus', value: 'N', help: 'vCPUs of each guest, 1 to 4; they share harts where there are fewer' },
  {
    name: 'time-slice',
    value: 'N',
    help: 'instructions that a vCPU has a hart for while others wait for it; else 100000',
  },
  {
    name: 'guest-time',
    value: 'KIND',
    help: "while others have a guest's harts, its time goes-on (the default) or stops",
  },
  {
    name: 'extensions',
    value: 'LIST',
    help: 'extensions that the machine has, or with a minus has not: zicond,-zba',
  },
  {
    name: 'synchronization',
    value: 'KIND',
    help: "shadow page tables follow the guest's at sfence (the default), or by write-protect",
  },
  { name: 'append', value: 'STR', help: 'kernel command line' },
  { name: 'initrd', value: 'FILE', help: 'initial RAM disk' },
  {
    name: 'disk',
    value: 'FILE[,rw]',
    repeatable: true,
    help: 'a disk; with ,rw writes go to the file, else they are forgotten',
  },
  { name: 'devices', value: 'LIST', help: 'further virtio devices: entropy, console, network' },
  {
    name: 'share',
    value: '[TAG=]FOLDER[,rw]',
    repeatable: true,
    help: 'a folder to mount (9p, tag "share"), read-only unless ,rw is given',
  },
  {
    name: 'forward',
    value: 'HOST:GUEST',
    repeatable: true,
    help: "a port of 127.0.0.1 that leads to the guest's, 8080:80 or udp:8053:53",
  },
  {
    name: 'reach',
    value: 'HOST[:GATEWAY]',
    repeatable: true,
    help: 'a port of 127.0.0.1 that the guest reaches at 10.0.2.2, 8000 or udp:8053:53',
  },
  {
    name: 'passthrough',
    help: "the devices are the machine's own, and the guest drives them; without it they are emulated",
  },
  { name: 'virtio', value: 'VERSION', help: 'legacy (the default, as in QEMU) or modern' },
  { name: 'rtc', value: 'TIME', help: "the clock's start, 2024-02-29T12:00:00Z; else the host's time" },
  { name: 'clock', value: 'KIND', help: "time is virtual (the default: runs are alike), or realtime: the host's" },
  { name: 'expect', value: 'REGEX', help: 'end with status 0 when the console matches, 1 when the guest ends without' },
  { name: 'max-instructions', value: 'N', help: 'end with status 124 after N instructions' },
  { name: 'timeout', value: 'SECONDS', help: 'end with status 124 after so much time' },
  { name: 'snapshot', value: 'FILE', help: 'go on from a snapshot, which a run with the same options has saved' },
  { name: 'save-snapshot', value: 'FILE', help: 'save a snapshot when the run ends before the guest does' },
  {
    name: 'stats',
    value: 'FILE',
    help: 'write instructions, seconds, mips and what VM exits there were as JSON; -: as text',
  },
  { name: 'exit-log', value: 'N[,KIND…]', help: 'show the last N VM exits at the end, perhaps of some kinds only' },
  {
    name: 'stale-translations',
    value: 'MODE',
    help: 'a page-table entry used after a change without sfence.vma: log (the default), stop (status 1) or ignore',
  },
  { name: 'engine-without', value: 'TECHNIQUE[,TECHNIQUE]' },
] as const satisfies readonly OptionDescription[];

/** The options as lines of help. */
export function optionHelp(): string {
  const left = (option: OptionDescription) => `--${option.name}${option.value ? ` ${option.value}` : ''}`;
  const described = (option: OptionDescription) =>
    option.help === undefined ? [] : [`  ${left(option).padEnd(22)}${option.help}`];
  return RUN_OPTIONS.flatMap(described).join('\n');
}

/**
 * Reads the arguments after `run`.
 * @throws UsageError
 */
export function parseRunOptions(args: readonly string[]): RunOptions {
  const given = new Map<string, string>();
  const repeated = new Map<string, string[]>();
  const files: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const argument = args[i];
    if (!argument.startsWith('--') || argument === '--') {
      if (argument.startsWith('-') && argument.length > 1 && argument !== '--') {
        throw new UsageError(`${argument} is not an option of run; see hypocaust --help.`);
      }
      if (argument !== '--') files.push(argument);
      continue;
    }
    const [name, attached] = splitOption(argument.slice(2));
    const option: OptionDescription | undefined = RUN_OPTIONS.find((known) => known.name === name);
    if (!option) throw new UsageError(`--${name} is not an option of run; see hypocaust --help.`);
    if (given.has(name) && !option.repeatable) throw new UsageError(`--${name} is given twice; leave one.`);
    if (!option.value && attached !== undefined) throw new UsageError(`--${name} takes no value.`);
    const value = option.value ? (attached ?? args[++i]) : 'true';
    if (value === undefined) throw new UsageError(`--${name} needs a value: --${name} ${option.value}.`);
    given.set(name, value);
    if (option.repeatable) repeated.set(name, [...(repeated.get(name) ?? []), value]);
  }
  if (files.length === 0) throw new UsageError('No kernel is given: hypocaust run [options] KERNEL.');
  if (files.length > 1 && given.has('bare')) {
    throw new UsageError(`With --bare one kernel can be run, and ${files.length} are given: ${files.join(', ')}.`);
  }
  if (given.has('vcpus') && given.has('bare')) {
    throw new UsageError(
      '--vcpus is for guests of the hypervisor; with --bare, --harts says how many processors there are.',
    );
  }
  const guestsOnly = GUESTS_ONLY.find((name) => given.has(name));
  if (guestsOnly && given.has('bare')) {
    throw new UsageError(`--${guestsOnly} is for guests of the hypervisor; leave it out with --bare.`);
  }
  const machineMode = given.has('machine-mode');
  if (machineMode && !given.has('bare')) throw new UsageError('--machine-mode goes with --bare only; add --bare.');
  if (machineMode && given.has('firmware')) {
    throw new UsageError(
      '--firmware and --machine-mode are given; leave one: firmware runs in M-mode, and the kernel in S-mode.',
    );
  }
  const machineOnly = MACHINE_ONLY.find((name) => given.has(name));
  if (machineOnly && !given.has('bare')) {
    throw new UsageError(`--${machineOnly} goes with --bare only: guests of the hypervisor have no such thing.`);
  }
  if (given.has('passthrough') && given.has('bare')) {
    throw new UsageError(
      '--passthrough has no meaning with --bare, where devices are the machine’s own; leave it out.',
    );
  }
  return {
    kernel: files[0],
    others: files.slice(1),
    bare: given.has('bare'),
    machineMode,
    firmware: given.get('firmware'),
    dtb: given.get('dtb'),
    harts: read(given, 'harts', hartCount),
    vcpus: read(given, 'vcpus', vcpuCount),
    timeSlice: read(given, 'time-slice', instructionCount),
    guestTime: read(given, 'guest-time', guestTime) ?? 'goes-on',
    guestMemory: read(given, 'guest-memory', memorySize),
    disks: readAll(repeated, 'disk', diskFile),
    devices: read(given, 'devices', deviceNames) ?? [],
    shares: readShares(repeated),
    passthrough: given.has('passthrough'),
    network: readNetwork(repeated),
    virtio: read(given, 'virtio', virtioVersion),
    rtc: read(given, 'rtc', startTime),
    clock: read(given, 'clock', clockKind) ?? 'virtual',
    extensions: read(given, 'extensions', extensionSwitches) ?? {},
    synchronization: read(given, 'synchronization', synchronizationKind) ?? 'sfence',
    append: given.get('append'),
    initrd: given.get('initrd'),
    expect: read(given, 'expect', pattern),
    maxInstructions: read(given, 'max-instructions', positive),
    timeout: read(given, 'timeout', positive),
    snapshot: given.get('snapshot'),
    saveSnapshot: given.get('save-snapshot'),
    stats: given.get('stats'),
    exitLog: read(given, 'exit-log', exitLog),
    staleTranslations: read(given, 'stale-translations', staleMode) ?? 'log',
    engineWithout: read(given, 'engine-without', techniqueNames) ?? new Set(),
  };
}

type OptionName = (typeof RUN_OPTIONS)[number]['name'];

/** Options about how guests share the machine. */
const GUESTS_ONLY: readonly OptionName[] = ['time-slice', 'guest-time'];

/** Options about what only the machine itself has. */
const MACHINE_ONLY: readonly OptionName[] = ['dtb'];

function read<T>(given: ReadonlyMap<string, string>, name: OptionName, convert: (text: string) => T): T | undefined {
  const text = given.get(name);
  return text === undefined ? undefined : readValue(name, text, convert);
}

/** The values of an option that may be given more than once. */
function readAll<T>(
  repeated: ReadonlyMap<string, readonly string[]>,
  name: OptionName,
  convert: (text: string) => T,
): readonly T[] {
  return (repeated.get(name) ?? []).map((text) => readValue(name, text, convert));
}

function readValue<T>(name: OptionName, text: string, convert: (text: string) => T): T {
  try {
    return convert(text);
  } catch (error) {
    throw new UsageError(`--${name} ${text}: ${(error as Error).message}`);
  }
}

function splitOption(text: string): [name: string, value: string | undefined] {
  const equals = text.indexOf('=');
  return equals < 0 ? [text, undefined] : [text.slice(0, equals), text.slice(equals + 1)];
}

function memorySize(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined || bytes === 0) throw new Error('not a size; write a number with K, M or G, such as 128M.');
  return bytes;
}

function diskFile(text: string): { file: string; writable: boolean } {
  const writable = text.endsWith(',rw');
  return { file: writable ? text.slice(0, -3) : text, writable };
}

function deviceNames(list: string): readonly PlainDevice[] {
  return list.split(',').map((name) => {
    const found = PLAIN_DEVICES.find((known) => known === name);
    if (!found) throw new Error(`"${name}" is no device; there are ${PLAIN_DEVICES.join(', ')}.`);
    return found;
  });
}

function readShares(repeated: ReadonlyMap<string, readonly string[]>): RunOptions['shares'] {
  const shares = readAll(repeated, 'share', (text) => {
    const { file, writable } = diskFile(text);
    const [, tag = 'share', folder = ''] = /^(?:([A-Za-z0-9_-]+)=)?(.*)$/.exec(file) ?? [];
    if (folder === '') throw new Error('no folder is named.');
    return { folder, tag, writable };
  });
  refuseTwice(shares.map(({ tag }) => `--share names the tag ${tag}`));
  return shares;
}

function readNetwork(repeated: ReadonlyMap<string, readonly string[]>): NetworkRules | undefined {
  const forward = readAll(repeated, 'forward', (text) => {
    const [protocol, host, guest] = portPair(text);
    if (guest === undefined) throw new Error('the port of the guest is missing; write 8080:80.');
    return { protocol, host, guest };
  });
  const reach = readAll(repeated, 'reach', (text) => {
    const [protocol, host, gateway = host] = portPair(text);
    return { protocol, host, gateway };
  });
  refuseTwice(forward.map(({ protocol, host }) => `--forward names port ${host} (${protocol})`));
  refuseTwice(reach.map(({ protocol, gateway }) => `--reach names port ${gateway} (${protocol}) of the gateway`));
  return forward.length + reach.length > 0 ? { forward, reach } : undefined;
}

function portPair(text: string): [protocol: 'tcp' | 'udp', host: number, other: number | undefined] {
  const [, protocol = 'tcp', ...numbers] = /^(?:(tcp|udp):)?([0-9]+)(?::([0-9]+))?$/.exec(text) ?? [];
  const [host, other] = numbers.map((digits?: string) => (digits === undefined ? undefined : Number(digits)));
  const isPort = (port: number) => port >= 1 && port <= 65_535;
  if (host === undefined || !isPort(host) || (other !== undefined && !isPort(other))) {
    throw new Error('not ports from 1 to 65535; write 8080:80, or udp:8053:53.');
  }
  return [protocol === 'udp' ? 'udp' : 'tcp', host, other];
}

function refuseTwice(what: readonly string[]): void {
  const twice = what.find((text, index) => what.indexOf(text) < index);
  if (twice !== undefined) throw new UsageError(`${twice} twice; leave one.`);
}

function virtioVersion(text: string): VirtioVersion {
  if (text !== 'legacy' && text !== 'modern') throw new Error('there are legacy and modern.');
  return text;
}

function clockKind(text: string): ClockKind {
  if (text !== 'virtual' && text !== 'realtime') throw new Error('there are virtual and realtime.');
  return text;
}

function synchronizationKind(text: string): Synchronization {
  if (text !== 'sfence' && text !== 'write-protect') throw new Error('there are sfence and write-protect.');
  return text;
}

function startTime(text: string): bigint {
  const time = parseTime(text);
  if (time === undefined) throw new Error('not a time; write it as 2024-02-29T12:00:00Z.');
  return time;
}

function extensionSwitches(list: string): ExtensionSwitches {
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

function hartCount(text: string): number {
  if (!/^[1-8]$/.test(text)) throw new Error('there can be 1 to 8.');
  return Number(text);
}

function vcpuCount(text: string): number {
  if (!/^[1-4]$/.test(text)) throw new Error('there can be 1 to 4.');
  return Number(text);
}

function instructionCount(text: string): number {
  const value = Number(text.replaceAll('_', ''));
  if (!Number.isSafeInteger(value) || value < LEAST_SLICE)
    throw new Error(`give at least ${LEAST_SLICE} instructions.`);
  return value;
}

function guestTime(text: string): (typeof GUEST_TIMES)[number] {
  const known = GUEST_TIMES.find((kind) => kind === text);
  if (!known) throw new Error('there are goes-on and stops.');
  return known;
}

function positive(text: string): number {
  const value = Number(text.replaceAll('_', ''));
  if (!Number.isFinite(value) || value <= 0) throw new Error('not a positive number.');
  return value;
}

/** More than these are of no use, and take memory. */
const LONGEST_EXIT_LOG = 1_000_000;

function exitLog(text: string): ExitLogOption {
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

function staleMode(text: string): StaleOption {
  const mode = STALE_MODES.find((known) => known === text);
  if (!mode) throw new Error(`there are ${STALE_MODES.join(', ')}.`);
  return mode;
}

function techniqueNames(text: string): ReadonlySet<Technique> {
  const names = text.split(',');
  const unknown = names.find((name) => !isTechnique(name));
  if (unknown !== undefined) {
    throw new Error(`"${unknown}" is not a technique; there are ${Object.keys(techniques).join(', ')}.`);
  }
  return new Set(names.filter(isTechnique));
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text, 'm');
  } catch (error) {
    throw new Error(`not a regular expression (${(error as Error).message}).`, { cause: error });
  }
}
