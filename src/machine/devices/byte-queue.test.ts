// The byte queue against a plain array.
import assert from 'node:assert/strict';
import { Random } from '../../../test/support/random';
import { ByteQueue } from './byte-queue';

describe('ByteQueue', () => {
  it('takes what there is room for', () => {
    const queue = new ByteQueue(5);
    assert.equal(queue.push(Uint8Array.of(1, 2, 3)), 3);
    assert.equal(queue.push(Uint8Array.of(4, 5, 6)), 2);
    assert.equal(queue.push(Uint8Array.of(7)), 0);
    queue.unshift(9);
    assert.equal(queue.length, 6);
    assert.equal(queue.push(Uint8Array.of(7)), 0);
    assert.deepEqual(
      Array.from({ length: 7 }, () => queue.shift()),
      [9, 1, 2, 3, 4, 5, -1],
    );
  });

  it('behaves like an array under random use', () => {
    const random = new Random(1);
    const queue = new ByteQueue(1000);
    const model: number[] = [];
    for (let round = 0; round < 20_000; round++) {
      const action = random.below(4);
      if (action === 0) {
        const bytes = Uint8Array.from({ length: random.below(20) }, () => random.below(256));
        const accepted = queue.push(bytes);
        assert.equal(accepted, Math.max(0, Math.min(bytes.length, 1000 - model.length)));
        model.push(...bytes.subarray(0, accepted));
      } else if (action === 1) {
        const byte = random.below(256);
        queue.unshift(byte);
        model.unshift(byte);
      } else {
        for (let i = random.below(12); i > 0; i--) assert.equal(queue.shift(), model.shift() ?? -1);
      }
      assert.equal(queue.length, model.length);
    }
  });
});
