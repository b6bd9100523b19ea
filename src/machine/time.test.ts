// Virtual and real time.
import assert from 'node:assert/strict';
import { INSTRUCTIONS_PER_TICK, RealTime, VirtualTime } from './time';

describe('virtual time', () => {
  it('is so many executed instructions a tick, rounded down', () => {
    let executed = 0;
    const time = new VirtualTime(() => executed);
    assert.equal(time.ticks, 0);
    executed = 2 * INSTRUCTIONS_PER_TICK - 1;
    assert.equal(time.ticks, 1);
    executed += 1;
    assert.equal(time.ticks, 2);
  });

  it('reaches a deadline after exactly the instructions it names', () => {
    let executed = INSTRUCTIONS_PER_TICK + 3;
    const time = new VirtualTime(() => executed);
    const left = 4 * INSTRUCTIONS_PER_TICK - 3;
    assert.equal(time.instructionsUntil(5), left);
    executed += left - 1;
    assert.equal(time.ticks, 4);
    executed += 1;
    assert.equal(time.ticks, 5);
    assert.equal(time.instructionsUntil(5), 0);
    assert.equal(time.instructionsUntil(3), 0);
  });

  it('skips to a deadline, and never back', () => {
    let executed = 10 * INSTRUCTIONS_PER_TICK + 5;
    const time = new VirtualTime(() => executed);
    assert.equal(time.waitFor(1000), 990);
    assert.equal(time.ticks, 1000);
    assert.equal(time.waitFor(500), 0);
    assert.equal(time.ticks, 1000);
    assert.equal(time.instructionsUntil(1001), INSTRUCTIONS_PER_TICK - 5);
    executed = 11 * INSTRUCTIONS_PER_TICK;
    assert.equal(time.ticks, 1001);
  });

  it('never comes to a deadline that is years away', () => {
    const time = new VirtualTime(() => 0);
    const never = 2 ** 64;
    assert.equal(time.instructionsUntil(never), Infinity);
    assert.equal(time.waitFor(never), 0);
  });
});

describe('real time', () => {
  /** A processor of so many instructions a tick, whose time is looked at when it wants to be. */
  function run(instructionsPerTick: (host: number) => number, updates: number) {
    let executed = 0;
    let host = 0;
    const time = new RealTime(
      () => executed,
      () => host,
    );
    let before = 0;
    let [ahead, behind] = [0, 0];
    for (let i = 0; i < updates; i++) {
      const { untilUpdate } = time;
      assert.ok(untilUpdate > 0 && untilUpdate <= 1_000_000);
      executed += untilUpdate;
      host += untilUpdate / instructionsPerTick(host);
      const { ticks } = time;
      assert.ok(ticks >= before);
      time.update();
      assert.ok(time.ticks >= ticks, 'never back');
      before = time.ticks;
      // After a while, when it knows how fast the processor is.
      if (i < 20) continue;
      ahead = Math.max(ahead, time.ticks - host);
      behind = Math.max(behind, host - time.ticks);
    }
    return { ahead, behind };
  }

  it("is the host's within two milliseconds, however fast the processor is", () => {
    for (const speed of [3, 10, 40, 250]) {
      const { ahead, behind } = run(() => speed, 200);
      assert.ok(ahead < 20_000 && behind < 20_000, `${speed}: ${ahead} ahead, ${behind} behind`);
    }
    const { ahead } = run((host) => (Math.floor(host / 100_000) % 2 ? 100 : 5), 1000);
    assert.ok(ahead < 200_000, `${ahead} ahead of a host that gets slower`);
  });

  it('says after how many instructions a deadline comes', () => {
    let executed = 0;
    const time = new RealTime(
      () => executed,
      () => 0,
    );
    const left = time.instructionsUntil(37);
    executed = left - 1;
    assert.equal(time.ticks, 36);
    executed = left;
    assert.equal(time.ticks, 37);
    assert.equal(time.instructionsUntil(5), 0);
    assert.equal(time.instructionsUntil(2 ** 60), Infinity);
  });

  it('jumps to the time of the host that waited', () => {
    let host = 0;
    const time = new RealTime(
      () => 100,
      () => host,
    );
    host = 123_456;
    assert.equal(time.waitFor(), 0);
    assert.equal(time.ticks, 123_456);
    host = 1000;
    time.update();
    assert.equal(time.ticks, 123_456, 'a clock that goes back is not believed');
  });
});
