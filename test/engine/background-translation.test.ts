/** Regions that a worker makes: they count when they arrive, if their code is still what it was. */
import assert from 'node:assert/strict';
import type { Engine } from '../../src/engine/engine';
import { DRAM_BASE } from '../../src/engine/physical-memory';
import { TestHost } from '../support/engine-host';
import { LateTranslation } from '../support/late-translation';

const PAGE = 0x1000;
/** An inner loop, a function on another page, and a table of jumps. */
const SOURCE = `
    li s0, 0x80004000
    la t0, case0
    sd t0, 0(s0)
    sd t0, 16(s0)
    la t0, case1
    sd t0, 8(s0)
    sd t0, 24(s0)
  again:
    li t0, 3
  inner:
    addi a0, a0, 1
    addi t0, t0, -1
    bnez t0, inner
    andi t1, a0, 3
    slli t1, t1, 3
    add t1, t1, s0
    ld t1, 0(t1)
    jr t1
  case0:
    addi a1, a1, 1
    j joined
  case1:
    addi a1, a1, 2
  joined:
    call next
    j again
    .balign 4096
  next:
    addi a2, a2, 1
    ret`;

function hosts(source = SOURCE): { late: LateTranslation; host: TestHost; interpreted: TestHost } {
  const late = new LateTranslation();
  const host = new TestHost(source, { translator: 'eager', translation: late });
  return { late, host, interpreted: new TestHost(source, { translator: 'off' }) };
}

/** Where the inner loop's `addi a0, a0, 1` is. */
function addressOfInner({ memory }: Engine): number {
  for (let address = DRAM_BASE; ; address += 4) if (memory.read32(address) === 0x00150513) return address;
}

const state = ({ engine: { state, executed } }: TestHost): unknown => ({
  pc: state.pc,
  executed,
  x: Array.from({ length: 32 }, (_, i) => state.x(i)),
});

/** Runs both on, to the same end. */
function go({ host, interpreted }: ReturnType<typeof hosts>, instructions = 5000): void {
  assert.equal(host.engine.run(instructions), interpreted.engine.run(instructions));
  assert.deepEqual(state(host), state(interpreted));
}

describe('translation by a worker', () => {
  it('interprets until regions arrive, which grow in their places', () => {
    const all = hosts();
    const { late, host } = all;
    go(all);
    assert.equal(host.engine.translated.regions, 0);
    const sizes = new Set<number>();
    for (let i = 0; i < 20; i++) {
      late.finish();
      sizes.add(host.engine.translated.regions);
      go(all);
    }
    assert.ok(!sizes.has(0));
    const wishes = late.asked.flatMap((request) => (request.kind === 'region' ? [request.wish] : []));
    assert.ok(wishes.some(({ isLarge }) => isLarge));
    // What it needs to know of other pages and of tables, it has asked for.
    const more = late.asked.flatMap((request) => (request.kind === 'more' && request.more ? [request.more] : []));
    assert.ok(more.some(({ pages }) => pages.get(1) !== undefined));
    assert.ok(more.some(({ data }) => [...data.values()].some(({ length }) => length >= 32)));
  });

  it('asks once for each place, and not for what another region has', () => {
    const all = hosts(`
      again:
        addi a0, a0, 1
        bnez a0, skipped
        ebreak
      skipped:
        addi a1, a1, 1
        j again`);
    const { late } = all;
    go(all);
    const { length } = late.asked;
    go(all);
    assert.equal(late.asked.length, length);
    late.work();
    assert.ok(late.answers.some(({ kind }) => kind === 'covered'));
    late.finish();
    go(all);
  });

  it('asks for the hottest places first, of those that wait', () => {
    const [functions, hottest] = [40, 33];
    const source = `
      again:
        li t1, 20
      inner:
        jal f${hottest}
        addi t1, t1, -1
        bnez t1, inner
        ${Array.from({ length: functions }, (_, i) => `jal f${i}`).join('\n')}
        j again
        .balign 4096
        ${Array.from({ length: functions }, (_, i) => `f${i}:\n addi a0, a0, ${i}\n ret\n .balign 64`).join('\n')}`;
    const late = new LateTranslation();
    // Everything is hot at the same time, long before the worker is done with any of it.
    const host = new TestHost(source, { translator: { jumps: 3, entries: 1000 }, translation: late });
    const interpreted = new TestHost(source, { translator: 'off' });
    const places = () => late.asked.flatMap((request) => (request.kind === 'region' ? [request.wish.offset] : []));
    const rounds = () => go({ late, host, interpreted }, 40 * (functions * 3 + 100));
    // The hottest becomes hot first; a change of its code makes it wait for its turn once more.
    rounds();
    const first = places().length;
    assert.ok(first < functions);
    for (const { engine } of [host, interpreted]) engine.memory.write32(DRAM_BASE + PAGE + hottest * 64, 0x00750513);
    late.work();
    rounds();
    late.finish();
    const then = places().slice(first);
    assert.ok(then.indexOf(hottest * 64) >= 0 && then.indexOf(hottest * 64) < 24, then.join());
    rounds();
    late.finish();
    rounds();
    assert.ok(host.engine.translated.regions > 0);
  });

  it('takes nothing that is made of code that has changed since', () => {
    const all = hosts();
    const { late, host, interpreted } = all;
    go(all);
    late.work();
    for (const { engine } of [host, interpreted]) {
      // It adds 2 from now on.
      engine.memory.write32(addressOfInner(engine), 0x00250513);
    }
    late.finish();
    assert.equal(host.engine.translated.regions, 0);
    for (let i = 0; i < 5; i++) {
      go(all);
      late.finish();
    }
    assert.ok(host.engine.translated.regions > 0);
  });

  it('takes nothing that knows no breakpoint that was set since', () => {
    const all = hosts();
    const { late, host } = all;
    go(all);
    late.work();
    const hits: bigint[] = [];
    host.onBreakpoint = (pc) => hits.push(pc) < 0;
    const inner = BigInt(addressOfInner(host.engine));
    host.engine.setBreakpoints([inner]);
    late.finish();
    assert.equal(host.engine.translated.regions, 0);
    for (let i = 0; i < 5; i++) {
      go(all);
      late.finish();
    }
    assert.ok(hits.length > 1000);
    host.engine.setBreakpoints([]);
    for (let i = 0; i < 5; i++) {
      go(all);
      late.finish();
    }
    assert.ok(host.engine.translated.regions > 0);
  });

  it('does without answers that never come', () => {
    const all = hosts();
    for (let i = 0; i < 20; i++) go(all);
    assert.equal(all.host.engine.translated.regions, 0);
  });

  it('goes on in the thread itself when the worker is gone, with all that waits', () => {
    const all = hosts();
    const { late, host } = all;
    go(all);
    late.finish();
    go(all);
    late.fail();
    const { length } = late.asked;
    for (let i = 0; i < 5; i++) go(all);
    assert.equal(late.asked.length, length);
    assert.ok(host.engine.translated.regions > 0);
  });

  it('keeps no more than there is room for', () => {
    const functions = Array.from({ length: 60 }, (_, i) => `f${i}:\n addi a0, a0, ${i}\n ret\n .balign 64`);
    const calls = functions.map((_, i) => `la t0, f${i}\n jalr t0`);
    const source = `again:\n${calls.join('\n')}\n j again\n .balign 4096\n${functions.join('\n')}`;
    const late = new LateTranslation();
    const host = new TestHost(source, {
      translator: 'eager',
      translation: late,
      translatorRoom: { regions: 30, bytes: 40_000 },
    });
    const interpreted = new TestHost(source, { translator: 'off' });
    for (let i = 0; i < 8; i++) {
      go({ late, host, interpreted }, 2000);
      late.finish();
      assert.ok(host.engine.translated.regions <= 30);
      assert.ok(host.engine.translated.bytes < 80_000);
    }
    assert.ok(host.engine.translated.regions > 0);
  });

  it('knows a page again only while it is mapped where it was', () => {
    const all = hosts();
    const { late, host, interpreted } = all;
    const other = assemblePage(host);
    for (let i = 0; i < 30; i++) {
      go(all, 777);
      if (i % 3 === 0) late.work();
      for (const each of [host, interpreted]) {
        if (i % 2 === 0) each.mapped.set(DRAM_BASE / PAGE + 1, other);
        else each.mapped.delete(DRAM_BASE / PAGE + 1);
        each.engine.flushTlb();
      }
      if (i % 5 === 0) late.finish();
    }
    assert.ok(host.engine.translated.regions > 0);

    /** Another page with a function that does something else. @returns its number */
    function assemblePage({ engine }: TestHost): number {
      for (const { memory } of [engine, interpreted.engine]) {
        memory.write32(DRAM_BASE + 4 * PAGE, 0x00560613); // addi a2, a2, 5
        memory.write32(DRAM_BASE + 4 * PAGE + 4, 0x00008067); // ret
      }
      return DRAM_BASE / PAGE + 4;
    }
  });
});
