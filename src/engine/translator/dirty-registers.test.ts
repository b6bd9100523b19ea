/** What a region keeps for its exits alone, and what it stores on the way. */
import assert from 'node:assert/strict';
import { stepsOf } from '../../../test/support/steps';
import { findDirtyRegisters } from './dirty-registers';
import { structured } from './edges';
import { findLiveRegisters } from './live-registers';
import { findLoops } from './loops';
import type { Block } from './region';

function block(source: string, ...targets: number[]): Block {
  const [first, second] = targets.map((target) => ({ block: target }));
  const leave = { leave: 0x100, interpret: false };
  const end: Block['end'] =
    targets.length === 2 ? { k: 'branch', taken: first, other: second } : { k: 'go', to: first ?? leave };
  return { position: 0, page: 0, steps: stepsOf(source), jumps: undefined, end };
}

function dirtyOf(blocks: readonly Block[], drops: boolean): number[][] {
  const flow = structured(blocks);
  const live = drops ? findLiveRegisters(blocks, flow.order) : undefined;
  const sets = findDirtyRegisters(blocks, flow, findLoops(blocks, flow), live);
  return sets.map(({ integers }) => Array.from({ length: 32 }, (_, x) => x).filter((x) => integers & (1 << x)));
}

describe('registers that differ from their place in memory', () => {
  // x5 is counted, x6 is read in the loop alone; x7 is read behind it.
  const loop = () => [
    block('add x5, x5, x8', 1),
    block('add x6, x5, x8\nadd x7, x6, x7\nadd x5, x5, x6', 1, 2),
    block('add x9, x7, x7'),
  ];

  it('are all that were written, without the technique', () => {
    assert.deepEqual(dirtyOf(loop(), false), [[], [5, 6, 7], [5, 6, 7]]);
  });

  it('are those that will be read, where a loop goes round and where it is left', () => {
    assert.deepEqual(dirtyOf(loop(), true), [[], [5, 7], [7]]);
  });

  it('are those of all ways where ways meet, and of one way those that will be read', () => {
    const blocks = [
      block('add x5, x8, x8', 1, 2),
      block('add x6, x8, x8\nadd x7, x8, x8\nadd x9, x8, x8', 3),
      block('add x6, x8, x9\nadd x9, x8, x8', 3),
      block('add x10, x7, x8', 4),
      block('add x11, x9, x8'),
    ];
    assert.deepEqual(dirtyOf(blocks, true)[3], [5, 6, 7, 9]);
    const once = [block('add x5, x8, x8', 1, 2), block('add x6, x8, x8', 2), block('add x10, x5, x8')];
    assert.deepEqual(dirtyOf(once, true)[2], [5]);
  });

  it('are all where a loop would store many', () => {
    const body = [11, 12, 13, 14].map((x) => `add x${x}, x5, x8`).join('\n');
    const blocks = [block('add x5, x5, x8', 1), block(`${body}\nadd x5, x5, x8`, 1, 2), block('')];
    assert.deepEqual(dirtyOf(blocks, true)[1], [5, 11, 12, 13, 14]);
  });
});
