/** The machine's run loop: exact timers, waiting, breakpoints, steps, stops, and the same execution in any slices. */
import assert from 'node:assert/strict';
import { assembleSource } from '../../src/isa/assemble';
import type { Machine } from '../../src/machine/machine';
import type { RunResult } from '../../src/machine/run-result';
import { INSTRUCTIONS_PER_TICK } from '../../src/machine/time';
import { FLAT_BASE, flatMachine } from '../support/flat-program';
import { MachineConsole } from '../support/machine-console';
import { prompt, teachingKernel } from '../support/teaching-kernel';

const CLINT = 'li s0, 0x2000000\nli s1, 0x2004000\n';
const POWER_OFF = 'li t0, 0x100000\nli t1, 0x5555\nsw t1, 0(t0)\n';

function start(source: string): { machine: Machine; label: (name: string) => bigint; output: () => string } {
  const { bytes, symbols } = assembleSource(source, FLAT_BASE);
  const label = (name: string): bigint => {
    const address = symbols.get(name);
    assert.ok(address !== undefined, name);
    return address;
  };
  return { ...flatMachine(bytes), label };
}

/** Runs in slices until something other than the limit ends one. */
function runInSlices(machine: Machine, slice: number): RunResult {
  for (;;) {
    const result = machine.run(slice);
    if (result.kind !== 'limit') return result;
    assert.ok(machine.instructions < 1_000_000, 'the program does not end');
  }
}

const timerProgram = (ticks: number): string => `
  la t0, handler
  csrw mtvec, t0
  ${CLINT}
  li t0, ${ticks}
  sd t0, 0(s1)
  li t0, 0x80
  csrw mie, t0
  csrsi mstatus, 8
loop:
  addi a0, a0, 1
  j loop
.balign 4
handler:
  csrr a1, mepc
  csrr a2, time
  ${POWER_OFF}
`;

describe('the machine runs', () => {
  it('at most the instructions asked for', () => {
    const { machine } = start('1: j 1b');
    assert.deepEqual(machine.run(0), { kind: 'limit' });
    assert.equal(machine.instructions, 0);
    for (const n of [1, 2, 999]) {
      const before: number = machine.instructions;
      assert.deepEqual(machine.run(n), { kind: 'limit' });
      assert.equal(machine.instructions - before, n);
    }
  });

  it('with timer interrupts at the exact instruction, whatever the slices', () => {
    for (const slice of [1, 7, 1000, 1_000_000]) {
      const { machine } = start(timerProgram(200));
      const traps: number[] = [];
      machine.harts[0].onTrap = () => {
        traps.push(machine.instructions);
        return 'take';
      };
      assert.equal(runInSlices(machine, slice).kind, 'power-off');
      assert.deepEqual(traps, [200 * INSTRUCTIONS_PER_TICK]);
      assert.equal(machine.harts[0].state.x(12), 200n);
    }
  });

  it('with a comparator that the program moves within a slice', () => {
    const { machine } = start(`
      la t0, handler
      csrw mtvec, t0
      ${CLINT}
      li t0, 100000
      sd t0, 0(s1)
      li t0, 0x80
      csrw mie, t0
      csrsi mstatus, 8
      li t0, 30
      sd t0, 0(s1)
    1: j 1b
    .balign 4
    handler: ${POWER_OFF}`);
    const traps: number[] = [];
    machine.harts[0].onTrap = () => {
      traps.push(machine.instructions);
      return 'take';
    };
    assert.equal(machine.run(1_000_000).kind, 'power-off');
    assert.deepEqual(traps, [30 * INSTRUCTIONS_PER_TICK]);
  });

  it('with a comparator in the past: the interrupt comes after the instruction that wrote it', () => {
    const { machine, label } = start(timerProgram(0));
    machine.run(1_000_000);
    // MTIE is set after the comparator, so MIE is what lets the interrupt in, before the next instruction.
    assert.equal(machine.harts[0].state.x(11), label('loop'));
  });

  it('the same way in any slices, to the instruction', async () => {
    const counts: number[] = [];
    const outputs: string[] = [];
    for (const slice of [997, 100_003, 5_000_000]) {
      const { machine } = new MachineConsole({ kernel: teachingKernel });
      let output = '';
      machine.uart.onOutput = (bytes) => (output += Buffer.from(bytes).toString('latin1'));
      while (!prompt.test(output)) machine.run(slice);
      let result = machine.run(slice);
      while (result.kind !== 'idle' && result.kind !== 'waiting') result = machine.run(slice);
      counts.push(machine.instructions);
      outputs.push(output);
    }
    assert.equal(new Set(counts).size, 1, counts.join(', '));
    assert.equal(new Set(outputs).size, 1);
  });

  it('until it is powered off, and not again', () => {
    const { machine } = start('li t0, 0x100000\nli t1, 0x2a3333\nsw t1, 0(t0)\nli a0, 1');
    const end = { kind: 'power-off', reason: 'failure', code: 42 } as const;
    assert.deepEqual(machine.run(100), end);
    assert.equal(machine.harts[0].state.x(10), 0n);
    assert.deepEqual(machine.run(100), end);
    assert.deepEqual(machine.step(), end);
  });
});

describe('WFI', () => {
  it('lets time pass to the timer, and says by how much', () => {
    const { machine } = start(`
      ${CLINT}
      li t0, 50000
      sd t0, 0(s1)
      li t0, 0x80
      csrw mie, t0
      wfi
      li a0, 1
      csrr a1, time
      ${POWER_OFF}`);
    const waited = machine.run(1000);
    assert.equal(waited.kind, 'waiting');
    assert.equal(machine.time, 50000n);
    assert.ok(waited.kind === 'waiting' && waited.ticks > 49000);
    assert.equal(machine.harts[0].state.x(10), 0n);
    // Interrupts are off in mstatus: WFI ends without a trap.
    assert.equal(machine.run(1000).kind, 'power-off');
    assert.equal(machine.harts[0].state.x(10), 1n);
    assert.equal(machine.harts[0].state.x(11), 50000n);
  });

  it('is idle when nothing can come but input, and input wakes it', () => {
    const { machine, output } = start(`
      la t0, handler
      csrw mtvec, t0
      li t0, 0x10000000    # UART: interrupt for received bytes
      li t1, 1
      sb t1, 1(t0)
      li t0, 0xc000028     # PLIC: priority of source 10, enabled for M-mode of hart 0
      sw t1, 0(t0)
      li t0, 0xc002000
      li t1, 0x400
      sw t1, 0(t0)
      li t0, 0x800
      csrw mie, t0
      csrsi mstatus, 8
    1: wfi
      j 1b
    .balign 4
    handler:
      li t0, 0x10000000
      lbu t1, 0(t0)
      sb t1, 0(t0)
      ${POWER_OFF}`);
    assert.deepEqual(machine.run(1000), { kind: 'idle' });
    assert.deepEqual(machine.run(1000), { kind: 'idle' });
    const { instructions } = machine;
    machine.uart.receive(Uint8Array.of(0x41));
    assert.equal(machine.run(1000).kind, 'power-off');
    assert.equal(output(), 'A');
    assert.ok(machine.instructions > instructions);
  });

  it('ignores a timer whose interrupt is not enabled', () => {
    const { machine } = start(`${CLINT}\nli t0, 500\nsd t0, 0(s1)\nwfi`);
    assert.deepEqual(machine.run(1000), { kind: 'idle' });
  });

  it('ends at once when an interrupt is pending already', () => {
    const { machine } = start(`li t0, 2\ncsrw mie, t0\ncsrw mip, t0\nwfi\nli a0, 1\n${POWER_OFF}`);
    assert.equal(machine.run(1000).kind, 'power-off');
    assert.equal(machine.harts[0].state.x(10), 1n);
  });
});

describe('breakpoints', () => {
  const source = `
    li a0, 3
    li a1, 0
  loop:
    addi a0, a0, -1
  here:
    addi a1, a1, 1
    bnez a0, loop
    ${POWER_OFF}`;

  it('stop before the instruction, each time, and let it go on', () => {
    const { machine, label } = start(source);
    machine.engine.setBreakpoints([label('here')]);
    for (let i = 0n; i < 3n; i++) {
      assert.deepEqual(machine.run(1000), { kind: 'breakpoint', pc: label('here') });
      assert.equal(machine.harts[0].state.pc, label('here'));
      assert.equal(machine.harts[0].state.x(11), i);
    }
    assert.equal(machine.run(1000).kind, 'power-off');
  });

  it('do not change what is counted', () => {
    const [watched, free] = [start(source), start(source)];
    watched.machine.engine.setBreakpoints([watched.label('here')]);
    for (let i = 0; i < 4; i++) watched.machine.run(1000);
    free.machine.run(1000);
    assert.equal(watched.machine.instructions, free.machine.instructions);
  });

  it('can be passed by a condition, and where the hart stands', () => {
    const { machine, label } = start(source);
    machine.engine.setBreakpoints([FLAT_BASE, label('here')]);
    machine.onBreakpoint = () => machine.harts[0].state.x(11) === 2n;
    assert.equal(machine.run(1000).kind, 'breakpoint');
    assert.equal(machine.harts[0].state.x(11), 2n);

    const other = start(source);
    other.machine.engine.setBreakpoints([FLAT_BASE]);
    other.machine.passBreakpoint();
    assert.equal(other.machine.run(1000).kind, 'power-off');
  });

  it('do not stop a step', () => {
    const { machine, label } = start(source);
    machine.engine.setBreakpoints([FLAT_BASE, label('loop')]);
    assert.deepEqual(machine.step(), { kind: 'limit' });
    machine.step();
    assert.equal(machine.harts[0].state.pc, label('loop'));
    machine.step();
    assert.equal(machine.harts[0].state.pc, label('here'));
  });
});

describe('a step', () => {
  it('is one instruction', () => {
    const { machine } = start('nop\nnop\n1: j 1b');
    machine.step();
    machine.step();
    assert.equal(machine.harts[0].state.pc, FLAT_BASE + 8n);
    assert.equal(machine.instructions, 2);
  });

  it('is the entry into the handler when an interrupt is due', () => {
    const { machine, label } = start(`
      la t0, handler
      csrw mtvec, t0
      li t0, 2
      csrw mie, t0
      csrw mip, t0
      csrsi mstatus, 8
    here: nop
    .balign 4
    handler: nop`);
    while (machine.harts[0].state.pc !== label('here')) machine.step();
    const { instructions } = machine;
    assert.deepEqual(machine.step(), { kind: 'limit' });
    assert.equal(machine.harts[0].state.pc, label('handler'));
    assert.equal(machine.instructions, instructions);
  });
});

describe('a stop that is asked for', () => {
  it('comes before the next instruction', () => {
    const { machine } = start('li t0, 0x10000000\nsb t0, 0(t0)\nli a0, 1\n1: j 1b');
    machine.uart.onOutput = () => machine.requestStop();
    assert.deepEqual(machine.run(1000), { kind: 'stopped' });
    assert.equal(machine.harts[0].state.pc, FLAT_BASE + 8n);
    assert.equal(machine.instructions, 2);
    assert.deepEqual(machine.run(10), { kind: 'limit' });
  });

  it('between runs ends the next one at once', () => {
    const { machine } = start('1: j 1b');
    machine.requestStop();
    assert.deepEqual(machine.run(1000), { kind: 'stopped' });
    assert.equal(machine.instructions, 0);
    assert.deepEqual(machine.run(10), { kind: 'limit' });
  });

  it('finds what a stop left undone finished by beforeRun', () => {
    const { machine } = start('1: j 1b');
    let calls = 0;
    machine.beforeRun = () => calls++;
    machine.run(10);
    machine.step();
    assert.equal(calls, 2);
  });
});
