/** Cycles in a region's graph of blocks. */
import { successors } from './edges';
import type { Block } from './region';

export class Graph {
  readonly successors: readonly (readonly number[])[];
  readonly predecessors: readonly number[][];

  constructor(blocks: readonly Block[]) {
    this.successors = blocks.map(successors);
    this.predecessors = blocks.map(() => []);
    this.successors.forEach((nodes, from) => nodes.forEach((to) => this.predecessors[to].push(from)));
  }

  /** The nodes on cycles through this one, nearest first, that use only some edges; undefined when there is no cycle. */
  cycle(node: number, uses: (from: number, to: number) => boolean): ReadonlySet<number> | undefined {
    const after = walk(node, (from) => this.successors[from].filter((to) => uses(from, to)));
    const before = walk(node, (to) => this.predecessors[to].filter((from) => uses(from, to)));
    const both = [...after].filter((other) => before.has(other));
    return both.length > 1 || this.successors[node].some((to) => to === node && uses(node, to))
      ? new Set(both)
      : undefined;
  }

  /** Whether, when the loop `all` begins with this node, no part of it that is a loop has nodes both in `inner` and not in it. */
  nests(node: number, all: ReadonlySet<number>, inner: ReadonlySet<number>): boolean {
    const uses = (from: number, to: number) => from !== node && to !== node && all.has(from) && all.has(to);
    for (const other of inner) {
      const cycle = other === node ? undefined : this.cycle(other, uses);
      if (cycle && [...cycle].some((member) => !inner.has(member))) return false;
    }
    return true;
  }
}

/** The nodes that can be reached, nearest first. */
function walk(start: number, next: (node: number) => readonly number[]): ReadonlySet<number> {
  const seen = new Set([start]);
  for (const node of seen) for (const other of next(node)) seen.add(other);
  return seen;
}
