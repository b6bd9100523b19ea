/**
 * The launch configuration: what a user writes in launch.json. From this one table come package.json's
 * `configurationAttributes`, the defaults, the documentation, and the adapter's validation.
 */
import {
  address,
  choice,
  ConfigurationError,
  count,
  flag,
  integer,
  list,
  objectSchema,
  parseObject,
  record,
  size,
  text,
  textMap,
  time,
} from './fields';
import type { Field, JsonSchema, Parsed } from './fields';
import { EXTENSION_FIELDS } from './extensions';
import type { DevicesConfiguration, DevicesLaunch, MachineSlot } from './devices';
import { countDevices, deviceFields, devicesLaunch, MACHINE_SLOTS, SLOTS, writtenDevices } from './devices';

/** The debug type, as in launch.json's `"type"`. */
export const DEBUG_TYPE = 'hypocaust';

/** One guest as the user writes it. */
export interface GuestConfiguration extends DevicesConfiguration {
  readonly passthrough?: readonly MachineSlot[];
  readonly name?: string;
  readonly program: string;
  readonly vcpus?: number;
  readonly memory?: string | number;
  readonly entry?: string | number;
  readonly bootargs?: string;
  readonly initrd?: string;
  readonly symbols?: readonly string[];
}

/** The machine as the user describes it. */
export interface MachineConfiguration extends DevicesConfiguration {
  readonly memory?: string | number;
  readonly harts?: number;
  readonly extensions?: Readonly<Record<string, boolean>>;
  readonly virtio?: VirtioVersion;
  readonly rtc?: string;
  readonly clock?: ClockKind;
}

/** How the hypervisor works, as the user writes it. */
export interface HypervisorConfiguration {
  readonly synchronization?: SynchronizationKind;
  readonly staleTranslations?: StaleTranslations;
  readonly exitLog?: number;
}

/** The launch configuration as the user writes it. */
export interface LaunchConfiguration {
  readonly program?: string;
  readonly guests?: readonly GuestConfiguration[];
  readonly mode?: LaunchMode;
  readonly firmware?: string;
  readonly dtb?: string;
  readonly machine?: MachineConfiguration;
  readonly hypervisor?: HypervisorConfiguration;
  readonly stopOnEntry?: boolean;
  readonly sourceMap?: Readonly<Record<string, string>>;
  readonly console?: ConsoleKind;
}

export type ClockKind = 'virtual' | 'realtime';
export type VirtioVersion = 'legacy' | 'modern';
export type SynchronizationKind = 'sfence' | 'write-protect';
export type StaleTranslations = 'stop' | 'log' | 'ignore';
export type LaunchMode = 'hypervisor' | 'bare' | 'machine';
export type ConsoleKind = 'integratedTerminal' | 'debugConsole';

/** A table has one field for each property that the user may write. */
type TableOf<T> = { readonly [K in keyof T]-?: Field<unknown, unknown> };

const GUEST_FIELDS = {
  name: text({ description: 'Name of the guest in views and conditions. Without it: the name of the program file.' }),
  program: text<string>({
    required: true,
    description: "The guest's kernel: a RISC-V ELF64 file, or a flat Linux Image.",
  }),
  vcpus: integer({ description: 'vCPUs (processors) of the guest. Default: 1.', least: 1, most: 4 }),
  memory: size({
    description: 'Memory of the guest, from guest-physical address 0x80000000 on. Default: 128M.',
    least: '1M',
    most: '2G',
  }),
  entry: address({ description: "Guest-physical address to start at. Without it: the program's own entry." }),
  bootargs: text({ mayBeEmpty: true, description: 'Kernel command line, placed in the device tree.' }),
  initrd: text({ description: 'Initial RAM disk file, loaded into guest memory and named in the device tree.' }),
  symbols: list({
    items: text<string>({ description: 'An ELF file with symbols.' }),
    description: 'Further ELF files to take symbols from, such as user programs or the vmlinux of a flat Image.',
  }),
  ...deviceFields(' that the guest sees'),
  passthrough: list({
    items: choice<MachineSlot>({ description: 'A slot of the machine.', choices: MACHINE_SLOTS }),
    description:
      'Virtio devices of the machine itself that this guest drives, as the last of its own: "virtio0" is the first that "machine" names.',
  }),
} satisfies TableOf<GuestConfiguration>;

const MACHINE_FIELDS = {
  memory: size({
    description:
      'DRAM of the machine, from physical address 0x80000000 on. Under the hypervisor it also holds the firmware, the hypervisor (128M) and all guests.',
    default: '3G',
    least: '2M',
    most: '3G',
  }),
  harts: integer({
    description: 'Harts (processors) of the machine. Default: 1, or one for each vCPU of the guests.',
    least: 1,
    most: 8,
  }),
  extensions: record({
    fields: EXTENSION_FIELDS,
    description: 'Extensions of the instruction set that the machine has or has not, such as "Zicond": true.',
    default: {},
  }),
  ...deviceFields(', of the machine itself; under the hypervisor, for "passthrough"'),
  virtio: choice<VirtioVersion>({
    description: 'How virtio devices show themselves to drivers.',
    choices: {
      legacy: "Version 1 of the registers, QEMU's default.",
      modern: "Version 2, as with QEMU's force-legacy=false.",
    },
    default: 'legacy',
  }),
  rtc: time({
    description:
      'What the real-time clock starts from, such as "2024-02-29T12:00:00Z". Without it: the time of the host, so that runs differ.',
  }),
  clock: choice<ClockKind>({
    description: 'What the time of the machine follows.',
    choices: {
      virtual: 'The instructions that it executes: every run is alike.',
      realtime: "The host's clock while the machine runs; it stands still while the debugger has stopped it.",
    },
    default: 'virtual',
  }),
} satisfies TableOf<MachineConfiguration>;

const HYPERVISOR_FIELDS = {
  synchronization: choice<SynchronizationKind>({
    description: "When shadow page tables follow the guest's page tables.",
    choices: {
      sfence: 'When the guest executes sfence.vma: until then it may still see what was mapped before, as on hardware.',
      'write-protect':
        "At once: the guest's page tables are kept read-only, and each write to them comes to the hypervisor.",
    },
    default: 'sfence',
  }),
  exitLog: count({
    description:
      'How many of the last VM exits are kept for the view "VM Exits" and the command "exits", with statistics of all by CSR, cause and place. With 0, they are counted by kind only.',
    default: 200,
    most: 1_000_000,
  }),
  staleTranslations: choice<StaleTranslations>({
    description: 'What to do when a guest uses an address translation that it changed without sfence.vma.',
    choices: {
      stop: 'Stop there.',
      log: 'Tell it in the Debug Console, each place once.',
      ignore: 'Nothing: they are not looked for.',
    },
    default: 'log',
  }),
} satisfies TableOf<HypervisorConfiguration>;

const LAUNCH_FIELDS = {
  program: text({
    description: 'The guest kernel to debug: a RISC-V ELF64 file, or a flat Linux Image. Short for "guests" with one guest.',
  }),
  guests: list({
    items: record({ fields: GUEST_FIELDS, description: 'One guest.' }),
    description: 'The guests to run. Use this instead of "program" to set more than the kernel.',
  }),
  mode: choice<LaunchMode>({
    description: 'Where the kernel runs.',
    choices: {
      hypervisor: 'As a deprivileged guest under Hypocaust.',
      bare: 'On the machine itself, in S-mode, without a hypervisor.',
      machine:
        'On the machine itself, in M-mode from its first instruction, without firmware: kernels such as xv6, which bring their own.',
    },
    default: 'hypervisor',
  }),
  firmware: text({
    description:
      'M-mode firmware that starts the kernel in place of the built-in SBI, such as OpenSBI or RustSBI: an ELF file, or the bytes for 0x80000000. Guests see the SBI of the hypervisor whatever is below it.',
  }),
  dtb: text({
    description:
      'A flattened device tree that the kernel gets in place of the generated one; not for guests of the hypervisor. Command line and initial RAM disk are added to it.',
  }),
  machine: record({ fields: MACHINE_FIELDS, description: 'The machine that all runs on.', default: {} }),
  hypervisor: record({ fields: HYPERVISOR_FIELDS, description: 'How the hypervisor works.', default: {} }),
  stopOnEntry: flag({ description: "Stop before the guest's first instruction.", default: false }),
  sourceMap: textMap({
    description: 'Where sources are: a path prefix as in the debug information → the folder on this machine.',
  }),
  console: choice<ConsoleKind>({
    description: "Where the guest's console appears.",
    choices: {
      integratedTerminal: 'In a terminal of its own, which takes input.',
      debugConsole: 'In the Debug Console, output only.',
    },
    default: 'integratedTerminal',
  }),
} satisfies TableOf<LaunchConfiguration>;

/** A guest after validation: sizes in bytes, addresses as bigint. */
export type GuestLaunch = Omit<ParsedGuest, 'name' | keyof DevicesConfiguration> &
  DevicesLaunch & {
    readonly name: string;
    /** The field that it was written in, for messages: `program` or `guests[0]`. */
    readonly field: string;
  };

/** A launch configuration after validation: defaults filled in, `program` turned into `guests`. */
export interface Launch {
  readonly guests: readonly GuestLaunch[];
  readonly mode: LaunchMode;
  readonly machine: Omit<ParsedMachine, keyof DevicesConfiguration> & DevicesLaunch;
  readonly hypervisor: Parsed<typeof HYPERVISOR_FIELDS>;
  readonly firmware?: string;
  readonly dtb?: string;
  readonly stopOnEntry: boolean;
  readonly sourceMap: Readonly<Record<string, string>>;
  readonly console: ConsoleKind;
  /** Run without stopping anywhere: the client's `noDebug`. */
  readonly noDebug: boolean;
  /** The client shows `hypocaust/consoleOutput` events. */
  readonly consoleEvents: boolean;
}

/**
 * Set to true by a client that shows `hypocaust/consoleOutput` events (our extension does). Without it, the guest's console
 * comes as `output` events, so that it is never lost.
 */
export const CONSOLE_EVENTS_FIELD = '__consoleEvents';

/** Fields that VS Code (or another client) puts beside ours. */
const CLIENT_FIELDS: ReadonlySet<string> = new Set([
  'type',
  'request',
  'name',
  'noDebug',
  'debugServer',
  'preLaunchTask',
  'postDebugTask',
  'presentation',
  'internalConsoleOptions',
  'serverReadyAction',
  'suppressMultipleSessionWarning',
  'restart',
  'windows',
  'linux',
  'osx',
]);

const isClientField = (name: string): boolean => CLIENT_FIELDS.has(name) || name.startsWith('__');

/** The JSON schema for package.json's `contributes.debuggers[].configurationAttributes.launch`. */
export function launchSchema(): JsonSchema {
  return { properties: objectSchema(LAUNCH_FIELDS).properties! };
}

/** A launch configuration to start from: what F5 without launch.json uses, and the first snippet. */
export function initialConfiguration(program: string): LaunchConfiguration & Record<string, unknown> {
  return { type: DEBUG_TYPE, request: 'launch', name: 'Debug guest kernel', program, stopOnEntry: false };
}

/** Snippets for launch.json, as package.json's `configurationSnippets` wants them. */
export function launchSnippets(): readonly { label: string; description: string; body: Record<string, unknown> }[] {
  const program = '^"\\${workspaceFolder}/${1:kernel.elf}"';
  const common = { type: DEBUG_TYPE, request: 'launch' };
  return [
    {
      label: 'Hypocaust: debug a guest kernel',
      description: 'Boots a kernel as a guest under the hypervisor.',
      body: { ...common, name: 'Debug guest kernel', program },
    },
    {
      label: 'Hypocaust: debug a guest with options',
      description: 'A guest with memory size, command line and initial RAM disk.',
      body: {
        ...common,
        name: 'Debug guest',
        guests: [{ name: '${2:guest}', program, memory: '${3:128M}', bootargs: '${4}' }],
      },
    },
    {
      label: 'Hypocaust: debug a kernel on the bare machine',
      description: 'Boots a kernel in S-mode on the machine itself, without the hypervisor.',
      body: { ...common, name: 'Debug bare kernel', program, mode: 'bare' },
    },
    {
      label: 'Hypocaust: debug a kernel that starts in M-mode, such as xv6',
      description: 'Boots a kernel in M-mode on the machine itself, without firmware, with a disk.',
      body: {
        ...common,
        name: 'Debug xv6',
        program: '^"\\${workspaceFolder}/${1:kernel/kernel}"',
        mode: 'machine',
        machine: {
          memory: '128M',
          harts: 1,
          virtio: 'modern',
          disks: [{ file: '^"\\${workspaceFolder}/${2:fs.img}"' }],
        },
      },
    },
  ];
}

/**
 * Validates a launch configuration and fills in the defaults.
 * @throws ConfigurationError: one sentence naming the field that is wrong, and how
 */
export function parseLaunch(written: unknown): Launch {
  const parsed = parseObject(LAUNCH_FIELDS, written, '', isClientField);
  const client = written as Readonly<Record<string, unknown>>;
  const guests = nameGuests(chooseGuests(parsed.program, parsed.guests), parsed.program !== undefined);
  if (parsed.mode !== 'hypervisor') refuseOnMachine(parsed, guests, client['hypervisor'] !== undefined);
  else {
    refuseForGuests(parsed);
    checkPassthrough(guests, parsed.machine);
  }
  return {
    guests: guests.map((guest) => devicesLaunch(guest, guest.field)),
    mode: parsed.mode,
    machine: devicesLaunch(parsed.machine, 'machine'),
    hypervisor: parsed.hypervisor,
    ...(parsed.firmware !== undefined && { firmware: parsed.firmware }),
    ...(parsed.dtb !== undefined && { dtb: parsed.dtb }),
    stopOnEntry: parsed.stopOnEntry,
    sourceMap: parsed.sourceMap,
    console: parsed.console,
    noDebug: client['noDebug'] === true,
    consoleEvents: client[CONSOLE_EVENTS_FIELD] === true,
  };
}

type ParsedGuest = Parsed<typeof GUEST_FIELDS>;
type NamedGuest = ParsedGuest & Pick<GuestLaunch, 'name' | 'field'>;
type ParsedMachine = Parsed<typeof MACHINE_FIELDS>;

function chooseGuests(program: string | undefined, guests: readonly ParsedGuest[] | undefined): readonly ParsedGuest[] {
  if (guests === undefined) {
    if (program === undefined) {
      throw new ConfigurationError('program', 'is missing: name the guest kernel (an ELF file) to debug.');
    }
    return [parseObject(GUEST_FIELDS, { program }, '')];
  }
  if (program !== undefined) {
    throw new ConfigurationError('program', 'cannot be used together with "guests"; remove one of them.');
  }
  if (guests.length === 0) throw new ConfigurationError('guests', 'must name at least one guest.');
  return guests;
}

function refuseForGuests(launch: Pick<Launch, 'dtb'>): void {
  if (launch.dtb !== undefined) {
    throw new ConfigurationError(
      'dtb',
      'has no meaning for guests of the hypervisor, which makes their device trees; set "mode" to "bare".',
    );
  }
}

/** Each device of the machine is one guest's, and each guest has room for its own. */
function checkPassthrough(guests: readonly NamedGuest[], machine: ParsedMachine): void {
  const passed = guests.flatMap(({ passthrough = [] }) => passthrough);
  for (const guest of guests) {
    const own = countDevices(guest) + (guest.passthrough?.length ?? 0);
    if (guest.passthrough && own > SLOTS) {
      throw new ConfigurationError(`${guest.field}.passthrough`, `makes ${own} devices, and there are ${SLOTS} slots.`);
    }
    for (const [index, slot] of (guest.passthrough ?? []).entries()) {
      const field = `${guest.field}.passthrough[${index}]`;
      if (Number(slot.slice('virtio'.length)) >= countDevices(machine)) {
        throw new ConfigurationError(field, `is "${slot}", and "machine" has no such device; name one there.`);
      }
      if (passed.filter((other) => other === slot).length > 1) {
        throw new ConfigurationError(field, `is "${slot}" more than once; leave one.`);
      }
    }
  }
  const [name] = writtenDevices(machine);
  const unused = Object.keys(MACHINE_SLOTS)
    .slice(0, countDevices(machine))
    .find((slot) => !passed.includes(slot as MachineSlot));
  if (name !== undefined && unused !== undefined) {
    throw new ConfigurationError(
      `machine.${name}`,
      `has no meaning for guests that do not drive it; write it as "guests[0].${name}", or pass "${unused}" through to one.`,
    );
  }
}

function refuseOnMachine(
  { mode, firmware }: Pick<Launch, 'mode' | 'firmware'>,
  guests: readonly ParsedGuest[],
  describesHypervisor: boolean,
): void {
  const refuse = (field: string, remedy: string): never => {
    throw new ConfigurationError(field, `has no meaning when "mode" is "${mode}"; ${remedy}.`);
  };
  if (describesHypervisor) refuse('hypervisor', 'remove it');
  if (mode === 'machine' && firmware !== undefined) {
    refuse('firmware', 'remove it, or set "mode" to "bare" for a kernel that the firmware starts');
  }
  if (guests.length > 1) throw new ConfigurationError('guests', `must hold one guest only when "mode" is "${mode}".`);
  const [guest] = guests;
  if (guest!.passthrough !== undefined) refuse('guests[0].passthrough', 'remove it');
  const [name] = writtenDevices(guest!);
  if (name !== undefined) refuse(`guests[0].${name}`, `set "machine.${name}" instead`);
  if (guest!.memory !== undefined) refuse('guests[0].memory', 'set "machine.memory" instead');
}

/** Every guest gets a name that is its own: the one written, or the program's file name without extension. */
function nameGuests(guests: readonly ParsedGuest[], isProgram: boolean): readonly NamedGuest[] {
  const taken = new Set<string>();
  for (const [index, guest] of guests.entries()) {
    if (guest.name === undefined) continue;
    if (taken.has(guest.name)) {
      throw new ConfigurationError(`guests[${index}].name`, `is "${guest.name}" like another guest's; choose another.`);
    }
    taken.add(guest.name);
  }
  return guests.map((guest, index) => {
    const field = isProgram ? 'program' : `guests[${index}]`;
    if (guest.name !== undefined) return { ...guest, name: guest.name, field };
    const file = guest.program.split(/[\\/]/).pop() ?? '';
    const base = file.replace(/\.[^.]+$/, '') || 'guest';
    let name = base;
    for (let count = 2; taken.has(name); count++) name = `${base}-${count}`;
    taken.add(name);
    return { ...guest, name, field };
  });
}
