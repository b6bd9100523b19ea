/** Which blocks a region's first loop begins with. */
import assert from 'node:assert/strict';
import { arrangeEntryLoop } from './entry-loop';
import type { Block } from './region';

/** A block that leads to others; `jumps` is how often it was jumped to. */
function block(position: number, jumps: number, taken: number, other?: number): Block {
  const end: Block['end'] =
    other === undefined
      ? { k: 'go', to: { block: taken } }
      : { k: 'branch', taken: { block: taken }, other: { block: other } };
  return { position, page: 0, steps: [], jumps, end };
}

const targets = ({ end }: Block): unknown[] =>
  end.k === 'branch' ? [end.taken, end.other] : end.k === 'go' ? [end.to] : [];

describe('the loop in which a region begins', () => {
  it('stays as it is when nothing is around it', () => {
    const blocks = [block(0, 1000, 1), block(8, 0, 0)];
    assert.deepEqual(arrangeEntryLoop(blocks), blocks);
  });

  it('gets a beginning of its own for the loop around it', () => {
    // 0 loops on itself; 1 goes back to it once in a while.
    const blocks = [block(8, 1000, 0, 1), block(16, 0, 2), block(0, 10, 0)];
    const arranged = arrangeEntryLoop(blocks);
    assert.deepEqual(arranged.map(targets), [
      [{ block: 3 }],
      [{ block: 2 }],
      [{ block: 0 }],
      [{ block: 3 }, { block: 1 }],
    ]);
  });

  it('begins where the loop around it enters it', () => {
    // The inner loop is 0, 1, and the loop around it goes by 2, 3 to 1.
    const blocks = [block(0, 1000, 1), block(8, 20, 0, 2), block(16, 0, 3), block(-8, 20, 1)];
    const arranged = arrangeEntryLoop(blocks);
    assert.deepEqual(arranged.map(targets), [
      [{ block: 5 }],
      [{ block: 4 }, { block: 2 }],
      [{ block: 3 }],
      [{ block: 5 }],
      [{ block: 1 }],
      [{ block: 1 }],
    ]);
  });
});
