// The clock's time and its alarm, in virtual time.
import assert from 'node:assert/strict';
import { DeviceClock } from './device-clock';
import { Rtc } from './rtc';

const TIME_LOW = 0x00;
const TIME_HIGH = 0x04;
const ALARM_LOW = 0x08;
const ALARM_HIGH = 0x0c;
const IRQ_ENABLED = 0x10;
const CLEAR_ALARM = 0x14;
const ALARM_STATUS = 0x18;
const CLEAR_INTERRUPT = 0x1c;

function setUp(start = 0n) {
  const ticks = { now: 0 };
  const clock = new DeviceClock(() => ticks.now);
  const rtc = new Rtc({ clock, start });
  const lines: boolean[] = [];
  rtc.onInterrupt = (level) => lines.push(level);
  const get = (offset: number) => Number(rtc.read(offset));
  const set = (offset: number, value: number) => rtc.write(offset, 4, BigInt(value));
  const pass = (count: number) => {
    ticks.now += count;
    clock.runDue();
  };
  return { rtc, clock, lines, get, set, pass };
}

describe('Rtc', () => {
  it('counts nanoseconds from its start', () => {
    const { rtc, get, pass } = setUp(1_000_000_000n);
    assert.equal(rtc.time, 1_000_000_000n);
    pass(7);
    assert.equal(get(TIME_LOW), 1_000_000_700);
    pass(40_000_000);
    assert.equal(get(TIME_HIGH), 0, 'the upper half is the one of the last reading');
    assert.equal(get(TIME_LOW), 5_000_000_700 % 2 ** 32);
    assert.equal(get(TIME_HIGH), 1);
  });

  it('is set, half by half', () => {
    const { rtc, set, pass } = setUp();
    set(TIME_HIGH, 5);
    set(TIME_LOW, 0xffff_ffff);
    assert.equal(rtc.time, 0x5_ffff_ffffn);
    pass(1);
    assert.equal(rtc.time, 0x6_0000_0063n);
  });

  it('rings at the alarm, once', () => {
    const { get, set, pass, lines } = setUp();
    set(IRQ_ENABLED, 1);
    set(ALARM_HIGH, 0);
    set(ALARM_LOW, 1001);
    assert.equal(get(ALARM_STATUS), 1);
    pass(10);
    assert.deepEqual(lines, []);
    pass(1);
    assert.deepEqual(lines, [true]);
    assert.equal(get(ALARM_STATUS), 0);
    set(CLEAR_INTERRUPT, 1);
    pass(1000);
    assert.deepEqual(lines, [true, false]);
    assert.equal(get(ALARM_LOW), 1001);
    assert.equal(get(ALARM_HIGH), 0);
  });

  it('rings at once when the time has come, and keeps it until interrupts are enabled', () => {
    const { get, set, lines } = setUp(5000n);
    set(ALARM_LOW, 4000);
    assert.equal(get(ALARM_STATUS), 0);
    assert.deepEqual(lines, []);
    set(IRQ_ENABLED, 3);
    assert.equal(get(IRQ_ENABLED), 1);
    assert.deepEqual(lines, [true]);
    set(IRQ_ENABLED, 0);
    assert.deepEqual(lines, [true, false]);
  });

  it('forgets an alarm that is cleared, and bears one in the far future', () => {
    const { clock, get, set, pass, lines } = setUp();
    set(IRQ_ENABLED, 1);
    set(ALARM_LOW, 1000);
    set(CLEAR_ALARM, 1);
    pass(100);
    assert.deepEqual(lines, []);
    set(ALARM_HIGH, 0xffff_ffff);
    set(ALARM_LOW, 0xffff_ffff);
    assert.equal(get(ALARM_STATUS), 1);
    pass(1e9);
    assert.deepEqual(lines, []);
    assert.ok(clock.next > 1e9);
  });

  it('takes words, as in QEMU', () => {
    const { rtc } = setUp();
    assert.deepEqual(
      ([1, 2, 4, 8] as const).map((width) => rtc.accepts(0, width)),
      [false, false, true, false],
    );
  });
});
