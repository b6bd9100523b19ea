/** Translated code does what the interpreter does, to the instruction; and it goes when the code does. */
import assert from 'node:assert/strict';
import type { Engine } from '../../src/engine/engine';
import { DRAM_BASE } from '../../src/engine/physical-memory';
import { assembleProgram } from '../../src/isa/assemble';
import { TestHost } from '../support/engine-host';
import { LateTranslation } from '../support/late-translation';
import { Random } from '../support/random';

const PAGE = 0x1000;
const base = BigInt(DRAM_BASE);

function state({ state, executed }: Engine): unknown {
  return { pc: state.pc, executed, x: Array.from({ length: 32 }, (_, i) => state.x(i)) };
}

/**
 * Runs the program interpreted and translated, by the thread itself and beside it with answers at any time, in slices of random
 * lengths, and compares the registers after each. @returns the host whose thread translates
 */
function compare(source: string, instructions: number, prepare?: (host: TestHost) => void): TestHost {
  const late = new LateTranslation();
  const interpreted = new TestHost(source, { translator: 'off' });
  const translated = new TestHost(source, { translator: 'eager' });
  const others = [translated, new TestHost(source, { translator: 'eager', translation: late })];
  for (const host of [interpreted, ...others]) prepare?.(host);
  const random = new Random(instructions);
  for (let left = instructions; left > 0;) {
    const slice = Math.min(left, 1 + random.below(random.below(2) === 0 ? 100 : 5000));
    const executed = interpreted.engine.run(slice);
    const expected = state(interpreted.engine);
    for (const { engine } of others) {
      assert.equal(engine.run(slice), executed);
      assert.deepEqual(state(engine), expected);
    }
    late.something(random);
    left -= slice;
  }
  const bytes = ({ engine }: TestHost) => Buffer.from(engine.memory.bytes(DRAM_BASE, 0x10000));
  for (const host of others) assert.ok(bytes(host).equals(bytes(interpreted)), 'the same memory');
  assert.ok(translated.engine.translated.regions > 0, 'something was translated');
  assert.ok(late.asked.length > 0, 'something was asked for');
  return translated;
}

describe('translated code', () => {
  it('agrees on loops in loops, short and long', () => {
    compare(
      `
        li s0, 0x80004000
      outer:
        li t0, 37
      inner:
        add a0, a0, t0
        xor a1, a1, a0
        addi t0, t0, -1
        bnez t0, inner
        li t1, 5
      middle:
        sd a0, 0(s0)
        lw a2, 4(s0)
        andi a3, a2, 1
        beqz a3, even
        addi a4, a4, 3
        j joined
      even:
        addi a4, a4, 5
        srli a0, a0, 1
      joined:
        addi t1, t1, -1
        bgtz t1, middle
        j outer`,
      60_000,
    );
  });

  it('agrees on words, also where a loop is entered with values that are none', () => {
    compare(
      `
        li s0, 0x80004000
        li s1, 0x123456789abcdef0
        sd s1, 0(s0)
        li s2, -5
        sd s2, 8(s0)
        li s3, 0xedb88320
      outer:
        addi s4, s4, 1
        andi t0, s4, 4
        slli t0, t0, 1
        add t0, t0, s0
        ld a0, 0(t0)            # a sign-extended word, or not
        sext.w a1, s4
        lhu t2, 6(t0)
        li t1, 12
      inner:
        addw a1, a1, a0
        srliw a2, a1, 7
        slliw a3, a1, 25
        or a2, a2, a3
        xor a4, a4, a2
        and a4, a4, t2
        subw a0, a0, a4
        addiw a0, a0, 1
        bltu a1, a2, less
        slli a5, a0, 32
        srli a5, a5, 29
        add a6, a6, a5
        sw a4, 16(s0)
        lb a7, 16(s0)
        negw t3, a7
        and t3, t3, s3
        j joined
      less:
        slli a0, a0, 32
        srli a0, a0, 32
        sext.w a0, a0
        sraiw a7, a2, 3
        mulw t3, a7, a2
        sb t3, 17(s0)
        slt a6, a7, t3
      joined:
        zext.w s5, t3
        add s6, s6, s5
        addiw t1, t1, -1
        bnez t1, inner
        beqz a4, outer
        sd t3, 24(s0)
        j outer`,
      150_000,
    );
  });

  it('counts exactly where a loop of words is entered from a loop that is written several times in a row', () => {
    compare(
      `
        li s0, 0x123456789
        li s4, -1               # the first time, neither loop is repeated
      outer:
        addi s4, s4, 1
        andi t0, s4, 7
        addi t0, t0, 1
        add a0, a0, s0
        andi t1, s4, 3
        addi t1, t1, 1
      first:
        addi t0, t0, -1
        bnez t0, first
      second:
        addw a1, a1, a0
        addiw a0, a0, 1
        xor a2, a2, a1
        addiw t1, t1, -1
        bnez t1, second
        j outer`,
      60_000,
    );
  });

  it('agrees on calls, nested and recursive, and on returns to elsewhere', () => {
    compare(
      `
        li sp, 0x80008000
      again:
        li a0, 9
        call fibonacci
        add s2, s2, a0
        la t0, twice
        jalr t0
        la ra, again
        li a0, 4
        j twice                 # a tail call that returns to the start
      fibonacci:
        addi sp, sp, -32
        sd ra, 0(sp)
        sd s0, 8(sp)
        sd s1, 16(sp)
        mv s0, a0
        li t0, 2
        blt a0, t0, leaf
        addi a0, a0, -1
        call fibonacci
        mv s1, a0
        addi a0, s0, -2
        call fibonacci
        add a0, a0, s1
      leaf:
        ld ra, 0(sp)
        ld s0, 8(sp)
        ld s1, 16(sp)
        addi sp, sp, 32
        ret
      twice:
        slli a0, a0, 1
        ret`,
      60_000,
    );
  });

  it('agrees on jumps through tables, also when an entry changes', () => {
    compare(
      `
        li s0, 0x80004000
        la t0, nought
        sd t0, 0(s0)
        la t0, first
        sd t0, 8(s0)
        la t0, second
        sd t0, 16(s0)
        la t0, third
        sd t0, 24(s0)
      again:
        addi s2, s2, 1
        andi t0, s2, 3
        slli t0, t0, 3
        add t0, t0, s0
        ld t1, 0(t0)
        jr t1
      nought:
        addi a0, a0, 1
        j again
      first:
        addi a1, a1, 3
        andi t2, s2, 1023
        addi t2, t2, -1
        bnez t2, again
        ld t3, 16(s0)           # once in a while second entries change places
        ld t4, 24(s0)
        sd t4, 16(s0)
        sd t3, 24(s0)
        j again
      second:
        xor a2, a2, a1
        j again
      third:
        sub a3, a3, a2
        j again`,
      60_000,
    );
  });

  it('agrees on loops that are entered in the middle', () => {
    compare(
      `
      start:
        addi s0, s0, 1
        andi t0, s0, 1
        beqz t0, second
      first:
        addi a0, a0, 1
        andi t1, a0, 7
        beqz t1, start
      second:
        addi a1, a1, 2
        andi t2, a1, 31
        bnez t2, first
        j start`,
      30_000,
    );
  });

  it('agrees on loops that are entered in several places, and call a function in their middles', () => {
    compare(
      `
        li s0, 0x80004000
        la s2, cases
      start:
        addi s1, s1, 1
        andi t0, s1, 3
        slli t0, t0, 3
        add t0, t0, s2
        ld t0, 0(t0)
        jr t0
      one:
        addiw a0, a0, 5
        call mix
        andi t1, a0, 7
        bnez t1, two
        sw a0, 0(s0)
        j start
      two:
        xor a1, a1, a0
        andi t1, a1, 1
        beqz t1, four
        call mix
      three:
        lw t2, 0(s0)
        addw a0, a0, t2
        andi t1, a0, 12
        bnez t1, one
        call mix
        j two
      four:
        call mix
        srli a1, a1, 1
        andi t1, a0, 3
        beqz t1, three
        beqz a1, one
        j start
      mix:
        slliw t3, a0, 7
        xor a0, a0, t3
        srliw t3, a0, 9
        xor a0, a0, t3
        addiw a0, a0, 77
        ret
      .balign 8
      cases:
        .dword one
        .dword two
        .dword three
        .dword four`,
      60_000,
    );
  });

  for (const [how, frames] of [
    ['as they lie in the guest', [0, 1, 2, 3, 4, 5, 6, 7]],
    ['in two runs', [8, 9, 10, 11, 0, 1, 2, 3]],
    ['in disorder', [5, 11, 2, 8, 14, 3, 9, 0]],
  ] as const) {
    it(`agrees on pointers that a loop follows from page to page, which lie ${how}`, () => {
      compare(
        `
          li s0, 0x80004000       # a node in each of eight pages: next and key
          li t0, 0
        make:
          slli t1, t0, 12
          add t1, t1, s0
          addi t2, t0, 3
          andi t2, t2, 7
          slli t2, t2, 12
          add t2, t2, s0
          slli t3, t0, 4
          add t1, t1, t3
          addi t4, t0, 3
          andi t4, t4, 7
          slli t4, t4, 4
          add t2, t2, t4
          sd t2, 0(t1)
          sd t0, 8(t1)
          addi t0, t0, 1
          li t2, 8
          bne t0, t2, make
        outer:
          mv a0, s0
          li a1, 50
        follow:
          ld a2, 8(a0)
          add a3, a3, a2
          addi a2, a2, 1
          sd a2, 8(a0)
          ld a0, 0(a0)
          addi a1, a1, -1
          bnez a1, follow
          j outer`,
        60_000,
        ({ mapped }) => frames.forEach((frame, page) => mapped.set(0x80004 + page, 0x80020 + frame)),
      );
    });
  }

  it('agrees on accesses that miss: at page ends, misaligned, at devices, and where they fault', () => {
    const host = compare(
      `
        li s0, 0x80004ff8
        li s1, 0x10000000
        li s2, 0
      again:
        addi s2, s2, 1
        andi t0, s2, 15
        add t1, s0, t0
        ld a0, 0(t1)
        sd s2, 8(t1)
        lw a1, 4(t1)
        andi t2, s2, 63
        bnez t2, again
        lbu a2, 5(s1)
        j again`,
      20_000,
    );
    assert.ok(host.device.length > 10);
  });

  it('follows code across pages only while they are mapped to that code', () => {
    // Page 1 of the program is called; pages 1 and 2 take turns at being mapped there.
    const source = `
        li t0, 20
      again:
        call next
        addi t0, t0, -1
        bnez t0, again
        ecall
        li t0, 20
        j again
        .balign 4096
      next:
        addi a0, a0, 1
        ret
        .balign 4096
        addi a0, a0, 100
        ret`;
    const prepare = (host: TestHost) => {
      const page = DRAM_BASE / PAGE + 1;
      host.onSystem = () => {
        host.mapped.set(page, host.mapped.get(page) === page + 1 ? page : page + 1);
        host.engine.flushTlb();
        return 'next';
      };
    };
    const host = compare(source, 10_000, prepare);
    assert.ok(host.x(10) > 1000n);
  });

  it('keeps two address spaces apart that have different code at one address', () => {
    const source = `
        li t0, 50
      again:
        call next
        addi t0, t0, -1
        bnez t0, again
        ecall
        li t0, 50
        j again
        .balign 4096
      next:
        addi a0, a0, 1
        ret
        .balign 4096
        addi a1, a1, 1
        ret`;
    let spaces = 0;
    const prepare = (host: TestHost) => {
      const page = DRAM_BASE / PAGE + 1;
      let key = 0;
      host.onSystem = () => {
        key ^= 1;
        spaces++;
        // No flush: each space has a TLB of its own.
        if (key === 1) host.mapped.set(page, page + 1);
        else host.mapped.delete(page);
        host.engine.running.selectTlb({ key }, { key });
        return 'next';
      };
    };
    const host = compare(source, 20_000, prepare);
    assert.ok(spaces > 20);
    assert.ok(host.x(10) - host.x(11) <= 50n);
  });

  it('sees stores to its code through another mapping of the page', () => {
    const word = new DataView(assembleProgram('addi a0, a0, 7', base).buffer).getUint32(0, true);
    const source = `
        li s0, 0x80003000       # the alias of the page with the code
        li s1, ${word}
        li t0, 30
      again:
        call next
        addi t0, t0, -1
        bnez t0, again
        lwu s2, 0(s0)
        sw s1, 0(s0)
        mv s1, s2
        li t0, 30
        j again
        .balign 4096
      next:
        addi a0, a0, 1
        ret`;
    const alias = DRAM_BASE / PAGE + 3;
    const host = compare(source, 20_000, (one) => one.mapped.set(alias, DRAM_BASE / PAGE + 1));
    assert.ok(host.x(10) > 10_000n);
  });

  it('patches the loop that it is in', () => {
    const word = new DataView(assembleProgram('addi a0, a0, 7', base).buffer).getUint32(0, true);
    compare(
      `
        la s0, patched
        li s1, ${word}
      again:
        addi t0, t0, 1
        andi t1, t0, 127
        bnez t1, patched
        lwu s2, 0(s0)
        sw s1, 0(s0)
        fence.i
        mv s1, s2
      patched:
        addi a0, a0, 1
        j again`,
      30_000,
    );
  });

  it('begins regions where code jumps to, not where slices happen to begin', () => {
    const source = `again:\n${'addi a0, a0, 1\n'.repeat(20)} j again`;
    const host = new TestHost(source, { translator: 'eager' });
    for (let i = 0; i < 100; i++) host.engine.run(101);
    assert.equal(host.engine.translated.regions, 1);
  });

  it('keeps no more than there is room for, however much code is hot', () => {
    const functions = Array.from(
      { length: 120 },
      (_, i) => `f${i}:\n addi a0, a0, ${i}\n xori a0, a0, 1\n ret\n .balign 64`,
    );
    const calls = Array.from({ length: 120 }, (_, i) => `la t0, f${i}\n jalr t0`);
    const source = `again:\n${calls.join('\n')}\n j again\n .balign 4096\n${functions.join('\n')}`;
    const room = { regions: 40, bytes: 1 << 20 };
    const host = new TestHost(source, { translator: 'eager', translatorRoom: room });
    const interpreted = new TestHost(source, { translator: 'off' });
    for (let i = 0; i < 20; i++) {
      host.engine.run(2000);
      interpreted.engine.run(2000);
      assert.ok(host.engine.translated.regions <= room.regions);
    }
    assert.deepEqual(state(host.engine), state(interpreted.engine));
    assert.ok(host.engine.translated.regions > 10);
    const small = new TestHost(source, { translator: 'eager', translatorRoom: { regions: 1000, bytes: 20_000 } });
    small.engine.run(40_000);
    assert.deepEqual(state(small.engine), state(interpreted.engine));
    assert.ok(small.engine.translated.bytes < 40_000);
  });

  it('stops at breakpoints in the middle of hot code, and is fast again without them', () => {
    const host = new TestHost(
      `
      again:
        addi a0, a0, 1
        addi a1, a1, 1
        bnez a0, again`,
      { translator: 'eager' },
    );
    host.engine.run(1000);
    host.engine.setBreakpoints([base + 4n]);
    host.engine.run(1000);
    assert.equal(host.engine.state.pc, base + 4n);
    const before = host.x(11);
    host.engine.step();
    host.engine.run(1000);
    assert.equal(host.engine.state.pc, base + 4n);
    assert.equal(host.x(11), before + 1n);
    host.engine.setBreakpoints([]);
    assert.equal(host.engine.run(1000), 1000);
  });
});
