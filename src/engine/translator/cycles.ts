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
    const isMixed = (loop: readonly number[]) => loop.some((member) => inner.has(member) !== inner.has(loop[0]));
    return !this.components((other) => other !== node && all.has(other)).some(isMixed);
  }

  /** Some of the nodes, those together that can reach each other through these (R. Tarjan, 1972). */
  private components(isOne: (node: number) => boolean): number[][] {
    const found: number[][] = [];
    const number = new Map<number, number>();
    const least = new Map<number, number>();
    const open: number[] = [];
    const isOpen = new Set<number>();
    const visit = (node: number): number => {
      const own = number.size;
      number.set(node, own);
      least.set(node, own);
      open.push(node);
      isOpen.add(node);
      for (const to of this.successors[node]) {
        if (!isOne(to)) continue;
        const reached = number.has(to) ? (isOpen.has(to) ? number.get(to)! : own) : visit(to);
        least.set(node, Math.min(least.get(node)!, reached));
      }
      if (least.get(node) === own) {
        const component = open.splice(open.indexOf(node));
        for (const member of component) isOpen.delete(member);
        found.push(component);
      }
      return least.get(node)!;
    };
    this.successors.forEach((_, node) => {
      if (isOne(node) && !number.has(node)) visit(node);
    });
    return found;
  }
}

/** The nodes that can be reached, nearest first. */
function walk(start: number, next: (node: number) => readonly number[]): ReadonlySet<number> {
  const seen = new Set([start]);
  for (const node of seen) for (const other of next(node)) seen.add(other);
  return seen;
}
