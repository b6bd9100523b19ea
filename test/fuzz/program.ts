/** Random programs. */
import { double, edges, randomOperand, single } from '../isa/float-operands';
import { Random } from '../support/random';
import { anyAccess } from './ingredients/accesses';
import { anyAtomic, atomicNowhere, reservation, reservationAnywhere } from './ingredients/atomics';
import { callElsewhere, changeElsewhere } from './ingredients/code';
import { csrAccess, csrImmediate, csrPermission, standingCounter, statusAccess } from './ingredients/csrs';
import {
  anyInstruction,
  compressedPair,
  floatInstruction,
  reservedEncoding,
  selfModification,
} from './ingredients/instructions';
import { compareTime, interrupt, waiting } from './ingredients/interrupts';
import * as modes from './ingredients/modes';
import * as paging from './ingredients/paging';
import { protect, supervisorRights } from './ingredients/protection';
import type { Traits } from './traits';
import { traitsOf } from './traits';
import type { Ingredient, Unit } from './unit';
import { anyValue, chance } from './unit';

export interface Program {
  /** The seed that it was made from. */
  readonly seed: number;
  readonly traits: Traits;
  /** mideleg at first. */
  readonly delegated: bigint;
  /** fcsr at first. */
  readonly fcsr: number;
  /** mstatus.FS at first: clean or dirty. */
  readonly floatState: 2 | 3;
  /** How often its code is executed: an engine may treat code otherwise once it has been there. */
  readonly rounds: number;
  /** What x0 to x31 and f0 to f31 contain at first. */
  readonly registers: readonly bigint[];
  readonly units: readonly Unit[];
  /** Bytes left free before it, for a program whose place in memory matters. */
  readonly padding?: number;
}

/** Ingredients with how often each is taken. */
type Mixture = readonly (readonly [share: number, ingredient: Ingredient])[];

/** Plain code, with few traps. */
const plain: Mixture = [
  [30, anyInstruction],
  [10, compressedPair],
  [8, floatInstruction],
  [3, anyAtomic],
  [2, reservation],
  [2, selfModification],
  [1, reservedEncoding],
  [1, csrImmediate],
  [1, modes.systemInstruction],
];

/** Everything. */
const mixed: Mixture = [
  [14, anyInstruction],
  [4, compressedPair],
  [4, floatInstruction],
  [4, anyAtomic],
  [3, reservation],
  [2, reservationAnywhere],
  [1, atomicNowhere],
  [3, modes.withOwnRights(selfModification)],
  [2, changeElsewhere],
  [2, reservedEncoding],
  [4, modes.systemInstruction],
  [5, modes.enterMode],
  [2, modes.enterMachineMode],
  [4, modes.translation],
  [2, modes.vectors],
  [3, interrupt],
  [1, waiting],
  [1, compareTime],
  [3, modes.modifiedPrivilege],
  [3, modes.delegation],
  [6, csrAccess],
  [2, csrImmediate],
  [2, csrPermission],
  [1, standingCounter],
  [3, statusAccess],
  [6, paging.mapPage],
  [3, paging.mapSuperpage],
  [1, paging.changePointer],
  [3, protect],
  [3, supervisorRights],
  [10, anyAccess],
  [4, callElsewhere],
  [6, modes.below(anyAccess)],
  [2, modes.below(callElsewhere)],
];

/** Translation with many mappings, and accesses in S- and U-mode. */
const mappings: Mixture = [
  [8, paging.mapPage],
  [4, paging.mapSuperpage],
  [1, paging.changePointer],
  [2, protect],
  [3, supervisorRights],
  [4, modes.enterMode],
  [4, modes.translation],
  [2, modes.modifiedPrivilege],
  [1, modes.delegation],
  [10, anyAccess],
  [15, modes.below(anyAccess)],
  [4, modes.below(anyAtomic)],
  [3, modes.below(reservationAnywhere)],
  [7, modes.below(callElsewhere)],
  [3, changeElsewhere],
];

/** Modes, their rights and interrupts, with little else. */
const privileges: Mixture = [
  [6, modes.enterMode],
  [2, modes.vectors],
  [6, interrupt],
  [3, waiting],
  [3, compareTime],
  [3, modes.delegation],
  [10, csrAccess],
  [3, csrImmediate],
  [4, csrPermission],
  [2, standingCounter],
  [5, statusAccess],
  [5, modes.systemInstruction],
  [2, modes.modifiedPrivilege],
  [2, modes.translation],
  [3, floatInstruction],
];

const PROGRAM_KINDS = [plain, mixed, mixed, mappings, privileges] as const;
const UNITS = 50;

function pick(mixture: Mixture, random: Random): Ingredient {
  let left = random.below(mixture.reduce((sum, [share]) => sum + share, 0));
  for (const [share, ingredient] of mixture) {
    left -= share;
    if (left < 0) return ingredient;
  }
  return mixture[0][1];
}

const singleEdges = edges(single);
const doubleEdges = edges(double);

/** A double-precision value, or a single-precision one, nearly always boxed. */
function floatValue(random: Random): bigint {
  const next = (): number => random.next();
  if (chance(random, 2)) return randomOperand(double, doubleEdges, next);
  const bits = randomOperand(single, singleEdges, next);
  return chance(random, 16) ? bits : bits | 0xffffffff00000000n;
}

export function randomProgram(seed: number): Program {
  const random = new Random(seed);
  const around = { random, traits: traitsOf(seed, random) };
  const mixture = random.pick(PROGRAM_KINDS);
  const delegated = around.traits.interrupts.delegated(random);
  const rounds = random.pick([1, 2, 3, 5]);
  // Inexact is accrued from the start in every other program: engines have a faster way then.
  const fcsr = ((random.below(5) << 5) * random.below(2)) | random.below(2);
  const floatState = random.pick([2, 3] as const);
  const registers = Array.from({ length: 64 }, (_, i) => (i < 32 ? anyValue(random) : floatValue(random)));
  const opening = [modes.vectors, modes.translation, ...Array<Ingredient>(4).fill(paging.mapPage), paging.mapSuperpage];
  const begin = mixture === mappings ? opening.map((ingredient) => ingredient(around)) : [];
  const units = Array.from({ length: UNITS }, () => pick(mixture, random)(around));
  return { seed, traits: around.traits, delegated, fcsr, floatState, rounds, registers, units: [...begin, ...units] };
}
