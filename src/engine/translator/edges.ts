/** How blocks lead to each other. */
import type { FlowGraph } from './flow-graph';
import { analyseFlow } from './flow-graph';
import type { Block, Edge } from './region';

/** Turns edges that structured code cannot express into exits. */
export function structured(blocks: readonly Block[]): FlowGraph {
  for (;;) {
    const flow = analyseFlow(blocks.map(successors));
    if (flow.irreducible.length === 0) return flow;
    for (const [from, to] of flow.irreducible) {
      const away = (edge: Edge): Edge =>
        'block' in edge && edge.block === to ? { leave: blocks[to].position, interpret: false } : edge;
      blocks[from].end = mapEdges(blocks[from], away);
    }
  }
}

export function mapEdges({ end }: Block, map: (edge: Edge) => Edge): Block['end'] {
  switch (end.k) {
    case 'go':
      return { ...end, to: map(end.to) };
    case 'dispatch':
      return { ...end, entries: end.entries.map(map) };
    case 'return':
      return { ...end, sites: end.sites.map(({ position, to }) => ({ position, to: map(to) })) };
    case 'branch':
      return { ...end, taken: map(end.taken), other: map(end.other) };
    case 'indirect':
      return { ...end, targets: new Map([...end.targets].map(([position, edge]) => [position, map(edge)])) };
  }
}

export function edgesOf({ end }: Block): readonly Edge[] {
  switch (end.k) {
    case 'go':
      return [end.to];
    case 'dispatch':
      return end.entries;
    case 'return':
      return end.sites.map(({ to }) => to);
    case 'branch':
      return [end.other, end.taken];
    case 'indirect':
      return [...end.targets.values()];
  }
}

/** Whether the edge goes to this block. */
export const leadsTo = (edge: Edge, node: number): boolean => 'block' in edge && edge.block === node;

/** The blocks that a block leads to; one that is led to twice counts twice. */
export function successors(block: Block): number[] {
  return edgesOf(block).flatMap((edge) => ('block' in edge ? [edge.block] : []));
}
