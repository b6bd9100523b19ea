/** Random programs, and images that hold many of them. */
import { assembleProgram } from '../../src/isa/assemble';
import { FLAT_BASE } from '../support/flat-program';
import { Random } from '../support/random';
import { anyDelegation, csrAccess, csrImmediate, csrPermission, statusAccess } from './ingredients/csrs';
import { anyAtomic, anyInstruction, compressedPair, reservation, reservedEncoding } from './ingredients/instructions';
import { anyAccess, callElsewhere, selfModification } from './ingredients/memory';
import * as modes from './ingredients/modes';
import * as protection from './ingredients/protection';
import { CALL_FINISH } from './layout';
import { before, epilogue, prologue } from './skeleton';
import type { Ingredient, Unit } from './unit';
import { anyValue, hex } from './unit';

export interface Program {
  /** The seed that it was made from. */
  readonly seed: number;
  /** What x1 to x31 (and f0 to f31) contain at first, from number 0 on. */
  readonly registers: readonly bigint[];
  readonly units: readonly Unit[];
}

/** Ingredients with how often each is taken. */
type Mixture = readonly (readonly [share: number, ingredient: Ingredient])[];

const delegation = modes.delegation(anyDelegation);

/** Plain code in M-mode, with few traps. */
const plain: Mixture = [
  [30, anyInstruction],
  [10, compressedPair],
  [3, anyAtomic],
  [2, reservation],
  [2, selfModification],
  [1, reservedEncoding],
  [1, modes.systemInstruction],
];

/** Everything. */
const mixed: Mixture = [
  [14, anyInstruction],
  [4, compressedPair],
  [3, anyAtomic],
  [3, reservation],
  [3, selfModification],
  [2, reservedEncoding],
  [4, modes.systemInstruction],
  [5, modes.enterMode],
  [2, modes.enterMachineMode],
  [4, modes.translation],
  [2, modes.vectors],
  [3, modes.interrupt],
  [3, modes.modifiedPrivilege],
  [3, delegation],
  [5, csrAccess],
  [2, csrImmediate],
  [2, csrPermission],
  [3, statusAccess],
  [6, protection.mapPage],
  [3, protection.mapSuperpage],
  [1, protection.changePointer],
  [3, protection.protect],
  [3, protection.supervisorRights],
  [14, anyAccess],
  [4, callElsewhere],
];

/** Translation with many mappings, and accesses in S- and U-mode. */
const paging: Mixture = [
  [8, protection.mapPage],
  [3, protection.mapSuperpage],
  [1, protection.changePointer],
  [2, protection.protect],
  [3, protection.supervisorRights],
  [4, modes.enterMode],
  [3, modes.translation],
  [2, modes.modifiedPrivilege],
  [1, delegation],
  [20, anyAccess],
  [6, callElsewhere],
];

const PROGRAM_KINDS = [plain, mixed, mixed, paging] as const;
const UNITS = 50;

function pick(mixture: Mixture, random: Random): Ingredient {
  let left = random.below(mixture.reduce((sum, [share]) => sum + share, 0));
  for (const [share, ingredient] of mixture) {
    left -= share;
    if (left < 0) return ingredient;
  }
  return mixture[0][1];
}

export function randomProgram(seed: number): Program {
  const random = new Random(seed);
  const mixture = random.pick(PROGRAM_KINDS);
  const around = { random, reservedWidth: random.pick([4, 8] as const) };
  const registers = Array.from({ length: 32 }, () => anyValue(random));
  const begin = mixture === paging ? [modes.vectors(around), modes.translation(around)] : [];
  const units = Array.from({ length: UNITS }, () => pick(mixture, random)(around));
  return { seed, registers, units: [...begin, ...units] };
}

/** The lines of program n: its units, each with a label. */
function code(program: Program, n: number): string {
  const { units } = program;
  const labelled = units.map((unit, i) => {
    const lines = unit.map((line) =>
      line.replace(/skip:(\d+)/, (_, distance: string) => `unit_${n}_${Math.min(i + Number(distance), units.length)}`),
    );
    return `unit_${n}_${i}:\n${lines.join('\n')}`;
  });
  const end = `unit_${n}_${units.length}:\nli a7, ${CALL_FINISH}\necall\n`;
  const values = program.registers.map((value) => `.dword ${hex(value)}`).join('\n');
  return `${before(n)}${values}\n.balign 8\ncode_${n}:\n${labelled.join('\n')}\n${end}end_${n}:\n.balign 8\n`;
}

/** A binary for the start of memory. @param verbose the whole state is printed, and each trap */
export function image(programs: readonly Program[], verbose = false): Uint8Array {
  return assembleProgram(prologue + programs.map(code).join('\n') + epilogue(programs.length, verbose), FLAT_BASE);
}
