/**
 * Guesses which base registers mostly stay in one page, so that it pays to remember that page's place: not those that are
 * loaded from memory, as by a walk along a list, nor those that go on in large strides.
 */
import type { Step } from './region';
import { integerUse } from './registers';

/** Bytes; with larger strides a page lasts for too few accesses. */
const LARGEST_STRIDE = 256;
const SP = 2;

/**
 * @param blocks the steps of a region's blocks
 * @param register an integer register's value now, from which the strides are guessed
 * @returns the registers that do not stay in a page, as bits
 */
export function wanderingRegisters(blocks: readonly (readonly Step[])[], register: (x: number) => bigint): number {
  let wandering = 0;
  for (const steps of blocks) {
    let written = 0;
    for (const { decoded } of steps) {
      const { instruction, rd, rs1, rs2, imm } = decoded;
      const bit = 1 << rd;
      const { writes } = integerUse(instruction, decoded);
      if (writes & bit) {
        if (instruction.action.k === 'load' && rs1 !== SP) wandering |= bit;
        // A register that was not set before in its block goes on from where it was.
        const addend = rd === rs1 ? rs2 : rd === rs2 ? rs1 : undefined;
        if (!(written & bit)) {
          if (instruction.name === 'addi' && rd === rs1 && isLarge(BigInt(imm))) wandering |= bit;
          if (instruction.name === 'add' && addend !== undefined && isLarge(register(addend))) wandering |= bit;
        }
      }
      written |= writes;
    }
  }
  return wandering & ~(1 << SP);
}

function isLarge(stride: bigint): boolean {
  const signed = BigInt.asIntN(64, stride);
  return signed >= LARGEST_STRIDE || signed <= -LARGEST_STRIDE;
}
