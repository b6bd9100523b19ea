/**
 * What holds for a whole program: the machine's extensions, and choices that keep the program's parts off each other's
 * feet, so that both machines have one right answer.
 */
import type { Extension, ExtensionSwitches, SwitchableExtension } from '../../src/isa/extensions';
import { machineExtensions } from '../../src/isa/extensions';
import { Random } from '../support/random';

/** Programs whose seeds differ in the low bits only share an image, and so a machine. */
const GROUP_BITS = 7;
export const PROGRAMS = 100;
/** The first seed of an image. */
export const firstSeed = (seed: number, round: number): number => ((seed * 1_000_003 + round) << GROUP_BITS) >>> 0;

/** Extensions that QEMU 7.2 can switch, by the names of its options. */
const SWITCHED = ['Zba', 'Zbb', 'Zbs', 'Sstc', 'Svinval', 'Svnapot', 'Svpbmt'] as const;
const ALWAYS_OFF: ExtensionSwitches = { Zicbom: false, Zicboz: false, Zicond: false, Svade: false, Svadu: false };

/** The extensions of the machine that runs the program with this seed: in every other image those that are usual. */
export function switchesFor(seed: number): ExtensionSwitches {
  const random = new Random(seed >>> GROUP_BITS);
  if (random.below(2) === 0) return {};
  const switched = SWITCHED.map((name): [SwitchableExtension, boolean] => [name, random.below(2) === 0]);
  return { ...ALWAYS_OFF, ...Object.fromEntries(switched) };
}

/** QEMU's processor with these extensions. */
export function processor(switches: ExtensionSwitches): string {
  const extensions = machineExtensions(switches);
  const options = SWITCHED.map((name) => `${name.toLowerCase()}=${extensions.has(name)}`);
  return ['rv64', 'v=false', 'h=false', 'zbc=false', ...options].join(',');
}

const SSI = 1n << 1n;
const MSI = 1n << 3n;
const STI = 1n << 5n;
const MTI = 1n << 7n;
const SEI = 1n << 9n;
export const INTERRUPT = { SSI, MSI, STI, MTI, SEI } as const;

/** Interrupts that a program makes pending, and what of them it may delegate. */
export interface Interrupts {
  readonly sources: bigint;
  readonly delegated: (random: Random) => bigint;
}

const anyOf =
  (bits: bigint) =>
  (random: Random): bigint =>
    bits & random.bits(16);

/**
 * Of several interrupts for one mode QEMU 7.2 takes the one with the lowest number, not the one with the highest priority
 * (Privileged 3.1.9): only those that have the same order by both are pending for one mode.
 */
const interruptChoices: readonly Interrupts[] = [
  { sources: MSI | MTI | SEI, delegated: anyOf(SSI | STI | SEI) },
  { sources: SSI | STI, delegated: anyOf(SSI | STI | SEI) },
  { sources: MSI | STI, delegated: anyOf(SSI | STI | SEI) },
  { sources: SSI | MSI | STI | MTI, delegated: (random) => SSI | STI | (SEI & random.bits(16)) },
  { sources: SSI | STI | SEI, delegated: () => SEI },
  { sources: SSI | MSI | STI | MTI | SEI, delegated: () => SSI | STI },
];

/**
 * Which address spaces there are. A translation may be remembered under its ASID until SFENCE.VMA: each ASID stands for
 * one mode and one space.
 * 'one': the first space with ASID 0; 'shared': that space under many ASIDs; 'separate': each ASID has one of the spaces.
 */
export type Spaces = 'one' | 'shared' | 'separate';

export interface Traits {
  readonly extensions: ReadonlySet<Extension>;
  /** menvcfg.STCE: stimecmp decides about the supervisor timer interrupt. */
  readonly comparesTime: boolean;
  /** menvcfg.PBMTE. */
  readonly memoryTypes: boolean;
  /** LR and SC of one width per program: QEMU 7.2 stores and yet reports failure when they differ. */
  readonly reservedWidth: 4 | 8;
  readonly interrupts: Interrupts;
  readonly spaces: Spaces;
  /** Global pages, which SFENCE.VMA with an ASID leaves. */
  readonly global: boolean;
  /**
   * Entries of memory protection end at page borders; then no access crosses a border, since an access that does may be
   * one or two (it is one in QEMU, two here).
   */
  readonly borders: boolean;
  /** Entries are locked, which only the machine's reset ends: in the last program of an image. */
  readonly locks: boolean;
}

export function traitsOf(seed: number, random: Random): Traits {
  const extensions = machineExtensions(switchesFor(seed));
  const spaces = random.pick(['one', 'one', 'shared', 'separate'] as const);
  return {
    extensions,
    comparesTime: extensions.has('Sstc') && random.below(2) === 0,
    memoryTypes: extensions.has('Svpbmt') && random.below(2) === 0,
    reservedWidth: random.pick([4, 8] as const),
    interrupts: random.pick(interruptChoices),
    spaces,
    global: spaces !== 'separate' && random.below(2) === 0,
    borders: random.below(3) === 0,
    locks: (seed & ((1 << GROUP_BITS) - 1)) === PROGRAMS - 1,
  };
}
