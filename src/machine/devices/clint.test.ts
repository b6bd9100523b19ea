// The CLINT's registers, and when its interrupts pend.
import assert from 'node:assert/strict';
import { Clint } from './clint';

const MTIMECMP = 0x4000;
const MTIME = 0xbff8;
const MAX = 0xffff_ffff_ffff_ffffn;

function setUp(harts = 2) {
  const clock = { now: 0 };
  const clint = new Clint({ harts, now: () => clock.now });
  const software: string[] = [];
  const timer: number[] = [];
  clint.onSoftware = (hart, on) => software.push(`${hart}:${on}`);
  clint.onTimerChange = (hart) => timer.push(hart);
  const pends = (hart: number) => clint.deadline(hart) <= clock.now;
  return { clock, clint, software, timer, pends };
}

describe('Clint', () => {
  it('raises and clears software interrupts, telling changes only', () => {
    const { clint, software } = setUp();
    clint.write(0, 4, 1n);
    clint.write(0, 4, 0xffff_ffffn);
    clint.write(4, 4, 1n);
    assert.equal(clint.read(0, 4), 1n);
    assert.equal(clint.read(4, 4), 1n);
    clint.write(0, 4, 0xffff_fffen);
    assert.deepEqual(software, ['0:true', '1:true', '0:false']);
    assert.equal(clint.read(0, 4), 0n);
  });

  it('ignores harts that are not there', () => {
    const { clint, software, timer } = setUp();
    clint.write(8, 4, 1n);
    clint.write(MTIMECMP + 16, 8, 5n);
    assert.equal(clint.read(8, 4), 0n);
    assert.equal(clint.read(MTIMECMP + 16, 8), 0n);
    assert.deepEqual([software, timer], [[], []]);
  });

  it('shows time as a whole and in halves', () => {
    const { clock, clint } = setUp();
    clock.now = 0x1_0000_0002;
    assert.equal(clint.read(MTIME, 8), 0x1_0000_0002n);
    assert.equal(clint.read(MTIME, 4), 2n);
    assert.equal(clint.read(MTIME + 4, 4), 1n);
  });

  it('pends from mtimecmp on; nothing pends before it is written', () => {
    const { clock, clint, timer, pends } = setUp();
    clock.now = 2 ** 60;
    assert.equal(pends(0), false);
    assert.equal(clint.mtimecmp(0), MAX);
    clock.now = 99;
    clint.write(MTIMECMP, 8, 100n);
    assert.deepEqual(timer, [0]);
    assert.equal(pends(0), false);
    assert.equal(clint.deadline(0), 100);
    clock.now = 100;
    assert.equal(pends(0), true);
    assert.equal(pends(1), false);
  });

  it('writes mtimecmp in halves', () => {
    const { clint } = setUp();
    clint.write(MTIMECMP + 8, 4, 0x89ab_cdefn);
    assert.equal(clint.mtimecmp(1), 0xffff_ffff_89ab_cdefn);
    clint.write(MTIMECMP + 12, 4, 0x0123_4567n);
    assert.equal(clint.mtimecmp(1), 0x0123_4567_89ab_cdefn);
    assert.equal(clint.read(MTIMECMP + 8, 4), 0x89ab_cdefn);
    assert.equal(clint.read(MTIMECMP + 12, 4), 0x0123_4567n);
  });

  it('moves time when mtime is written, and the deadlines with it', () => {
    const { clock, clint, timer, pends } = setUp();
    clock.now = 1000;
    clint.write(MTIMECMP, 8, 5000n);
    clint.write(MTIME, 8, 4000n);
    assert.deepEqual(timer, [0, 0, 1]);
    assert.equal(clint.mtime, 4000n);
    assert.equal(clint.deadline(0), 2000);
    clock.now = 2000;
    assert.equal(clint.mtime, 5000n);
    assert.equal(pends(0), true);
    clint.write(MTIME, 8, 0n);
    assert.equal(clint.mtime, 0n);
    assert.equal(clint.deadline(0), 7000);
    clint.write(MTIME + 4, 4, 1n);
    assert.equal(clint.mtime, 0x1_0000_0000n);
  });

  it('wraps at 64 bits', () => {
    const { clock, clint } = setUp();
    clint.write(MTIME, 8, MAX);
    clock.now = 1;
    assert.equal(clint.mtime, 0n);
  });

  it('takes doublewords for the timer only', () => {
    const { clint } = setUp();
    assert.equal(clint.accepts(0, 8), false);
    assert.equal(clint.accepts(0, 4), true);
    assert.equal(clint.accepts(MTIME, 8), true);
    assert.equal(clint.accepts(MTIME, 2), false);
  });
});
