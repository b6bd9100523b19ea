/** A guest's time where others have its harts, or somebody holds it: it goes on, or stands still when that was asked for. */
import assert from 'node:assert/strict';
import { Hypervisor } from '../../src/hypervisor/hypervisor';
import { checkHypervisor } from '../../src/hypervisor/isolation';
import { assembleSource } from '../../src/isa/assemble';
import { Machine } from '../../src/machine/machine';
import { INSTRUCTIONS_PER_TICK } from '../../src/machine/time';
import { fingerprint } from '../support/fingerprint';
import { sbi } from '../support/multi-hart';
import { sleepProgram } from '../support/vcpu-programs';

const MIB = 1 << 20;
const ENTRY = 0x80200000n;
const TIME = 0x54494d45;
const RTC = 0x101000;
const SLICE = 20_000;

/** What so many instructions are in ticks. */
const ticks = (instructions: number) => Math.floor(instructions / INSTRUCTIONS_PER_TICK);

/** s2: the longest time between two looks at the clock; s3: the clock; s4: looks; s5: by the real-time clock, in nanoseconds. */
const WATCH = `
  li s2, 0
  li s4, 0
  li s6, ${RTC}
  csrr s3, time
look: addi s4, s4, 1
  csrr t0, time
  bltu t0, s3, 2f
  sub t1, t0, s3
  mv s3, t0
  bleu t1, s2, look
  mv s2, t1
  lw s5, 0(s6)
  j look
2: li s2, -1
  j 2b
`;

/** Sleeps again and again; s2: by how much it woke too late at most. */
const SLEEP = `
  li t0, 1 << 5
  csrw sie, t0
  li s2, 0
  li s4, 0
sleep: csrr s3, time
  li t0, ${ticks(30_000) + 1}
  add s3, s3, t0
  mv a0, s3
  ${sbi(TIME, 0)}
1: wfi
  csrr t0, sip
  beqz t0, 1b
  csrr t0, time
  bltu t0, s3, 2f
  addi s4, s4, 1
  sub t0, t0, s3
  bleu t0, s2, sleep
  mv s2, t0
  j sleep
2: li s2, -1
  j 2b
`;

const SPIN = 'spin: j spin';

const [S2, S3, S4] = [18, 19, 20];

function make(sources: readonly string[], stopsGuestTime: boolean, { harts = 1, vcpus = 1, Sstc = false } = {}) {
  const machine = new Machine({ memoryBytes: 640 * MIB, harts, extensions: { Sstc } });
  const guests = sources.map((source, index) => {
    const { bytes } = assembleSource(source, ENTRY);
    const segments = [{ address: Number(ENTRY), data: bytes, memorySize: bytes.length }];
    return { name: `${index}`, program: { entry: ENTRY, segments }, memoryBytes: 4 * MIB, vcpus };
  });
  const hypervisor = new Hypervisor(machine, { guests, stopsGuestTime, timeSlice: SLICE });
  const run = (instructions: number) => {
    const end = machine.instructions + instructions;
    while (machine.instructions < end) {
      const { kind } = machine.run(end - machine.instructions);
      if (kind === 'idle' || kind === 'power-off') return kind;
    }
    return 'limit';
  };
  const registers = hypervisor.guests.map(
    ({ vcpus: [vcpu] }) =>
      (index: number) =>
        Number(vcpu!.x(index)),
  );
  return { machine, hypervisor, run, registers };
}

describe("a guest's time, when others have its hart", () => {
  it('goes on, unless it is to stop: then the guest sees no gap', () => {
    for (const stops of [false, true]) {
      const { run, registers } = make([WATCH, WATCH, SPIN], stops);
      run(1_200_000);
      for (const register of registers.slice(0, 2)) {
        const gap = register(S2);
        assert.ok(register(S4) > 10_000);
        if (stops) assert.ok(gap < ticks(500), `${gap} ticks`);
        else assert.ok(gap > ticks(2 * SLICE) && gap < ticks(2.2 * SLICE), `${gap} ticks`);
        // Of all the time, a third is its own.
        const time = register(S3);
        if (stops) assert.ok(time > ticks(370_000) && time < ticks(430_000), `${time}`);
        else assert.ok(time > ticks(1_100_000), `${time}`);
      }
    }
  });

  for (const Sstc of [false, true]) {
    it(`passes while it sleeps, and it wakes in time, ${Sstc ? 'by stimecmp' : 'by its SBI'}`, () => {
      for (const stops of [false, true]) {
        const { run, registers } = make([SLEEP, SPIN], stops, { Sstc });
        run(1_000_000);
        const late = registers[0]!(S2);
        assert.ok(registers[0]!(S4) > 20);
        assert.ok(stops ? late < ticks(500) : late > ticks(1000) && late < ticks(21_000), `${late} ticks`);
      }
    });
  }

  it('is one for all of its vCPUs, on whatever harts they are', () => {
    const { run, hypervisor } = make([sleepProgram(3, 30), sleepProgram(2, 30)], true, { harts: 2, vcpus: 3 });
    assert.equal(run(50_000_000), 'power-off');
    assert.deepEqual(
      hypervisor.guests.map(({ ended }) => ended),
      [0, 0].map((code) => ({ reason: 'shutdown', code })),
    );
  });

  it('is what programs read, too, where scounteren lets them', () => {
    const source = `
      la t0, handler
      csrw stvec, t0
      csrwi scounteren, 2
      li s3, 100
    1: addi s3, s3, -1
      bnez s3, 1b
    user: la t0, program
      csrw sepc, t0
      li t0, 1 << 8
      csrc sstatus, t0
      sret
    program: csrr s2, time
      ecall
    .align 2
    handler: csrr t0, scause
      bnez s3, refused
      mv s3, t0
      csrr s4, time
      csrwi scounteren, 5
      j user
    refused: mv s5, t0
      wfi`;
    for (const stops of [false, true]) {
      const { run, registers } = make([source, SPIN], stops);
      run(SLICE * 5);
      const [read, first, after, second] = [S2, S3, S4, S4 + 1].map(registers[0]!) as [number, number, number, number];
      assert.deepEqual([first, second], [8, 2], 'an environment call, and an illegal instruction');
      assert.ok(read > 0 && after >= read && after < read + 10, `${read}, ${after}`);
    }
  });

  it('is part of a snapshot', () => {
    for (const sources of [
      [WATCH, SLEEP, SPIN],
      [SLEEP, SLEEP],
    ]) {
      const made = make(sources, true);
      made.run(177_777);
      made.hypervisor.hold(made.hypervisor.guests[0]!, true);
      made.run(30_003);
      const snapshot = made.machine.takeSnapshot();
      const go = ({ machine, hypervisor, run }: typeof made) => {
        run(40_000);
        hypervisor.hold(hypervisor.guests[0]!, false);
        run(60_000);
        return fingerprint(machine, '');
      };
      const went = go(made);
      const fresh = make(sources, true);
      fresh.machine.restoreSnapshot(snapshot);
      assert.deepEqual(go(fresh), went);
      made.machine.restoreSnapshot(snapshot);
      assert.deepEqual(go(made), went);
    }
  });
});

describe('a guest that is held', () => {
  for (const harts of [1, 2]) {
    it(`executes nothing while the other one goes on, on ${harts}`, () => {
      for (const stops of [false, true]) {
        const { hypervisor, run, registers } = make([WATCH, WATCH], stops, { harts });
        run(200_000);
        hypervisor.hold(hypervisor.guests[0]!, true);
        // It is out of the hart when that looks next.
        run(20_000);
        const held = Array.from({ length: 32 }, (_, i) => registers[0]!(i));
        const other = registers[1]!(S4);
        run(500_000);
        assert.deepEqual(checkHypervisor(hypervisor), []);
        assert.deepEqual(
          Array.from({ length: 32 }, (_, i) => registers[0]!(i)),
          held,
        );
        assert.ok(registers[1]!(S4) - other > 50_000);
        hypervisor.hold(hypervisor.guests[0]!, false);
        run(200_000);
        assert.ok(registers[0]!(S4) > held[S4]!);
        const gap = registers[0]!(S2);
        // Two harts take turns of 20,000 instructions.
        if (stops) assert.ok(gap < ticks(21_000), `${gap} ticks`);
        else assert.ok(gap > ticks(400_000), `${gap} ticks`);
      }
    });
  }

  it('misses no timer, and its alarm is not rung meanwhile, where its time stops', () => {
    for (const stops of [false, true]) {
      const { hypervisor, run, registers } = make([SLEEP, SPIN], stops, { harts: 2 });
      run(500_000);
      hypervisor.hold(hypervisor.guests[0]!, true);
      run(1_000_000);
      const slept = registers[0]!(S4);
      hypervisor.hold(hypervisor.guests[0]!, false);
      run(500_000);
      assert.ok(registers[0]!(S4) > slept + 5);
      const late = registers[0]!(S2);
      assert.ok(stops ? late < ticks(21_000) : late > ticks(900_000), `${late} ticks`);
    }
  });

  it('has a real-time clock that goes on or stands still as its time does, and so does what it is to do', () => {
    const [ALARM_LOW, ALARM_HIGH, ALARM_STATUS] = [0x08, 0x0c, 0x18].map((offset) => RTC + offset) as [
      number,
      number,
      number,
    ];
    for (const stops of [false, true]) {
      const { hypervisor, run } = make([SPIN, SPIN], stops, { harts: 2 });
      const [guest] = hypervisor.guests;
      const { bus, extra } = guest!.devices;
      run(100_000);
      hypervisor.hold(guest!, true);
      const { time } = extra.rtc;
      const alarm = time + BigInt(ticks(100_000)) * 100n;
      bus.write(ALARM_HIGH, 4, alarm >> 32n);
      bus.write(ALARM_LOW, 4, alarm & 0xffff_ffffn);
      assert.equal(bus.read(ALARM_STATUS, 4), 1n);
      run(200_000);
      const passed = Number(extra.rtc.time - time);
      assert.ok(stops ? passed === 0 : Math.abs(passed - ticks(200_000) * 100) <= 100, `${passed} ns`);
      assert.equal(bus.read(ALARM_STATUS, 4), stops ? 1n : 0n);
      hypervisor.hold(guest!, false);
      run(90_000);
      assert.equal(bus.read(ALARM_STATUS, 4), stops ? 1n : 0n);
      run(11_000);
      assert.equal(bus.read(ALARM_STATUS, 4), 0n);
    }
  });

  it('holds nobody up when all are held: the machine is idle', () => {
    const { hypervisor, run } = make([WATCH, SPIN], true);
    run(100_000);
    for (const guest of hypervisor.guests) hypervisor.hold(guest, true);
    assert.equal(run(100_000), 'idle');
    hypervisor.hold(hypervisor.guests[1]!, false);
    assert.equal(run(100_000), 'limit');
  });
});
