/**
 * The shape of a region's control flow: what WebAssembly needs to know to write it with structured blocks and loops
 * (N. Ramsey, "Beyond Relooper", ICFP 2022).
 */

export interface FlowGraph {
  /** The reachable nodes in reverse postorder; the entry is first. */
  readonly order: readonly number[];
  /** Each node's place in `order`; -1 for one that cannot be reached. */
  readonly rank: readonly number[];
  /** Nodes that each node immediately dominates, those that come last in `order` first. */
  readonly dominated: readonly (readonly number[])[];
  /** Nodes that a later one jumps back to. */
  readonly isLoopHead: readonly boolean[];
  /** Nodes that more than one forward edge leads to. */
  readonly isMerge: boolean[];
  /** Edges that jump back into the middle of a loop, which structured code cannot express: [from, to]. */
  readonly irreducible: readonly (readonly [from: number, to: number])[];
}

/** Analyses the graph of these nodes, entered at node 0. */
export function analyseFlow(successors: readonly (readonly number[])[]): FlowGraph {
  const order = reversePostorder(successors);
  const rank = new Array<number>(successors.length).fill(-1);
  order.forEach((node, i) => (rank[node] = i));
  const predecessors: number[][] = successors.map(() => []);
  for (const node of order) for (const to of successors[node]) predecessors[to].push(node);

  const dominator = immediateDominators(order, rank, predecessors);
  const dominates = (a: number, b: number): boolean => {
    while (rank[b] > rank[a]) b = dominator[b];
    return a === b;
  };
  const dominated: number[][] = successors.map(() => []);
  for (let i = order.length - 1; i > 0; i--) dominated[dominator[order[i]]].push(order[i]);

  const isLoopHead = successors.map(() => false);
  const isMerge = successors.map(() => false);
  const irreducible: [number, number][] = [];
  for (const to of order) {
    let forward = 0;
    for (const from of predecessors[to]) {
      if (rank[from] < rank[to]) forward++;
      else if (dominates(to, from)) isLoopHead[to] = true;
      else irreducible.push([from, to]);
    }
    isMerge[to] = forward > 1;
  }
  return { order, rank, dominated, isLoopHead, isMerge, irreducible };
}

function reversePostorder(successors: readonly (readonly number[])[]): number[] {
  const seen = successors.map(() => false);
  const postorder: number[] = [];
  // Each entry: a node and the number of its successors that were visited.
  const stack: [node: number, next: number][] = [[0, 0]];
  seen[0] = true;
  while (stack.length > 0) {
    const top = stack[stack.length - 1];
    const to = successors[top[0]][top[1]++];
    if (to === undefined) {
      postorder.push(top[0]);
      stack.pop();
    } else if (!seen[to]) {
      seen[to] = true;
      stack.push([to, 0]);
    }
  }
  return postorder.reverse();
}

/** By iteration to a fixed point (Cooper, Harvey and Kennedy). The entry is its own. */
function immediateDominators(
  order: readonly number[],
  rank: readonly number[],
  predecessors: readonly (readonly number[])[],
): number[] {
  const dominator = new Array<number>(rank.length).fill(-1);
  dominator[order[0]] = order[0];
  const common = (a: number, b: number): number => {
    while (a !== b) {
      while (rank[a] > rank[b]) a = dominator[a];
      while (rank[b] > rank[a]) b = dominator[b];
    }
    return a;
  };
  for (let changed = true; changed;) {
    changed = false;
    for (const node of order.slice(1)) {
      let found = -1;
      for (const from of predecessors[node]) {
        if (dominator[from] >= 0) found = found < 0 ? from : common(found, from);
      }
      if (dominator[node] !== found) {
        dominator[node] = found;
        changed = true;
      }
    }
  }
  return dominator;
}
