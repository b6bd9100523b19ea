/** Registers that a region has changed in its locals. */
import { successors } from './edges';
import type { Block, Step } from './region';
import { floatUse, integerUse } from './registers';

/** Sets of registers 0..31 as bits. */
export interface RegisterSet {
  readonly integers: number;
  readonly floats: number;
}

export const union = (a: RegisterSet, b: RegisterSet): RegisterSet => ({
  integers: a.integers | b.integers,
  floats: a.floats | b.floats,
});

/** The registers that a step writes. */
export function writes({ decoded }: Step): RegisterSet {
  const { instruction } = decoded;
  return { integers: integerUse(instruction, decoded).writes, floats: floatUse(instruction, decoded).writes };
}

/**
 * The registers that may differ from their place in memory where a block begins, which an exit must store.
 * @param order the blocks that can be reached
 */
export function findDirtyRegisters(blocks: readonly Block[], order: readonly number[]): RegisterSet[] {
  const none: RegisterSet = { integers: 0, floats: 0 };
  const written = blocks.map(({ steps }) => steps.reduce((set, step) => union(set, writes(step)), none));
  const dirty = blocks.map(() => none);
  for (let changed = true; changed;) {
    changed = false;
    for (const from of order) {
      const after = union(dirty[from], written[from]);
      for (const to of successors(blocks[from])) {
        const merged = union(dirty[to], after);
        if (merged.integers === dirty[to].integers && merged.floats === dirty[to].floats) continue;
        dirty[to] = merged;
        changed = true;
      }
    }
  }
  return dirty;
}
