/** Loops of two blocks become loops of one, behind the first round. */
import assert from 'node:assert/strict';
import { stepsOf } from '../../../test/support/steps';
import { joinLoops } from './joined-loops';
import type { Block, BlockEnd } from './region';

const leave = { leave: 0x100, interpret: false };
const block = (source: string, end: BlockEnd, page = 0): Block => ({
  ...{ position: 0, page, steps: stepsOf(source), jumps: undefined },
  end,
});
const go = (to: number): BlockEnd => ({ k: 'go', to: { block: to } });

describe('joined loops', () => {
  const loop = (page = 0) => [
    block('addi x5, x5, 1', go(1)),
    block('addi x6, x6, 1', { k: 'branch', taken: { block: 2 }, other: leave }),
    block('addi x7, x7, 1', go(1), page),
  ];

  it('have both blocks in one, which goes round by itself', () => {
    const [first, head, , joined, ...others] = joinLoops(loop());
    assert.deepEqual(others, []);
    assert.deepEqual(first.end, go(1));
    assert.deepEqual(
      joined.steps.map(({ decoded }) => decoded.rd),
      [7, 6],
    );
    const around = { k: 'branch', taken: { block: 3 }, other: leave };
    assert.deepEqual([head.end, joined.end], [around, around]);
  });

  it('are not made of blocks of two pages, of jumps, or of many steps', () => {
    assert.equal(joinLoops(loop(1)).length, 3);
    const [first, head, way] = loop();
    assert.equal(joinLoops([first, head, { ...way, steps: stepsOf('jal x0, 8') }]).length, 3);
    assert.equal(joinLoops([first, { ...head, steps: stepsOf('addi x5, x5, 1\n'.repeat(150)) }, way]).length, 3);
  });
});
