/**
 * Loops that are entered in several places, which structured code cannot express: a `switch` whose cases jump to each other, a
 * function that is called in a loop's middle and shared. Such a loop gets one beginning, a block that goes on to one of the
 * places, and whoever enters it says to which.
 */
import { Graph } from './cycles';
import { mapEdges, successors } from './edges';
import { analyseFlow } from './flow-graph';
import type { Block, BlockEdge, Edge } from './region';

/** Loops that get a beginning; what is left then leaves the region. */
const MOST_LOOPS = 12;

/** Gives loops that are entered in several places one beginning each. The first block remains where the region begins. */
export function dispatchLoops(before: readonly Block[]): readonly Block[] {
  let blocks = before;
  for (let count = 0; count < MOST_LOOPS; count++) {
    const { irreducible, rank } = analyseFlow(blocks.map(successors));
    if (irreducible.length === 0) break;
    const isReachable = (node: number): boolean => rank[node] >= 0;
    const loop = innermostLoop(new Graph(blocks), irreducible[0][1], isReachable);
    blocks = withBeginning(blocks, loop, irreducible);
  }
  return blocks;
}

/** The innermost loop around a node that is entered in several places. */
function innermostLoop(graph: Graph, node: number, isReachable: (node: number) => boolean): ReadonlySet<number> {
  const heads = new Set<number>();
  const uses = (from: number, to: number): boolean => !heads.has(from) && !heads.has(to) && isReachable(from);
  for (;;) {
    const loop = graph.cycle(node, uses)!;
    const isEntry = (member: number): boolean =>
      member === 0 || graph.predecessors[member].some((from) => isReachable(from) && !loop.has(from));
    const entries = [...loop].filter(isEntry);
    if (entries.length > 1) return loop;
    heads.add(entries[0]);
  }
}

/** Has all ways into the loop, and those edges of it that structured code cannot express, lead to a new block. */
function withBeginning(
  before: readonly Block[],
  loop: ReadonlySet<number>,
  irreducible: readonly (readonly [from: number, to: number])[],
): readonly Block[] {
  const beginning = before.length;
  // The first block has to stay the first: if it is in the loop, it moves.
  const moved = before.length + 1;
  const place = (edge: Edge): Edge =>
    'block' in edge && edge.block === 0 && loop.has(0) ? { ...edge, block: moved } : edge;
  const entries: Edge[] = [];
  const enter = (edge: BlockEdge): Edge => {
    const isSame = (other: Edge) => 'block' in other && other.block === edge.block && other.entry === edge.entry;
    const known = entries.findIndex(isSame);
    return { block: beginning, entry: known >= 0 ? known : entries.push(edge) - 1 };
  };
  const isRedirected = (from: number, to: number): boolean =>
    loop.has(from) ? irreducible.some((edge) => edge[0] === from && edge[1] === to) : loop.has(to);
  const blocks = before.map((block, from): Block => {
    const end = mapEdges(block, (edge) => ('block' in edge && isRedirected(from, edge.block) ? enter(edge) : edge));
    return { ...block, end };
  });
  const start = loop.has(0) ? enter({ block: 0 }) : undefined;
  blocks.push({ position: before[0].position, page: 0, steps: [], jumps: undefined, end: { k: 'dispatch', entries } });
  if (start) {
    blocks.push(blocks[0]);
    blocks[0] = { ...before[0], steps: [], end: { k: 'go', to: start } };
  }
  return blocks.map((block) => ({ ...block, end: mapEdges(block, place) }));
}
