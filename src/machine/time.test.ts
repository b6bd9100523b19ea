// Virtual time.
import assert from 'node:assert/strict';
import { VirtualTime } from './time';

describe('virtual time', () => {
  it('is a tenth of the executed instructions, rounded down', () => {
    let executed = 0;
    const time = new VirtualTime(() => executed);
    assert.equal(time.ticks, 0);
    executed = 19;
    assert.equal(time.ticks, 1);
    executed = 20;
    assert.equal(time.ticks, 2);
  });

  it('reaches a deadline after exactly the instructions it names', () => {
    let executed = 13;
    const time = new VirtualTime(() => executed);
    assert.equal(time.instructionsUntil(5n), 37);
    executed += 36;
    assert.equal(time.ticks, 4);
    executed += 1;
    assert.equal(time.ticks, 5);
    assert.equal(time.instructionsUntil(5n), 0);
    assert.equal(time.instructionsUntil(3n), 0);
  });

  it('skips to a deadline, and never back', () => {
    let executed = 105;
    const time = new VirtualTime(() => executed);
    assert.equal(time.skipTo(1000n), 990);
    assert.equal(time.ticks, 1000);
    assert.equal(time.skipTo(500n), 0);
    assert.equal(time.ticks, 1000);
    assert.equal(time.instructionsUntil(1001n), 5);
    executed = 110;
    assert.equal(time.ticks, 1001);
  });

  it('never comes to a deadline that is years away', () => {
    const time = new VirtualTime(() => 0);
    const never = 0xffff_ffff_ffff_ffffn;
    assert.equal(time.instructionsUntil(never), Infinity);
    assert.equal(time.skipTo(never), 0);
  });
});
