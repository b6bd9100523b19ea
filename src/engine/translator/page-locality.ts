/**
 * Guesses which accesses mostly stay in the page of the one before with the same base register, so that it pays to remember
 * that page: not where the register was loaded from memory, as in a walk along a list, nor where it goes on in large strides.
 */
import type { Step } from './region';
import { integerUse } from './registers';

/** Bytes; with larger strides a page lasts for too few accesses. */
const LARGEST_STRIDE = 256;
const SP = 2;

/**
 * @param blocks the steps of a region's blocks
 * @param register an integer register's value now, from which the strides are guessed
 * @returns the loads and stores that do not stay in a page
 */
export function findWanderers(
  blocks: readonly (readonly Step[])[],
  register: (x: number) => bigint,
): ReadonlySet<Step> {
  const leaping = findLeaping(blocks, register);
  const wanderers = new Set<Step>();
  for (const steps of blocks) {
    // Registers by what gave them their value in this block.
    let [computed, loaded] = [0, 0];
    for (const step of steps) {
      const { instruction, rs1 } = step.decoded;
      const base = 1 << rs1;
      if (loaded & base || (leaping & base && !(computed & base))) wanderers.add(step);
      const { writes } = integerUse(instruction, step.decoded);
      computed &= ~writes;
      loaded &= ~writes;
      if (isPointerLoad(step)) loaded |= writes;
      else if (strideOf(step, register) === undefined) computed |= writes;
    }
  }
  return wanderers;
}

/** Registers that leap from page to page from block to block, as bits. */
function findLeaping(blocks: readonly (readonly Step[])[], register: (x: number) => bigint): number {
  let leaping = 0;
  for (const steps of blocks) {
    let written = 0;
    for (const step of [...steps].reverse()) {
      const { writes } = integerUse(step.decoded.instruction, step.decoded);
      const stride = strideOf(step, register);
      const leaps =
        isPointerLoad(step) || (stride !== undefined && (stride >= LARGEST_STRIDE || stride <= -LARGEST_STRIDE));
      // What the block leaves in the register is what counts elsewhere.
      if (leaps) leaping |= writes & ~written;
      written |= writes;
    }
  }
  return leaping & ~(1 << SP);
}

/** A register that is restored from the stack was no pointer that a list holds. */
function isPointerLoad({ decoded }: Step): boolean {
  return decoded.instruction.action.k === 'load' && decoded.rs1 !== SP;
}

/** By how much a register goes on from its own value. */
function strideOf({ decoded }: Step, register: (x: number) => bigint): number | undefined {
  const { instruction, rd, rs1, rs2, imm } = decoded;
  if (instruction.name === 'addi' && rd === rs1) return imm;
  if (instruction.name !== 'add' || (rd !== rs1 && rd !== rs2)) return undefined;
  return Number(BigInt.asIntN(64, register(rd === rs1 ? rs2 : rs1)));
}
