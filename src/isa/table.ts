/** Every instruction that the machine knows. */
import type { CompressedInstruction, Instruction } from './instruction';
import { privileged } from './privileged';
import { rvA } from './rv-a';
import { rvC } from './rv-c';
import { rvD } from './rv-d';
import { rvF } from './rv-f';
import { rvI } from './rv-i';
import { rvM } from './rv-m';
import { switchableTables } from './switchable-extensions';
import { zicsr } from './zicsr';
import { zifencei } from './zifencei';

/** The 32-bit instructions. No two entries match the same word. */
export const instructions: readonly Instruction[] = [
  ...rvI,
  ...rvM,
  ...rvA,
  ...rvF,
  ...rvD,
  ...zicsr,
  ...zifencei,
  ...privileged,
  ...switchableTables.flatMap(({ instructions }) => instructions),
];

/** The 16-bit instructions; the first entry that matches a word decides. */
export const compressedInstructions: readonly CompressedInstruction[] = rvC;

/** The 32-bit instruction of this name, without aliases. */
export const instructionByName: ReadonlyMap<string, Instruction> = new Map(
  instructions.map((instruction) => [instruction.name, instruction]),
);
