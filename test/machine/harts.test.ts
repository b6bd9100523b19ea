/** Several harts: turns, atomics, interrupts between them, and that it does not matter in which slices they run. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TranslatorMode } from '../../src/engine/engine';
import { Machine } from '../../src/machine/machine';
import { hartsOutput } from '../support/harts-fixture';
import { MultiHart, POWER_OFF, sbi } from '../support/multi-hart';
import { countingOutput, countingProgram, remoteFenceProgram } from '../support/multi-hart-programs';
import { Random } from '../support/random';
import { readProgram } from '../support/slice-console';

const FIXTURE = join(__dirname, '..', 'fixtures', 'harts.elf');

const HSM = 0x48534d;
const IPI = 0x735049;
const TIME = 0x54494d45;

describe('several harts', () => {
  for (const translator of ['off', 'on', 'eager'] as const satisfies TranslatorMode[]) {
    it(`count exactly by AMOs, LR and SC, and under a lock (translator ${translator})`, () => {
      for (const [harts, rounds] of [
        [4, 2000],
        [8, 1000],
        [2, 300],
      ]) {
        const run = new MultiHart(countingProgram(harts, rounds), 'machine', { harts, translator });
        run.finish();
        assert.equal(run.output, countingOutput(harts, rounds));
      }
    });
  }

  it('run the same in slices of any length, to the instruction', () => {
    const program = countingProgram(4, 1500);
    const whole = new MultiHart(program, 'machine');
    whole.finish(() => 100_000_000);
    const random = new Random(5);
    const lengths = [() => 1 + random.below(40), () => 1 + random.below(5000), () => 1 + random.below(60_000)];
    for (const [index, translator] of (['off', 'on', 'eager'] as const).entries()) {
      const sliced = new MultiHart(program, 'machine', { translator });
      sliced.finish(lengths[index]);
      assert.deepEqual(sliced.state(), whole.state());
    }
    const stepped = new MultiHart(program, 'machine');
    for (let i = 0; i < 50_000; i++) stepped.machine.step();
    const other = new MultiHart(program, 'machine');
    other.machine.run(50_000);
    assert.deepEqual(stepped.state(), other.state());
  });

  it('go on from a snapshot as they would have gone on', () => {
    const program = countingProgram(4, 1500);
    const run = new MultiHart(program, 'machine');
    run.machine.run(31_234);
    const snapshot = run.machine.takeSnapshot();
    const states = [1, 2].map(() => {
      run.finish(() => 7_777);
      const state = run.state();
      run.machine.restoreSnapshot(snapshot);
      return state;
    });
    assert.deepEqual(states[1], states[0]);
    const other = new MultiHart(program, 'machine', { translator: 'eager' });
    other.machine.restoreSnapshot(snapshot);
    other.finish();
    assert.deepEqual(other.state(), states[0]);
  });

  it('can be 1 to 8', () => {
    for (const harts of [0, 9, 1.5, NaN]) {
      assert.throws(() => new Machine({ memoryBytes: 1 << 20, harts }), /with .* harts is not possible: .* 1 to 8/);
    }
  });

  it('begin together in M-mode, each with its number, and count for themselves', () => {
    const run = new MultiHart(
      `
      csrr s0, mhartid
      mv s2, a0
      beqz s0, first
      addi s1, s0, 1
    1: addi s1, s1, -1
      bnez s1, 1b
      csrr s3, minstret
    2: wfi
      j 2b
    first:
      csrr s3, minstret
      li s4, 30000
    1: addi s4, s4, -1
      bnez s4, 1b
      csrr s4, mcycle
      ${POWER_OFF}`,
      'machine',
    );
    run.finish();
    for (const { index, state } of run.machine.harts) {
      assert.deepEqual([state.x(8), state.x(18)], [BigInt(index), BigInt(index)]);
      assert.equal(state.x(19), index === 0 ? 3n : BigInt(4 + 2 * (index + 1)));
    }
    // All harts' instructions, one hart's turn after the other's: its own only.
    assert.equal(run.hart(0).state.x(20), 6n + 60_000n);
  });

  it('lose a reservation to a store of another hart, even if it leaves the value as it was', () => {
    const run = new MultiHart(
      `
      csrr s0, mhartid
      la a2, cell
      la a3, flag
      bnez s0, second
      lr.d a4, (a2)
      li a5, 1
      sd a5, 0(a3)
    1: ld a5, 0(a3)
      addi a5, a5, -2
      bnez a5, 1b
      sc.d s1, a4, (a2)
      ${POWER_OFF}
    second:
      ld a5, 0(a3)
      beqz a5, second
      ld a4, 0(a2)
      sd a4, 0(a2)
      li a5, 2
      sd a5, 0(a3)
    2: wfi
      j 2b
      .balign 8
    cell: .dword 5
    flag: .dword 0`,
      'machine',
      { harts: 2 },
    );
    run.finish();
    assert.equal(run.hart(0).state.x(9), 1n);
  });

  it('execute code that another hart has rewritten', () => {
    for (const translator of ['off', 'on', 'eager'] as const) {
      const run = new MultiHart(
        `
        csrr s0, mhartid
        la s1, turn
        bnez s0, writer
        li s2, 0
        li s3, 20
      again:
        li s4, 2000
      1: call patched
        addi s4, s4, -1
        bnez s4, 1b
        li a0, 1
        sd a0, 0(s1)
      2: ld a0, 0(s1)
        bnez a0, 2b
        fence.i
        addi s3, s3, -1
        bnez s3, again
        ${POWER_OFF}
      writer:
        la a2, patched
        lui a3, 0x100
      3: ld a0, 0(s1)
        beqz a0, 3b
        lw a4, 0(a2)
        add a4, a4, a3
        sw a4, 0(a2)
        sd zero, 0(s1)
        j 3b
        .balign 4
      patched:
        addi s2, s2, 1
        ret
        .balign 8
      turn: .dword 0`,
        'machine',
        { harts: 2, translator },
      );
      run.finish();
      assert.equal(run.hart(0).state.x(18), BigInt((2000 * 20 * 21) / 2), translator);
    }
  });

  it('interrupt each other by the CLINT, each with its own timer', () => {
    const run = new MultiHart(
      `
      csrr s0, mhartid
      la t0, handler
      csrw mtvec, t0
      li t0, 0x2000000
      slli t1, s0, 2
      add s1, t0, t1
      slli t1, s0, 3
      add s2, t0, t1
      li t1, 0x4000
      add s2, s2, t1
      csrwi mie, 8
      csrsi mstatus, 8
      beqz s0, first
    rest:
      wfi
      j rest
    first:
      # hart 1, which sends on to hart 2, and so on; the last one to hart 0
      li t1, 1
      sw t1, 4(s1)
    1: wfi
      la t0, count
      ld t1, 0(t0)
      addi t1, t1, -4
      bnez t1, 1b
      # each one's timer, at another time
      ${POWER_OFF}
    handler:
      sw zero, 0(s1)
      la t0, count
      li t1, 1
      amoadd.d t2, t1, (t0)
      la t0, order
      slli t2, t2, 3
      add t0, t0, t2
      sd s0, 0(t0)
      beqz s0, 9f
      li t0, 3
      bne s0, t0, 8f
      li t0, 0x2000000
      sw t1, 0(t0)
      mret
    8: sw t1, 4(s1)
    9: mret
      .balign 8
    count: .dword 0
    order: .space 32`,
      'machine',
    );
    run.finish();
    assert.deepEqual(
      [0, 1, 2, 3].map((index) => run.word('order', index)),
      [1n, 2n, 3n, 0n],
    );
  });

  it('have timers of their own, which are exact', () => {
    const run = new MultiHart(
      `
      csrr s0, mhartid
      la t0, handler
      csrw mtvec, t0
      slli s1, s0, 3
      li t0, 0x2004000
      add t0, t0, s1
      addi t1, s0, 1
      li t2, 1000
      mul t1, t1, t2
      sd t1, 0(t0)
      li t0, 128
      csrw mie, t0
      csrsi mstatus, 8
    1: wfi
      j 1b
    handler:
      li t0, 0x200bff8
      ld t1, 0(t0)
      la t0, times
      add t0, t0, s1
      sd t1, 0(t0)
      csrw mie, zero
      li t0, 3
      bne s0, t0, 1b
      ${POWER_OFF}
      .balign 8
    times: .space 32`,
      'machine',
    );
    run.finish();
    assert.deepEqual(
      [0, 1, 2, 3].map((index) => run.word('times', index)),
      [1000n, 2000n, 3000n, 4000n],
    );
  });

  it('get external interrupts each by its own context of the PLIC', () => {
    const run = new MultiHart('1: wfi\nj 1b', 'machine');
    const { plic, harts, uart } = run.machine;
    run.machine.run(100);
    plic.write(4 * 10, 4, 1n);
    plic.write(0x2000 + 0x80 * 5, 4, 1n << 10n);
    uart.write(1, 1, 1n);
    uart.receive(Uint8Array.of(65));
    run.machine.run(100);
    const lines = harts.map(({ csrs }) => csrs.state.pendingLines);
    assert.deepEqual(lines, [0, 0, 1 << 9, 0]);
  });
});

describe('several harts over the built-in firmware', () => {
  it('do what the same program does in QEMU', () => {
    for (const harts of [1, 2, 4, 8]) {
      const machine = new Machine({ memoryBytes: 16 << 20, harts });
      let output = '';
      machine.uart.onOutput = (bytes) => (output += Buffer.from(bytes).toString('latin1'));
      machine.boot({ program: readProgram(FIXTURE), mode: 'supervisor' });
      while (machine.run(1_000_000).kind !== 'power-off') assert.ok(machine.instructions < 20_000_000, output);
      assert.equal(output, hartsOutput(harts));
    }
  });

  it('are started, stopped, and started again', () => {
    const run = new MultiHart(
      `
      bnez a0, wrong
      li s1, 1
    next:
      mv a0, s1
      ${sbi(HSM, 2)}
      la t0, states
      slli s2, s1, 3
      add s2, s2, t0
      sb a1, 0(s2)
      mv a0, s1
      la a1, other
      addi a2, s1, 100
      ${sbi(HSM, 0)}
      sb a0, 1(s2)
      mv a0, s1
      la a1, other
      ${sbi(HSM, 0)}
      sb a0, 2(s2)
      la t0, go
      sd s1, 0(t0)
    1: mv a0, s1
      ${sbi(HSM, 2)}
      addi a1, a1, -1
      bnez a1, 1b
      addi s1, s1, 1
      li t0, 4
      bne s1, t0, next
      li t0, 5
      la a2, rounds
      lw t1, 0(a2)
      addi t1, t1, 1
      sw t1, 0(a2)
      li s1, 1
      li t0, 3
      bne t0, t1, next
    wrong:
      ${POWER_OFF}
    other:
      la t0, go
      ld t0, 0(t0)
      bne t0, a0, other
      csrr t2, satp
      csrr t3, sstatus
      andi t3, t3, 2
      or t2, t2, t3
      la t0, seen
      slli t1, a0, 3
      add t0, t0, t1
      ld t3, 0(t0)
      add t3, t3, a1
      or t3, t3, t2
      sd t3, 0(t0)
      csrsi sstatus, 2
      ${sbi(HSM, 1)}
      j wrong
      .balign 8
    states: .space 32
    seen: .space 32
    rounds: .dword 0
    go: .dword 0`,
      'supervisor',
    );
    run.finish();
    assert.equal(run.word('rounds'), 3n);
    for (const hart of [1, 2, 3]) {
      // Stopped; started; already available (-6).
      assert.equal(run.word('states', hart), 0xfa0001n, `hart ${hart}`);
      assert.equal(run.word('seen', hart), BigInt(3 * (100 + hart)));
      assert.equal(run.hart(hart).isStopped, true);
    }
  });

  it('suspend: until an interrupt, behind the call or at another place', () => {
    const run = new MultiHart(
      `
      li a0, 1
      la a1, other
      ${sbi(HSM, 0)}
      la s1, stage
    1: ld t0, 0(s1)
      beqz t0, 1b
      li a0, 1
      ${sbi(HSM, 2)}
      mv s2, a1
      li a0, 2
      li a1, 0
      ${sbi(IPI, 0)}
      li t1, 2
    1: ld t0, 0(s1)
      bne t0, t1, 1b
      li a0, 1
      ${sbi(HSM, 2)}
      mv s3, a1
      li a0, 2
      li a1, 0
      ${sbi(IPI, 0)}
      li t1, 3
    1: ld t0, 0(s1)
      bne t0, t1, 1b
      ${POWER_OFF}
    other:
      csrwi sie, 2
      li s0, 55
      la s1, stage
      li t0, 1
      sd t0, 0(s1)
      li a0, 0
      ${sbi(HSM, 3)}
      mv s4, a0
      csrr s5, sip
      csrci sip, 2
      li t0, 2
      sd t0, 0(s1)
      li a0, 0x80000000
      la a1, resumed
      li a2, 77
      ${sbi(HSM, 3)}
      j 9f
    resumed:
      mv s6, a0
      mv s7, a1
      csrr s8, sip
      la s1, stage
      li t0, 3
      sd t0, 0(s1)
    9: wfi
      j 9b
      .balign 8
    stage: .dword 0`,
      'supervisor',
      { harts: 2 },
    );
    run.finish();
    const [boot, other] = run.machine.harts;
    assert.deepEqual([boot.state.x(18), boot.state.x(19)], [4n, 4n], 'suspended');
    assert.equal(other.state.x(8), 55n);
    assert.deepEqual([other.state.x(20), other.state.x(21)], [0n, 2n]);
    assert.deepEqual([other.state.x(22), other.state.x(23)], [1n, 77n]);
  });

  it('fence each other, and each has its own translations', () => {
    const run = new MultiHart(remoteFenceProgram, 'supervisor', { harts: 2 });
    run.finish();
    assert.deepEqual([run.word('seen', 0), run.word('seen', 1), run.word('seen', 2)], [11n, 11n, 22n]);
  });

  it('have supervisor timers of their own', () => {
    for (const extensions of [{}, { Sstc: false }]) {
      const run = new MultiHart(
        `
        mv s0, a0
        bnez s0, begin
        li s1, 1
      1: mv a0, s1
        la a1, begin2
        ${sbi(HSM, 0)}
        addi s1, s1, 1
        li t0, 4
        bne s1, t0, 1b
        j begin
      begin2:
        mv s0, a0
      begin:
        la t0, handler
        csrw stvec, t0
        addi a0, s0, 1
        li t0, 2000
        mul a0, a0, t0
        ${sbi(TIME, 0)}
        li t0, 32
        csrw sie, t0
        csrsi sstatus, 2
      1: wfi
        j 1b
        .balign 4
      handler:
        csrr t1, time
        la t0, times
        slli t2, s0, 3
        add t0, t0, t2
        sd t1, 0(t0)
        csrw sie, zero
        li t0, 3
        bne s0, t0, 1b
        ${POWER_OFF}
        .balign 8
      times: .space 32`,
        'supervisor',
        { extensions },
      );
      run.finish();
      assert.deepEqual(
        [0, 1, 2, 3].map((index) => run.word('times', index)),
        [2000n, 4000n, 6000n, 8000n],
      );
    }
  });

  it('all stopped: the machine is idle', () => {
    const run = new MultiHart(sbi(HSM, 1), 'supervisor');
    assert.deepEqual(run.machine.run(1000), { kind: 'idle' });
    assert.deepEqual(run.machine.run(1000), { kind: 'idle' });
  });
});
