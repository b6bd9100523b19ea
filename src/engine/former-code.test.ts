import assert from 'node:assert/strict';
import { TestHost } from '../../test/support/engine-host';
import { FormerCode } from './former-code';

const PAGE = 0x8020_0000;

/** Stores until the page falls asleep. */
function storesBefore(former: FormerCode): number {
  for (let stores = 1; ; stores++) if (former.fallsAsleep(PAGE)) return stores;
}

describe('pages that were code', () => {
  it('sleep after stores that hit none, and wake when they are executed', () => {
    const former = new FormerCode();
    assert.ok(!former.isAsleep(PAGE));
    storesBefore(former);
    assert.ok(former.isAsleep(PAGE));
    assert.ok(former.wake(PAGE));
    assert.ok(!former.isAsleep(PAGE) && !former.wake(PAGE));
  });

  it('bear twice as many stores each time: a page of code and data does not change for each of them', () => {
    const former = new FormerCode();
    const stores = [1, 2, 3, 4].map(() => {
      const count = storesBefore(former);
      former.wake(PAGE);
      return count;
    });
    assert.deepEqual(
      stores.slice(1),
      stores.slice(0, -1).map((count) => 2 * count),
    );
  });

  it('begin anew when no page is code any more', () => {
    const former = new FormerCode();
    const first = storesBefore(former);
    former.clear();
    assert.ok(!former.isAsleep(PAGE));
    assert.equal(storesBefore(former), first);
  });
});

describe('a page of code and data', () => {
  const CALLS = 1000;
  /** Calls a function in another page, where it adds to a counter, and changes the function in the middle: it adds 2 from then on. */
  const source = `
      li s0, 0x80001000
      li s1, ${CALLS}
    again:
      ld t0, 0x400(s0)
      addi t0, t0, 1
      sd t0, 0x400(s0)
      jalr ra, 0(s0)
      addi s1, s1, -1
      li t1, ${CALLS / 2}
      bne s1, t1, same
      li t2, 0x00250513
      sw t2, 0(s0)
    same:
      bnez s1, again
      .word 0
      .balign 4096
      addi a0, a0, 1
      ret`;

  for (const translator of ['off', 'eager'] as const) {
    it(`runs as it is at each moment, asleep or awake (translator ${translator})`, () => {
      const host = new TestHost(source, { translator });
      host.onBreakpoint = () => true;
      host.engine.run(20 * CALLS);
      assert.equal(host.x(10), BigInt(CALLS / 2 + 2 * (CALLS / 2)));
      assert.equal(host.engine.memory.read64(0x80001400), BigInt(CALLS));
    });
  }

  it('takes stores on the fast path while it is not executed', () => {
    const stores = 5000;
    const host = new TestHost(`
        li s0, 0x80001000
        jalr ra, 0(s0)
        li s1, ${stores}
      again:
        sd s1, 0x400(s0)
        addi s1, s1, -1
        bnez s1, again
        li a1, 7
        jalr ra, 0(s0)
        .word 0
        .balign 4096
        addi a0, a0, 1
        ret`);
    let translations = 0;
    const translate = host.translate.bind(host);
    host.translate = (...args) => (translations++, translate(...args));
    host.engine.run(20 * stores);
    assert.deepEqual([host.x(10), host.x(11)], [2n, 7n]);
    assert.ok(translations < 100, `${translations} of ${stores} stores`);
  });
});
