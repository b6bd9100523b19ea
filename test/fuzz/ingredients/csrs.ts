/**
 * Accesses to CSRs. What is written keeps to bits in which the machine and QEMU agree (docs/decisions/0004), and to values
 * with which the trap handlers go on working.
 */
import type { Random } from '../../support/random';
import { STATUS_SHOWN } from '../harness/state';
import { INTERRUPT } from '../traits';
import type { Ingredient, Surroundings } from '../unit';
import { anyTarget, anyValue, chance, hex, POINTER, someOf, toMachineMode } from '../unit';
import { anySatp } from './spaces';

const STATUS_WRITTEN = 0x5c61aan; // all but MPRV, which has a unit of its own, and MPP and TVM
const TVM = 1n << 20n;
const ALL = (1n << 64n) - 1n;

/** Exceptions that programs may delegate; the faults of loads and stores together, since QEMU takes an AMO's for a load's. */
export function anyDelegation(random: Random): bigint {
  const bits = someOf(random, 0xb1ffn & ~0xa0f0n);
  const pairs = [
    [4n, 6n],
    [5n, 7n],
    [13n, 15n],
  ].map(([load, store]) => (random.below(2) === 0 ? (1n << load) | (1n << store) : 0n));
  return pairs.reduce((all, pair) => all | pair, bits);
}

const withMpp = (random: Random): bigint =>
  someOf(random, STATUS_WRITTEN) | (chance(random, 4) ? TVM : 0n) | (random.pick([0n, 1n, 3n]) << 11n);

/** Pending bits that software sets: not the timer's while stimecmp decides about it. */
const pending = ({ random, traits }: Surroundings): bigint => {
  const { SSI, STI, SEI } = INTERRUPT;
  return someOf(random, traits.interrupts.sources & (SSI | SEI | (traits.comparesTime ? 0n : STI)));
};

/** What may be written to each register. */
const values: Readonly<Record<string, (around: Surroundings) => bigint>> = {
  sstatus: ({ random }) => someOf(random, 0xc6122n),
  sie: ({ random }) => someOf(random, 0x222n),
  sip: ({ random, traits }) => someOf(random, traits.interrupts.sources & INTERRUPT.SSI),
  sscratch: ({ random }) => anyValue(random),
  sepc: ({ random }) => anyValue(random) & ~1n,
  scause: ({ random }) => anyValue(random),
  stval: ({ random }) => anyValue(random),
  scounteren: ({ random }) => random.bits(32),
  senvcfg: ({ random }) => random.bits(1),
  satp: anySatp,
  mie: ({ random }) => someOf(random, 0xaaan),
  mip: pending,
  mideleg: ({ random, traits }) => traits.interrupts.delegated(random),
  medeleg: ({ random }) => anyDelegation(random),
  mepc: ({ random }) => anyValue(random) & ~1n,
  mcause: ({ random }) => anyValue(random),
  mtval: ({ random }) => anyValue(random),
  mcounteren: ({ random }) => random.bits(32),
  mcountinhibit: ({ random }) => someOf(random, 5n),
  // Not zero: QEMU does not write when a register that holds zero sets or clears bits, and then FS stays as it is.
  fcsr: ({ random }) => random.bits(8) || 1n,
  frm: ({ random }) => random.bits(3) || 1n,
  fflags: ({ random }) => random.bits(5) || 1n,
};
const writable = Object.keys(values);

/** Registers that are written as a whole: bits of theirs belong together. */
const WHOLE = new Set(['satp', 'medeleg', 'mideleg']);

/** Registers whose value is not compared, only whether they may be read. */
const UNREADABLE = [
  ...['cycle', 'time', 'instret', 'mcycle', 'minstret', 'mvendorid', 'mstatus', 'stimecmp', 'menvcfg', 'pmpcfg0'],
  ...['0xc83', '0x5c0', '0xfff'],
];
const READ_ONLY = ['mhartid', 'cycle', 'time', 'instret', '0xf15'];

const SETS = ['csrrw', 'csrrs', 'csrrc'] as const;

/** Writes, or sets or clears bits of, some register, and reads it. */
export const csrAccess: Ingredient = (around) => {
  const { random } = around;
  const name = random.pick(writable);
  const kind = WHOLE.has(name) ? 'csrrw' : random.pick(SETS);
  const rd = anyTarget(random);
  return [`li x${POINTER}, ${hex(values[name](around) & ALL)}`, `${kind} x${rd}, ${name}, x${POINTER}`];
};

/** Small constants, and reads by instructions that do not write. */
export const csrImmediate: Ingredient = ({ random }) => {
  const name = random.pick([
    ...['sscratch', 'scause', 'stval', 'mcause', 'mtval', 'scounteren', 'mcounteren'],
    ...['frm', 'fflags', 'fcsr'],
  ]);
  return [`${random.pick(SETS)}i x${anyTarget(random)}, ${name}, ${random.below(32)}`];
};

/** Whether a register may be read, or written, in this mode. */
export const csrPermission: Ingredient = ({ random }) =>
  chance(random, 2)
    ? [`csrrs x0, ${random.pick(UNREADABLE)}, x0`]
    : // QEMU lets zeros be set and cleared in read-only registers.
      ['li x5, 1', `${random.pick(SETS)} x0, ${random.pick(READ_ONLY)}, x5`];

/** mstatus, in all its parts that programs may change. */
export const statusAccess: Ingredient = ({ random }) => [
  `li x${POINTER}, ${hex(withMpp(random))}`,
  'csrr x9, mstatus',
  `li x7, ${hex(STATUS_WRITTEN | TVM | (3n << 11n))}`,
  'not x7, x7',
  'and x9, x9, x7',
  `or x${POINTER}, x${POINTER}, x9`,
  `csrw mstatus, x${POINTER}`,
  'csrr x9, mstatus',
  `li x7, ${hex(STATUS_SHOWN)}`,
  'and x9, x9, x7',
  'li x7, 0',
];

/** A counter that stands still keeps what is written to it. */
export const standingCounter: Ingredient = ({ random }) => {
  const [counter, bit] = random.pick([
    ['mcycle', 1],
    ['minstret', 4],
  ] as const);
  return [
    ...toMachineMode(),
    `csrsi mcountinhibit, ${bit}`,
    `li x9, ${hex(anyValue(random))}`,
    `csrw ${counter}, x9`,
    `csrr x${anyTarget(random)}, ${counter}`,
  ];
};
