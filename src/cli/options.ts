/** What `hypocaust run` is asked to do: its arguments read by the table of options, and checked against each other. */
import type { ClockKind, GuestTime } from '../debugger/session-options';
import type { PlainDevice } from '../debugger/systems/device-input';
import type { Technique } from '../engine/techniques';
import type { Synchronization } from '../hypervisor/shadow/shadow-page-tables';
import type { ExtensionSwitches } from '../isa/extensions';
import type { VirtioVersion } from '../machine/extra-devices';
import type { NetworkRules } from '../machine/network/host-link';
import { RUN_OPTIONS } from './option-table';
import type { OptionDescription, OptionName } from './option-table';
import {
  clockKind,
  deviceNames,
  diskFile,
  exitLog,
  extensionSwitches,
  guestTime,
  hartCount,
  instructionCount,
  memorySize,
  pattern,
  portPair,
  positive,
  staleMode,
  startTime,
  synchronizationKind,
  techniqueNames,
  vcpuCount,
  virtioVersion,
} from './option-values';
import type { ExitLogOption, StaleOption } from './option-values';
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
  /** Of the machine: one for each vCPU unless given, as far as a machine can; undefined: 1. */
  readonly harts: number | undefined;
  /** Of each guest; undefined: 1. */
  readonly vcpus: number | undefined;
  /** Instructions. */
  readonly timeSlice: number | undefined;
  readonly guestTime: GuestTime;
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
  const vcpus = read(given, 'vcpus', vcpuCount);
  const allVcpus = files.length * (vcpus ?? 1);
  const harts = read(given, 'harts', hartCount) ?? (given.has('bare') ? undefined : Math.min(MOST_HARTS, allVcpus));
  const timeSlice = read(given, 'time-slice', instructionCount);
  if (timeSlice !== undefined && allVcpus <= (harts ?? 1)) {
    const remedy = allVcpus > 1 ? `, or give fewer --harts than ${allVcpus}` : '';
    throw new UsageError(`--time-slice has no meaning when each vCPU has a hart of its own; leave it out${remedy}.`);
  }
  return {
    kernel: files[0],
    others: files.slice(1),
    bare: given.has('bare'),
    machineMode,
    firmware: given.get('firmware'),
    dtb: given.get('dtb'),
    harts,
    vcpus,
    timeSlice,
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

const MOST_HARTS = 8;

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

function refuseTwice(what: readonly string[]): void {
  const twice = what.find((text, index) => what.indexOf(text) < index);
  if (twice !== undefined) throw new UsageError(`${twice} twice; leave one.`);
}
