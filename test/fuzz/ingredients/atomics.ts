/** AMOs, and LR with SC, on all mappings. */
import type { Instruction } from '../../../src/isa/instruction';
import { instructions } from '../../../src/isa/table';
import type { Random } from '../../support/random';
import * as at from '../layout';
import type { Ingredient, Surroundings, Unit } from '../unit';
import { anySource, anyTarget, chance, hex, POINTER, toMachineMode } from '../unit';
import { dataAddress, noncanonical } from './accesses';
import { encode } from './encode';

const atomics = instructions.filter(({ action }) => action.k === 'atomic');
const widthOf = ({ action }: Instruction): number => (action.k === 'atomic' ? action.width : 8);

/** An address through sp, or in any mapping; nearly always aligned. */
function pointTo(around: Surroundings, width: number): string {
  const { random } = around;
  const misaligned = chance(random, 16) ? 1 + random.below(width - 1) : 0;
  if (chance(random, 2)) return `addi x${POINTER}, sp, ${width * (random.below(256) - 128) + misaligned}`;
  const address = dataAddress(around);
  return `li x${POINTER}, ${hex(address - (address % BigInt(width)) + BigInt(misaligned))}`;
}

/** Skips the next lines up to the next unit if the register still has the mark: then the load before it trapped. */
const MARK = ['li x9, 0x5a5a5a5a5a5a5a5a', 'mv x7, x9'];
const UNLESS_MARKED = 'beq x7, x9, skip:1';

const operate = (instruction: Instruction, random: Random): string =>
  encode(instruction, random, [
    [anyTarget(random), 7, 5],
    [POINTER, 15, 5],
  ]);

/**
 * An AMO of this instruction. QEMU 7.2 reads first, and so sets the A bit even of a page that may not be written, and tells
 * of an access fault in preference to that page's fault: the AMO is left out where a load traps.
 */
export function atomic(instruction: Instruction, around: Surroundings): Unit {
  const { random } = around;
  return [
    pointTo(around, widthOf(instruction)),
    ...MARK,
    `lb x9, 0(x${POINTER})`,
    UNLESS_MARKED,
    operate(instruction, random),
  ];
}

/** An AMO where nothing is, whoever looks. */
export const atomicNowhere: Ingredient = ({ random }) => {
  const address = chance(random, 2) ? at.NOWHERE : noncanonical(random);
  return [
    ...toMachineMode(),
    `li x${POINTER}, ${hex(address - (address % 8n))}`,
    operate(random.pick(atomics), random),
  ];
};

export const anyAtomic: Ingredient = (around) => atomic(around.random.pick(atomics), around);

const between = (random: Random, letter: string, width: number): readonly string[] =>
  random.pick([
    [],
    [`s${letter} x${anySource(random)}, ${random.below(64)}(x${POINTER})`],
    ['ebreak'],
    [`sb x5, ${width + 8}(x${POINTER})`],
    [`amoadd.${letter} x5, x6, (x${POINTER})`],
    [`lr.${letter} x5, (x${POINTER})`],
  ]);

/**
 * LR, something, SC. They are left out when an AMO, after a load as above, shows that the address may not be read and
 * written: without a reservation QEMU 7.2 does not look.
 */
export const reservation: Ingredient = (around) => {
  const { random, traits } = around;
  const { reservedWidth } = traits;
  const letter = reservedWidth === 4 ? 'w' : 'd';
  const near = chance(random, 2);
  const address = dataAddress(around);
  const pointing = near
    ? `addi x${POINTER}, sp, ${reservedWidth * random.below(64)}`
    : `li x${POINTER}, ${hex(address - (address % BigInt(reservedWidth)))}`;
  return [
    pointing,
    ...MARK,
    `lb x9, 0(x${POINTER})`,
    UNLESS_MARKED,
    'mv x9, x7',
    `amoor.${letter} x9, x0, (x${POINTER})`,
    UNLESS_MARKED,
    `lr.${letter} x9, (x${POINTER})`,
    ...(near ? between(random, letter, reservedWidth) : []),
    `sc.${letter} x${random.pick([0, 5, 6])}, x${anySource(random)}, (x${POINTER})`,
  ];
};

/** LR, and SC at once if LR did not trap: SC may, on a page that may not be written. */
export const reservationAnywhere: Ingredient = (around) => {
  const letter = around.traits.reservedWidth === 4 ? 'w' : 'd';
  return [
    pointTo(around, around.traits.reservedWidth),
    ...MARK,
    `lr.${letter} x9, (x${POINTER})`,
    UNLESS_MARKED,
    `sc.${letter} x${around.random.pick([0, 5, 6])}, x${anySource(around.random)}, (x${POINTER})`,
  ];
};
