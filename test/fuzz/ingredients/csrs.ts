/**
 * Accesses to CSRs. What is written keeps to bits in which the machine and QEMU agree (docs/decisions/0004), and to values
 * with which the trap handlers go on working.
 */
import type { Ingredient } from '../unit';
import { anyTarget, anyValue, hex, POINTER, someOf } from '../unit';
import type { Random } from '../../support/random';
import * as at from '../layout';

/** Bits of mstatus that are compared. */
export const STATUS_SHOWN = 0x7e19aan;
const STATUS_WRITTEN = 0x5c01aan; // all but MPRV, which has a unit of its own, and MPP and TVM
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
  someOf(random, STATUS_WRITTEN) | (random.below(8) === 0 ? TVM : 0n) | (random.pick([0n, 1n, 3n]) << 11n);

/** What may be written to each register. */
const values: Readonly<Record<string, (random: Random) => bigint>> = {
  sstatus: (random) => someOf(random, 0xc0122n),
  sie: (random) => someOf(random, 0x222n),
  sip: (random) => someOf(random, 2n),
  sscratch: anyValue,
  sepc: (random) => anyValue(random) & ~1n,
  scause: anyValue,
  stval: anyValue,
  scounteren: (random) => random.bits(32),
  satp: (random) => random.pick([0n, at.SATP, at.SATP, at.SATP | (random.bits(16) << 44n)]),
  mie: (random) => someOf(random, 0xaaan),
  mip: (random) => someOf(random, 0x22n),
  mideleg: (random) => someOf(random, 0x222n),
  medeleg: anyDelegation,
  mepc: (random) => anyValue(random) & ~1n,
  mcause: anyValue,
  mtval: anyValue,
  mcounteren: (random) => random.bits(32),
  mcountinhibit: (random) => someOf(random, 5n),
  mhartid: () => 0n,
};

/** Registers whose value is not compared, only whether they may be read. */
const UNREADABLE = [
  'cycle',
  'time',
  'instret',
  'mcycle',
  'minstret',
  'mvendorid',
  'mstatus',
  '0xc83',
  '0x5c0',
  '0xfff',
];
const READ_ONLY = ['mhartid', 'cycle', 'time', 'instret', '0xf15'];

const writable = Object.keys(values).filter((name) => name !== 'mhartid');
const SETS = ['csrrw', 'csrrs', 'csrrc'] as const;

/** Writes, or sets or clears bits of, some register, and reads it. medeleg's pairs and satp's root stay whole. */
export const csrAccess: Ingredient = ({ random }) => {
  const name = random.pick(writable);
  const kind = name === 'satp' || name === 'medeleg' ? 'csrrw' : random.pick(SETS);
  const rd = anyTarget(random);
  const access = [`li x${POINTER}, ${hex(values[name](random) & ALL)}`, `${kind} x${rd}, ${name}, x${POINTER}`];
  // Pending bits of devices come by themselves.
  const hidden = name === 'mip' || name === 'sip' ? [`andi x${rd}, x${rd}, 0x22`] : [];
  return rd === 0 ? access : [...access, ...hidden];
};

/** Small constants, and reads by instructions that do not write. */
export const csrImmediate: Ingredient = ({ random }) => {
  const name = random.pick(['sscratch', 'scause', 'stval', 'mcause', 'mtval', 'scounteren', 'mcounteren']);
  return [`${random.pick(SETS)}i x${anyTarget(random)}, ${name}, ${random.below(32)}`];
};

/** Whether a register may be read, or written, in this mode. */
export const csrPermission: Ingredient = ({ random }) =>
  random.below(2) === 0
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
