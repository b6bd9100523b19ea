import assert from 'node:assert/strict';
import { shrink } from './shrink';

describe('shrinking', () => {
  const parts = Array.from({ length: 50 }, (_, i) => i);

  it('keeps the parts that matter', () => {
    assert.deepEqual(
      shrink(parts, (some) => some.includes(7) && some.includes(31)),
      [7, 31],
    );
    assert.deepEqual(
      shrink(parts, () => true),
      [],
    );
  });

  it('ends when it has asked often enough', () => {
    let asked = 0;
    const some = shrink(parts, (left) => ++asked > 0 && left.includes(49), 5);
    assert.equal(asked, 5);
    assert.ok(some.includes(49));
  });
});
