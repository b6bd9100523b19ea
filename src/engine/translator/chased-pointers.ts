/**
 * Registers that hold addresses which a loop loads from memory, one after the other, as it follows a list or descends a tree.
 * Each is likely to be in another page than the last, so that it does not help to remember that.
 */
import { successors } from './edges';
import type { FlowGraph } from './flow-graph';
import type { Block, Step } from './region';
import { integerUse } from './registers';

/** For each block, the registers that hold such an address where it begins; as bits. */
export function findChasedPointers(blocks: readonly Block[], { order, rank, isLoopHead }: FlowGraph): number[] {
  const chased = blocks.map(() => 0);
  for (let changed = true; changed;) {
    changed = false;
    for (const from of order) {
      const after = blocks[from].steps.reduce(chasedAfter, chased[from]);
      for (const to of successors(blocks[from])) {
        // What is loaded before a loop is not loaded by it.
        const enters = isLoopHead[to] && rank[from] < rank[to];
        if (enters || (chased[to] | after) === chased[to]) continue;
        chased[to] |= after;
        changed = true;
      }
    }
  }
  return chased;
}

/** What a step makes of the set. */
export function chasedAfter(chased: number, { decoded }: Step): number {
  const { instruction, rd, rs1, rs2, imm } = decoded;
  const { writes } = integerUse(instruction, decoded);
  if (writes === 0) return chased;
  const has = (register: number) => (chased & (1 << register)) !== 0;
  const { action, name } = instruction;
  const isLoaded = action.k === 'load' && action.width === 8;
  const isMoved = (name === 'addi' && imm === 0 && has(rs1)) || (name === 'add' && rs1 === 0 && has(rs2));
  return isLoaded || isMoved ? chased | (1 << rd) : chased & ~writes;
}
