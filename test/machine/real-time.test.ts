/** A machine whose time follows the host's clock: a function of what that clock says, and quiet while the guest waits. */
import assert from 'node:assert/strict';
import { nodeScheduler } from '../../src/adapter/node-scheduler';
import { RunClock } from '../../src/debugger/run-clock';
import { RunLoop } from '../../src/debugger/run-loop';
import type { Pacing, Scheduler } from '../../src/debugger/run-loop';
import { BareSystem } from '../../src/debugger/systems/bare-system';
import { assembleSource } from '../../src/isa/assemble';
import { Machine } from '../../src/machine/machine';
import { FLAT_BASE } from '../support/flat-program';
import { Random } from '../support/random';

const MIB = 1 << 20;

/** Counts timer interrupts 1 ms apart, and folds the times that it reads into a1; between them it waits, or is busy. */
const ticking = (between: string): string => `
  la t0, handler
  csrw mtvec, t0
  li s0, 0x200bff8
  li s1, 0x2004000
  li s2, 10000
  ld t0, 0(s0)
  add s3, t0, s2
  sd s3, 0(s1)
  li t0, 0x80
  csrw mie, t0
  csrsi mstatus, 8
1: ${between}
  j 1b
.balign 4
handler:
  csrr t1, time
  slli a1, a1, 1
  xor a1, a1, t1
  add s3, s3, s2
  sd s3, 0(s1)
  addi a0, a0, 1
  li t0, 50
  bltu a0, t0, 2f
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
2: mret
`;

function machineWith(source: string, hostTicks: () => number): Machine {
  const { bytes } = assembleSource(source, FLAT_BASE);
  const machine = new Machine({ memoryBytes: MIB, hostTicks });
  const segments = [{ address: Number(FLAT_BASE), data: bytes, memorySize: bytes.length }];
  machine.boot({ program: { entry: FLAT_BASE, segments }, mode: 'machine' });
  return machine;
}

/** Runs to the end, waiting as a run loop would. */
function outcome(machine: Machine, slice: () => number, sleep: (ticks: number) => void) {
  for (;;) {
    const result = machine.run(slice());
    if (result.kind === 'asleep') sleep(result.ticks);
    if (result.kind !== 'power-off') continue;
    const { state } = machine.harts[0];
    return { instructions: machine.instructions, times: state.x(11), time: machine.time };
  }
}

describe('a machine in real time', () => {
  for (const [name, between] of [
    ['waits', 'wfi'],
    ['is busy', 'addi s4, s4, 1'],
  ] as const) {
    it(`is a function of what the host's clock said, where the program ${name}`, () => {
      const random = new Random(7);
      let host = 0;
      const said: number[] = [];
      const hostTicks = () => {
        host += random.below(5000);
        said.push(host);
        return host;
      };
      const first = outcome(
        machineWith(ticking(between), hostTicks),
        () => 100_000,
        (ticks) => (host += ticks),
      );
      assert.ok(first.time >= 500_000n, `${first.time}`);
      let again = 0;
      const replayed = outcome(
        machineWith(ticking(between), () => said[again++]!),
        () => 100_000,
        () => undefined,
      );
      assert.deepEqual(replayed, first);
      assert.equal(again, said.length);
      again = 0;
      const sliced = outcome(
        machineWith(ticking(between), () => said[again++]!),
        () => 1 + random.below(3000),
        () => undefined,
      );
      assert.deepEqual(sliced, first, 'whatever the slices');
    });
  }

  it('shows the time at which input woke it', () => {
    let host = 0;
    const machine = machineWith('li t0, 0x800\ncsrw mie, t0\nwfi\ncsrr a0, time\n1: j 1b', () => host);
    assert.equal(machine.run(100).kind, 'idle');
    host = 5_000_000;
    machine.harts[0].setInterruptPending(11, true);
    machine.run(10);
    const time = machine.harts[0].state.x(10);
    assert.ok(time >= 5_000_000n && time < 5_000_010n, `${time}`);
  });
});

describe('the processor time of an idle guest', () => {
  /** A program that does some work 250 times a second, as an operating system's clock does, and waits. */
  const clockTicks = `
    la t0, handler
    csrw mtvec, t0
    li s0, 0x200bff8
    li s1, 0x2004000
    li s2, 40000
    ld s3, 0(s0)
    sd s3, 0(s1)
    li t0, 0x80
    csrw mie, t0
    csrsi mstatus, 8
  1: wfi
    j 1b
  .balign 4
  handler:
    add s3, s3, s2
    sd s3, 0(s1)
    li t0, 1000
  2: addi t0, t0, -1
    bnez t0, 2b
    mret`;

  /** @returns how often in a second the loop runs, and how fast the guest's time passes */
  async function idle(clock: RunClock | undefined, pacing: Pacing, start: number) {
    const { bytes } = assembleSource(clockTicks, FLAT_BASE);
    const program = {
      entry: FLAT_BASE,
      segments: [{ address: Number(FLAT_BASE), data: bytes, memorySize: bytes.length }],
    };
    const options = { memoryBytes: MIB, ...(clock && { hostTicks: () => clock.ticks }) };
    const system = new BareSystem(options, 'clock', { program, mode: 'machine' });
    const observer = { breakpoint: () => false, breakpoints: () => [], breakpointVersion: 0, check: () => false };
    let turns = 0;
    const count = (callback: () => void) => () => {
      turns++;
      callback();
    };
    const scheduler: Scheduler = {
      now: () => nodeScheduler.now(),
      soon: (callback) => nodeScheduler.soon(count(callback)),
      later: (callback, milliseconds) => nodeScheduler.later(count(callback), milliseconds),
    };
    const loop = new RunLoop(system, scheduler, observer, pacing, clock);
    const end = loop.run();
    await new Promise((resolve) => setTimeout(resolve, start));
    const before = { cpu: process.cpuUsage(), now: performance.now(), time: system.time, turns };
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const { user, system: kernel } = process.cpuUsage(before.cpu);
    const milliseconds = performance.now() - before.now;
    const passed = Number(system.time - before.time) / 10_000;
    loop.pause();
    await end;
    if (process.env['PRINT_SHARE'])
      console.log(
        `      ${turns - before.turns} turns, ${(((user + kernel) / milliseconds) * 0.1).toFixed(1)} % of a core`,
      );
    return { turns: ((turns - before.turns) * 1000) / milliseconds, speed: passed / milliseconds };
  }

  // What a turn costs is up to the host: docs/promises.md has what was measured. A loop that does not sleep makes thousands.
  it('is little in real time, in which time is the same inside and outside', async () => {
    const { turns, speed } = await idle(new RunClock(() => performance.now()), 'skip', 300);
    assert.ok(turns < 600, `${turns} turns in a second`);
    assert.ok(speed > 0.8 && speed < 1.2, `${speed}`);
  });

  it('is little in virtual time, paced or, after a second, skipped', async () => {
    const paced = await idle(undefined, 'real-time', 300);
    assert.ok(paced.turns < 600, `${paced.turns} turns in a second`);
    const { turns, speed } = await idle(undefined, 'skip', 1500);
    assert.ok(turns < 30, `${turns} turns in a second`);
    // How far it gets in its share of a processor is up to the host: some are ten times slower after a sleep.
    assert.ok(speed > 0, `${speed}`);
  });
});
