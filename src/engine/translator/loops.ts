/** The loops of a region. */
import { successors } from './edges';
import type { FlowGraph } from './flow-graph';
import type { Block } from './region';

/** The blocks of each loop, by the one that it begins with. */
export type Loops = ReadonlyMap<number, ReadonlySet<number>>;

export function findLoops(blocks: readonly Block[], { order, rank }: FlowGraph): Loops {
  const predecessors = findPredecessors(blocks, order);
  const loops = new Map<number, ReadonlySet<number>>();
  for (const head of order) {
    const inside = new Set([head]);
    for (const from of predecessors[head]) if (rank[from] >= rank[head]) inside.add(from);
    if (inside.size === 1 && !predecessors[head].includes(head)) continue;
    for (const node of inside) if (node !== head) for (const from of predecessors[node]) inside.add(from);
    loops.set(head, inside);
  }
  return loops;
}

/** For each block those that lead to it. @param order the blocks that can be reached */
export function findPredecessors(blocks: readonly Block[], order: readonly number[]): readonly (readonly number[])[] {
  const predecessors: number[][] = blocks.map(() => []);
  for (const from of order) for (const to of successors(blocks[from])) predecessors[to].push(from);
  return predecessors;
}
