/**
 * The loop in which a region begins. A region begins where the code was found to be hot, which may be anywhere in a loop, but
 * a loop's code is good only if it begins where the loop is entered from the code around it, and if a loop around it does
 * not begin with the same block. So the way from the region's beginning to that place is written once more, in front, and
 * the loop around gets a block of its own to begin with.
 */
import { Graph } from './cycles';
import { edgesOf, mapEdges } from './edges';
import type { Block, Edge } from './region';

/** A jump is rare if it was done less often than this part of the jumps to the region's beginning. */
const RARE = 1 / 8;
/** Steps that are written once more, at most. */
const MOST_REPEATED = 60;

/** Rearranges a region's blocks; the first one remains where it begins. */
export function arrangeEntryLoop(blocks: readonly Block[]): readonly Block[] {
  const graph = new Graph(blocks);
  const all = graph.cycle(0, () => true);
  if (!all) return blocks;
  const isRare = (from: number, to: number): boolean => isRareJump(blocks, from, to);
  const inner = graph.cycle(0, (from, to) => all.has(to) && !isRare(from, to)) ?? all;
  /** Whether this is an edge with which the loop around comes back. */
  const isOuter = (from: number, to: number): boolean => all.has(from) && (!inner.has(from) || isRare(from, to));
  const isEntered = (node: number): boolean => graph.predecessors[node].some((from) => isOuter(from, node));
  const isInnermost = (node: number): boolean => graph.nests(node, all, inner);
  const candidates = [...inner].filter(isInnermost);
  const head = isInnermost(0) ? 0 : (candidates.find(isEntered) ?? candidates[0] ?? 0);
  return new Arrangement(blocks, inner, all, head, isOuter).blocks;
}

/** Whether a jump back, to where a loop begins, is rare: then the loop is one around that in which the region begins. */
function isRareJump(blocks: readonly Block[], from: number, to: number): boolean {
  const { end } = blocks[from];
  const { position, jumps } = blocks[to];
  if (end.k === 'return' || position > blocks[from].position) return false;
  return jumps !== undefined && jumps < RARE * (blocks[0].jumps ?? 0);
}

class Arrangement {
  readonly blocks: Block[];
  /** Where the first block is now. */
  private readonly moved: number;
  /** The first block of the loop as its surroundings see it. */
  private readonly start: number;

  constructor(
    private readonly before: readonly Block[],
    private readonly inner: ReadonlySet<number>,
    private readonly all: ReadonlySet<number>,
    private readonly head: number,
    isOuter: (from: number, to: number) => boolean,
  ) {
    this.blocks = [...before, before[0]];
    this.moved = before.length;
    const predecessors = [...all].filter((from) => edgesOf(before[from]).some((edge) => leads(edge, head)));
    const outer = new Set(predecessors.filter((from) => isOuter(from, head)));
    const splits = outer.size > 0 && outer.size < predecessors.length;
    this.start = this.place(head);
    if (head === 0 && !splits) {
      this.blocks = [...before];
      return;
    }
    if (splits) {
      const opening = emptyBlock(before[head], this.place(head));
      this.start = head === 0 ? 0 : this.blocks.length;
      this.blocks[this.start] = opening;
    }
    for (let node = 0; node < before.length; node++) {
      const end = mapEdges(before[node], (edge) => {
        if (!('block' in edge)) return edge;
        return { block: edge.block === head && outer.has(node) ? this.start : this.place(edge.block) };
      });
      this.blocks[this.place(node)] = { ...before[node], end };
    }
    if (head !== 0) this.repeat();
  }

  private place(node: number): number {
    return node === 0 ? this.moved : node;
  }

  /** Writes the way from the region's beginning to the loop's head once more. */
  private repeat(): void {
    const { before, blocks } = this;
    const copies = new Map([[0, 0]]);
    let steps = before[0].steps.length;
    const copyOf = (node: number): Edge => {
      if (node === this.head) return { block: this.start };
      if (!this.all.has(node)) return { block: node };
      const known = copies.get(node);
      if (known !== undefined) return { block: known };
      steps += before[node].steps.length;
      if (!this.inner.has(node) || steps > MOST_REPEATED) return { leave: before[node].position, interpret: false };
      copies.set(node, blocks.push(before[node]) - 1);
      return { block: copies.get(node)! };
    };
    // A map's new entries are visited too.
    for (const [node, copy] of copies) {
      const end = mapEdges(before[node], (edge) => ('block' in edge ? copyOf(edge.block) : edge));
      blocks[copy] = { ...before[node], end };
    }
  }
}

const leads = (edge: Edge, node: number): boolean => 'block' in edge && edge.block === node;

/** A block that only leads to this one. */
function emptyBlock({ position, page, jumps }: Block, next: number): Block {
  return { position, page, jumps, steps: [], end: { k: 'go', to: { block: next } } };
}
