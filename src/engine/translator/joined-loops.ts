/**
 * Loops of two blocks, of which one does nothing but go on to the other: behind the first round they are written as one
 * block, which can do several rounds in a row.
 */
import { leadsTo, mapEdges } from './edges';
import type { Block, Edge } from './region';

/** Steps of the two blocks: each is written once more. */
const MOST_STEPS = 150;

export function joinLoops(before: readonly Block[]): readonly Block[] {
  const blocks = [...before];
  before.forEach((block, node) => {
    const way = wayBack(before, node);
    if (way === undefined) return;
    const joined = blocks.length;
    const { position, page, steps, jumps } = before[way];
    const redirect = (edge: Edge): Edge => (leadsTo(edge, way) ? { block: joined } : edge);
    const end = mapEdges(block, redirect);
    blocks[node] = { ...block, end };
    blocks.push({ position, page, jumps, steps: [...steps, ...block.steps], end });
  });
  return blocks;
}

/** The block by which a block that ends with a branch comes back to itself. */
function wayBack(blocks: readonly Block[], node: number): number | undefined {
  const { end, page, steps } = blocks[node];
  if (end.k !== 'branch') return undefined;
  for (const edge of [end.taken, end.other]) {
    if (!('block' in edge) || edge.block === node || edge.block === 0) continue;
    const other = blocks[edge.block];
    const isPlain = other.end.k === 'go' && leadsTo(other.end.to, node) && other.page === page;
    const last = other.steps.at(-1);
    const jumps = last?.decoded.instruction.action.k === 'jump' || last?.crosses;
    if (isPlain && !jumps && other.steps.length > 0 && other.steps.length + steps.length <= MOST_STEPS)
      return edge.block;
  }
  return undefined;
}
