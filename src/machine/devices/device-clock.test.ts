// Device timers act in order, at their ticks, and as often as they were started.
import assert from 'node:assert/strict';
import { DeviceClock } from './device-clock';

function setUp() {
  const time = { now: 0 };
  const clock = new DeviceClock(() => time.now);
  const log: string[] = [];
  const timer = (name: string) => clock.timer(() => log.push(`${name}@${time.now}`));
  return { time, clock, log, timer };
}

describe('DeviceClock', () => {
  it('lets timers act in the order of their ticks, then of their making', () => {
    const { time, clock, log, timer } = setUp();
    const [a, b, c] = [timer('a'), timer('b'), timer('c')];
    c.start(5);
    b.start(7);
    a.start(7);
    assert.equal(clock.next, 5);
    time.now = 4;
    clock.runDue();
    assert.deepEqual(log, []);
    time.now = 8;
    clock.runDue();
    assert.deepEqual(log, ['c@8', 'a@8', 'b@8']);
    assert.equal(clock.next, Infinity);
    clock.runDue();
    assert.equal(log.length, 3);
  });

  it('forgets what was stopped, also by another timer', () => {
    const { time, clock, log, timer } = setUp();
    const victim = timer('victim');
    const killer = clock.timer(() => victim.stop());
    killer.start(1);
    victim.start(2);
    time.now = 3;
    clock.runDue();
    assert.deepEqual(log, []);
    victim.start(4);
    victim.start(9);
    assert.equal(clock.next, 9);
    assert.equal(victim.due, 9);
  });

  it('runs a timer that starts itself again once a call', () => {
    const { clock } = setUp();
    let count = 0;
    const again = clock.timer(() => {
      count++;
      again.start(0);
    });
    again.start(0);
    clock.runDue();
    clock.runDue();
    assert.equal(count, 2);
  });

  it('tells when the next tick may have changed', () => {
    const { clock, timer } = setUp();
    let changes = 0;
    clock.onChange = () => changes++;
    const one = timer('one');
    one.start(3);
    one.stop();
    one.stop();
    assert.equal(changes, 2);
  });
});
