import assert from 'node:assert/strict';
import { fusedPairs } from './fused-pairs';
import { instructionByName } from './table';

describe('fused pairs', () => {
  it('are instructions of the table, each pair once, the first of which may go on to the second', () => {
    for (const [first, second] of fusedPairs) {
      const action = instructionByName.get(first)?.action.k ?? '';
      assert.ok(['compute', 'load', 'store', 'branch'].includes(action), `${first} ${second}`);
      assert.ok(instructionByName.has(second), `${first} ${second}`);
    }
    assert.equal(new Set(fusedPairs.map((pair) => pair.join())).size, fusedPairs.length);
  });
});
