// Physical memory protection: matching, permissions, locks.
import assert from 'node:assert/strict';
import { FETCH, LOAD, STORE } from '../engine/host';
import { Pmp } from './pmp';

const M = 3;
const S = 1;
const U = 0;
const [R, W, X, L] = [1, 2, 4, 0x80];
const [TOR, NA4, NAPOT] = [8, 16, 24];

/** Sets entry n's address (a byte address, or a raw NAPOT value) and configuration. */
function set(pmp: Pmp, entry: number, config: number, pmpaddr: bigint): void {
  pmp.writeAddress(entry, pmpaddr);
  const register = entry < 8 ? 0 : 2;
  const shift = BigInt(8 * (entry % 8));
  pmp.writeConfig(register, (pmp.readConfig(register) & ~(0xffn << shift)) | (BigInt(config) << shift));
}

const napot = (base: bigint, size: bigint): bigint => (base >> 2n) | (size / 8n - 1n);

describe('physical memory protection', () => {
  it('lets only M-mode through where no entry matches', () => {
    const pmp = new Pmp();
    assert.equal(pmp.allows(0x80000000, 8, LOAD, M), true);
    assert.equal(pmp.allows(0x80000000, 8, LOAD, S), false);
    assert.equal(pmp.allows(0x80000000, 8, LOAD, U), false);
  });

  it('matches everything with the largest NAPOT range', () => {
    const pmp = new Pmp();
    set(pmp, 0, NAPOT | R | W | X, ~0n);
    assert.equal(pmp.allows(0, 1, FETCH, U), true);
    assert.equal(pmp.allows(0x8_0000_0000, 8, STORE, S), true);
    assert.equal(pmp.isUniform(0x80000000), true);
    assert.equal(pmp.readAddress(0), (1n << 54n) - 1n);
  });

  it('matches NAPOT, NA4 and TOR ranges and no byte beyond', () => {
    const pmp = new Pmp();
    set(pmp, 0, NAPOT | R, napot(0x80001000n, 0x1000n));
    set(pmp, 1, NA4 | R | W, 0x80003000n >> 2n);
    set(pmp, 2, 0, 0x80004000n >> 2n);
    set(pmp, 3, TOR | R | X, 0x80006000n >> 2n);
    assert.equal(pmp.allows(0x80001000, 8, LOAD, S), true);
    assert.equal(pmp.allows(0x80001ff8, 8, LOAD, S), true);
    assert.equal(pmp.allows(0x80002000, 8, LOAD, S), false);
    assert.equal(pmp.allows(0x80001000, 8, STORE, S), false);
    assert.equal(pmp.allows(0x80003000, 4, STORE, S), true);
    assert.equal(pmp.allows(0x80003004, 4, STORE, S), false);
    assert.equal(pmp.allows(0x80004000, 4, FETCH, S), true);
    assert.equal(pmp.allows(0x80005ffc, 4, FETCH, S), true);
    assert.equal(pmp.allows(0x80006000, 4, FETCH, S), false);
  });

  it('takes 0 as the bottom of a TOR entry 0, and matches nothing when the bottom is not below the top', () => {
    const pmp = new Pmp();
    set(pmp, 0, TOR | R, 0x1000n);
    set(pmp, 1, TOR | R | W, 0x800n);
    assert.equal(pmp.allows(0, 4, LOAD, S), true);
    assert.equal(pmp.allows(0x2000, 4, STORE, S), false);
  });

  it('lets the lowest-numbered matching entry decide', () => {
    const pmp = new Pmp();
    set(pmp, 0, NAPOT, napot(0x80000000n, 0x1000n));
    set(pmp, 1, NAPOT | R | W | X, ~0n);
    assert.equal(pmp.allows(0x80000000, 4, LOAD, S), false);
    assert.equal(pmp.allows(0x80001000, 4, LOAD, S), true);
  });

  it('fails an access that an entry covers in part, in every mode', () => {
    const pmp = new Pmp();
    set(pmp, 0, NA4 | R | W | X, 0x80000000n >> 2n);
    set(pmp, 1, NAPOT | R | W | X, ~0n);
    assert.equal(pmp.allows(0x80000000, 8, LOAD, S), false);
    assert.equal(pmp.allows(0x80000000, 8, LOAD, M), false);
    assert.equal(pmp.isUniform(0x80000800), false);
    assert.equal(pmp.isUniform(0x80001000), true);
  });

  it('binds M-mode by locked entries only', () => {
    const pmp = new Pmp();
    set(pmp, 0, NAPOT, napot(0x80000000n, 0x1000n));
    set(pmp, 1, NAPOT | L, napot(0x80001000n, 0x1000n));
    assert.equal(pmp.allows(0x80000000, 4, STORE, M), true);
    assert.equal(pmp.allows(0x80001000, 4, STORE, M), false);
  });

  it('keeps locked entries, and the address below a locked TOR entry', () => {
    const pmp = new Pmp();
    set(pmp, 2, 0, 0x1000n);
    set(pmp, 3, TOR | R | L, 0x2000n);
    pmp.writeConfig(0, 0n);
    pmp.writeAddress(3, 0n);
    pmp.writeAddress(2, 0n);
    assert.equal(pmp.readConfig(0), 0x89000000n);
    assert.equal(pmp.readAddress(3), 0x2000n);
    assert.equal(pmp.readAddress(2), 0x1000n);
    pmp.writeAddress(4, 5n);
    assert.equal(pmp.readAddress(4), 5n);
  });

  it('reads reserved configuration bits as zero and refuses W without R', () => {
    const pmp = new Pmp();
    pmp.writeConfig(2, 0x62n | (0x7fn << 56n));
    assert.equal(pmp.readConfig(2), 0x1fn << 56n);
    assert.equal(pmp.readConfig(0), 0n);
  });

  it('tells of every change', () => {
    let changes = 0;
    const pmp = new Pmp(() => changes++);
    set(pmp, 15, NA4 | R, 1n);
    assert.equal(changes, 2);
  });

  it('tells a part of memory that is open to all but M-mode, within page borders', () => {
    const pmp = new Pmp();
    const [start, end] = [0x80000000, 0x81000000];
    const size = () => {
      const part = pmp.openPart(start, end);
      return part.end - part.start;
    };
    assert.equal(size(), 0);
    set(pmp, 1, NAPOT | R | W | X, (1n << 54n) - 1n);
    assert.deepEqual(pmp.openPart(start, end), { start, end });
    set(pmp, 0, NAPOT, napot(0x80000000n, 0x200000n));
    assert.deepEqual(pmp.openPart(start, end), { start: 0x80200000, end });
    set(pmp, 0, NA4 | R | W | X, 0x80fff004n >> 2n);
    assert.deepEqual(pmp.openPart(start, end), { start, end: 0x80fff000 });
    set(pmp, 0, NAPOT | R | X, (1n << 54n) - 1n);
    assert.equal(size(), 0);
  });
});
