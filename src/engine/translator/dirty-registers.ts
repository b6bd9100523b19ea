/** Registers that a region has changed in its locals. */
import type { FlowGraph } from './flow-graph';
import type { Loops } from './loops';
import { findPredecessors } from './loops';
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

/** Integer registers of a loop that are stored each time it goes round, at most: else they are kept. */
const MOST_STORED = 3;

/**
 * The registers that may differ from their place in memory where a block begins, which an exit must store. Those that differ
 * before but not there are stored on the way: registers that no code will read are not kept for the sake of exits alone where a loop
 * goes round or is left, or where ways meet of which one brings no value; unless they are many.
 * @param live for each block, the integer registers that are read from there on; undefined: all are kept
 */
export function findDirtyRegisters(
  blocks: readonly Block[],
  flow: FlowGraph,
  loops: Loops,
  live: readonly number[] | undefined,
): RegisterSet[] {
  const none: RegisterSet = { integers: 0, floats: 0 };
  const written = blocks.map(({ steps }) => steps.reduce((set, step) => union(set, writes(step)), none));
  const predecessors = findPredecessors(blocks, flow.order);
  const leavesLoop = (from: number, to: number) => [...loops.values()].some((loop) => loop.has(from) && !loop.has(to));
  const many = new Set<number>();
  for (const [head, loop] of loops) {
    const changed = [...loop].reduce((set, node) => set | written[node].integers, 0);
    if (live && countBits(changed & ~live[head]) > MOST_STORED) for (const node of loop) many.add(node);
  }
  const kept = blocks.map((_, node) => (live && !many.has(node) ? live[node] : -1));
  const isBorder = blocks.map(
    (_, node) => node === 0 || flow.isLoopHead[node] || predecessors[node].some((from) => leavesLoop(from, node)),
  );
  const dirty = blocks.map(() => none);
  for (let changed = true; changed;) {
    changed = false;
    for (const node of flow.order) {
      const before = predecessors[node].map((from) => union(dirty[from], written[from]));
      const { integers, floats } = before.reduce(union, none);
      const common = before.reduce((set, each) => set & each.integers, isBorder[node] ? 0 : -1);
      const merged = { integers: integers & (kept[node] | common), floats };
      if (merged.integers === dirty[node].integers && merged.floats === dirty[node].floats) continue;
      dirty[node] = merged;
      changed = true;
    }
  }
  return dirty;
}

function countBits(set: number): number {
  let count = 0;
  for (let rest = set; rest !== 0; rest &= rest - 1) count++;
  return count;
}
