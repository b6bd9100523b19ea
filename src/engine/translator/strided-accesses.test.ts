/** Which accesses of a loop move on by the same distance in each round, and what all rounds span. */
import assert from 'node:assert/strict';
import { stepsOf } from '../../../test/support/steps';
import { findStridedAccesses } from './strided-accesses';

const groupsOf = (source: string, rounds: number) =>
  (findStridedAccesses(stepsOf(source), rounds)?.groups ?? []).map((group) => ({ ...group }));

describe('strided accesses', () => {
  it('move on with their register, in front of where it does and behind', () => {
    const steps = stepsOf('lw x5, 4(x6)\naddi x6, x6, 8\nsw x5, 4(x6)');
    const { groups, places } = findStridedAccesses(steps, 3)!;
    assert.deepEqual(groups, [{ base: 6, stride: 8, first: 4, end: 32, width: 4, loads: true, stores: true }]);
    assert.deepEqual(
      [...places].map(([step, { offset }]) => [steps.indexOf(step), offset]),
      [
        [0, 4],
        [2, 12],
      ],
    );
  });

  it('move downward, or not at all', () => {
    const group = { width: 8, loads: true, stores: false };
    assert.deepEqual(groupsOf('ld x5, 0(x6)\nld x7, 16(x8)\naddi x6, x6, -8', 4), [
      { ...group, base: 6, stride: -8, first: -24, end: 8 },
      { ...group, base: 8, stride: 0, first: 16, end: 24 },
    ]);
  });

  it('are those alone whose register nothing else changes', () => {
    assert.deepEqual(groupsOf('ld x6, 0(x6)', 2), []);
    assert.deepEqual(groupsOf('add x6, x6, x7\nlb x5, 0(x6)', 2), []);
    assert.deepEqual(groupsOf('addi x6, x6, 1\naddi x6, x6, 1\nlb x5, 0(x6)', 2), []);
  });

  it('are aligned in all rounds if they are in the first, and not too far apart', () => {
    assert.deepEqual(groupsOf('ld x5, 0(x6)\naddi x6, x6, 4', 2), []);
    assert.deepEqual(groupsOf('ld x5, 0(x6)\nlw x7, 2(x6)', 2), []);
    assert.equal(groupsOf('ld x5, 0(x6)\naddi x6, x6, 1016', 2).length, 1);
    assert.deepEqual(groupsOf('ld x5, 0(x6)\naddi x6, x6, 1024', 2), []);
  });
});
