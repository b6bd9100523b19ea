/** What a user writes in launch.json: each field with its description, its default and its limits. */
import { address, choice, count, flag, integer, list, record, size, text, textMap, time } from './fields';
import type { Field, Parsed } from './fields';
import { EXTENSION_FIELDS } from './extensions';
import type { DevicesConfiguration, MachineSlot } from './devices';
import { deviceFields, MACHINE_SLOTS } from './devices';

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
  readonly timeSlice?: number;
  readonly guestTime?: GuestTime;
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
export type GuestTime = 'goes-on' | 'stops';
export type StaleTranslations = 'stop' | 'log' | 'ignore';
export type LaunchMode = 'hypervisor' | 'bare' | 'machine';
export type ConsoleKind = 'integratedTerminal' | 'debugConsole';

/** A table has one field for each property that the user may write. */
type TableOf<T> = { readonly [K in keyof T]-?: Field<unknown, unknown> };

export const GUEST_FIELDS = {
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

export const MOST_HARTS = 8;

const MACHINE_FIELDS = {
  memory: size({
    description:
      'DRAM of the machine, from physical address 0x80000000 on. Under the hypervisor it also holds the firmware, the hypervisor (128M) and all guests.',
    default: '3G',
    least: '2M',
    most: '3G',
  }),
  harts: integer({
    description:
      'Harts (processors) of the machine. Default: 1, or one for each vCPU of the guests, up to 8. With fewer harts than vCPUs, vCPUs share them.',
    least: 1,
    most: MOST_HARTS,
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
  timeSlice: integer({
    description:
      'Instructions that a vCPU has its hart for while others wait for it. vCPUs share harts where "machine.harts" are fewer. Default: 100000.',
    least: 1000,
    most: 1_000_000_000,
  }),
  guestTime: choice<GuestTime>({
    description:
      'What the time of a guest does while the guest could run and does not: others have its harts, or it is held.',
    choices: {
      'goes-on': 'It goes on, as that of the machine does.',
      stops: 'It stands still, so that the guest is late for nothing. Each time that it reads costs a VM exit.',
    },
    default: 'goes-on',
  }),
  staleTranslations: choice<StaleTranslations>({
    description: 'What to do when a guest uses an address translation that it changed without sfence.vma.',
    choices: {
      stop: 'Stop there.',
      log: 'Tell it in the Debug Console, each place once, and the first as a notification.',
      ignore: 'Nothing: they are not looked for.',
    },
    default: 'log',
  }),
} satisfies TableOf<HypervisorConfiguration>;

export const LAUNCH_FIELDS = {
  program: text({
    description:
      'The guest kernel to debug: a RISC-V ELF64 file, or a flat Linux Image. Short for "guests" with one guest.',
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

export type ParsedGuest = Parsed<typeof GUEST_FIELDS>;
export type ParsedMachine = Parsed<typeof MACHINE_FIELDS>;
export type ParsedHypervisor = Parsed<typeof HYPERVISOR_FIELDS>;
