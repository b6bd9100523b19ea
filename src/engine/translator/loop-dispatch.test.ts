/** Loops that are entered in several places: structured code can express what becomes of them, and it means the same. */
import assert from 'node:assert/strict';
import { Random } from '../../../test/support/random';
import { successors } from './edges';
import { analyseFlow } from './flow-graph';
import { dispatchLoops } from './loop-dispatch';
import type { Block, BlockEdge } from './region';

/** A block that leads to these others; its position is its number. */
function block(position: number, targets: readonly number[]): Block {
  const edges = targets.map((target) => ({ block: target }));
  const [first, second] = edges;
  const end: Block['end'] =
    targets.length === 1
      ? { k: 'go', to: first }
      : targets.length === 2
        ? { k: 'branch', taken: first, other: second }
        : { k: 'return', sites: edges.map((to) => ({ position: 0, to })) };
  return { position, page: 0, steps: [], jumps: undefined, end };
}

function edges({ end }: Block): readonly BlockEdge[] {
  switch (end.k) {
    case 'go':
      return [end.to as BlockEdge];
    case 'branch':
      return [end.taken, end.other] as BlockEdge[];
    case 'return':
      return end.sites.map(({ to }) => to as BlockEdge);
    default:
      throw new Error(`${end.k} is not expected`);
  }
}

/** The block of the program that an edge leads to, behind those that were added; and its place. */
function follow(blocks: readonly Block[], edge: BlockEdge, added: (place: number) => boolean): number {
  const { end } = blocks[edge.block];
  if (end.k === 'dispatch') return follow(blocks, end.entries[edge.entry!] as BlockEdge, added);
  assert.equal(edge.entry, undefined);
  return end.k === 'go' && added(edge.block) ? follow(blocks, end.to as BlockEdge, added) : edge.block;
}

describe('loops that are entered in several places', () => {
  it('begin with a block that goes on to the place that an edge says', () => {
    // 1 and 2 go to each other, and 0 to both.
    const blocks = dispatchLoops([block(0, [1, 2]), block(1, [2]), block(2, [1, 3]), block(3, [0])]);
    assert.equal(blocks.length, 5);
    assert.deepEqual(edges(blocks[0]), [
      { block: 4, entry: 0 },
      { block: 4, entry: 1 },
    ]);
    assert.deepEqual(blocks[4].end, { k: 'dispatch', entries: [{ block: 1 }, { block: 2 }] });
  });

  it('stay as they are when they are entered in one', () => {
    const blocks = [block(0, [1]), block(1, [2, 1]), block(2, [1, 3]), block(3, [0])];
    assert.deepEqual(dispatchLoops(blocks), blocks);
  });

  it('mean the same, whatever leads where', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = new Random(seed);
      const count = 2 + random.below(12);
      const before = Array.from({ length: count }, (_, position) =>
        block(
          position,
          Array.from({ length: 1 + random.below(3) }, () => random.below(count)),
        ),
      );
      const blocks = dispatchLoops(before);
      assert.deepEqual(analyseFlow(blocks.map(successors)).irreducible, [], `seed ${seed}`);
      const isAdded = (place: number) =>
        place === 0 && blocks[0].end.k === 'go' && edges(blocks[0])[0].entry !== undefined;
      let [here, there] = [0, follow(blocks, { block: 0 }, isAdded)];
      for (let step = 0; step < 100; step++) {
        assert.equal(blocks[there].position, before[here].position, `seed ${seed}`);
        const [was, is] = [edges(before[here]), edges(blocks[there])];
        assert.equal(was.length, is.length);
        const choice = random.below(was.length);
        here = was[choice].block;
        there = follow(blocks, is[choice], isAdded);
      }
    }
  });
});
