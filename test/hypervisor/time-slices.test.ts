/** More vCPUs than harts: they take turns, and guests notice nothing but time. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { ExitRecord } from '../../src/hypervisor/exit-record';
import { Hypervisor } from '../../src/hypervisor/hypervisor';
import type { HypervisorOptions } from '../../src/hypervisor/hypervisor-options';
import type { GuestOptions } from '../../src/hypervisor/guest';
import { checkHypervisor } from '../../src/hypervisor/isolation';
import { placeVcpus } from '../../src/hypervisor/placement';
import { assembleSource } from '../../src/isa/assemble';
import { Machine } from '../../src/machine/machine';
import { disk, readSector1 } from '../support/disk-program';
import { fingerprint } from '../support/fingerprint';
import { hartsOutput } from '../support/harts-fixture';
import { remoteFenceProgram } from '../support/multi-hart-programs';
import { Random } from '../support/random';
import { readProgram } from '../support/slice-console';
import { floatProgram, RESET, sleepProgram } from '../support/vcpu-programs';

const MIB = 1 << 20;
const ENTRY = 0x80200000n;
const fixture = (name: string) => readProgram(join(__dirname, '..', 'fixtures', `${name}.elf`));

function make(
  guests: readonly GuestOptions[],
  harts: number,
  options: Partial<HypervisorOptions> = {},
  extensions = {},
) {
  const machine = new Machine({ memoryBytes: 768 * MIB, harts, extensions });
  const hypervisor = new Hypervisor(machine, { guests, ...options });
  const output: Record<string, string> = {};
  for (const { name, console } of hypervisor.guests) {
    output[name] = '';
    console.onOutput = (bytes) => (output[name] += Buffer.from(bytes).toString('latin1'));
  }
  /** Runs until all guests have ended or wait, or there are so many instructions. */
  const run = (most = 50_000_000, slice = () => 1_000_000) => {
    let result;
    do result = machine.run(Math.min(slice(), most - machine.instructions));
    while (result.kind !== 'power-off' && result.kind !== 'idle' && machine.instructions < most);
    return result;
  };
  const switches = () => hypervisor.guests.reduce((sum, { exitCounts }) => sum + exitCounts.vcpuSwitch, 0);
  return { machine, hypervisor, output, run, switches };
}

function assembled(source: string) {
  const { bytes, symbols } = assembleSource(source, ENTRY);
  const segments = [{ address: Number(ENTRY), data: bytes, memorySize: bytes.length }];
  return { program: { entry: ENTRY, segments }, symbols };
}

const SHUTDOWN = { kind: 'power-off', reason: 'shutdown', code: 0 };
const named = (counts: readonly number[], program = fixture('harts')): GuestOptions[] =>
  counts.map((vcpus, index) => ({ name: `guest${index}`, program, vcpus }));

describe('vCPUs on fewer harts', () => {
  for (const [harts, timeSlice] of [
    [1, 10_000],
    [2, 1000],
    [3, 100_000],
    [4, 10_000],
  ] as const) {
    for (const counts of [[4], [4, 4, 4], [1, 2, 3]]) {
      it(`do the same as on a hart each: guests with ${counts.join(', ')} on ${harts}`, () => {
        const { output, run } = make(named(counts), harts, { timeSlice });
        assert.deepEqual(run(), SHUTDOWN);
        const expected = counts.map((vcpus, index) => [`guest${index}`, hartsOutput(vcpus)]);
        assert.deepEqual(output, Object.fromEntries(expected));
      });
    }
  }

  it('are placed apart where they are of one guest, and as few as possible on a hart', () => {
    const place = (counts: number[], harts: number) => placeVcpus(named(counts), harts);
    assert.deepEqual(place([2, 1, 3], 6), [[0, 3], [1], [2, 4, 5]]);
    assert.deepEqual(place([4, 4, 4], 4), [
      [0, 3, 1, 2],
      [1, 0, 3, 2],
      [2, 0, 1, 3],
    ]);
    assert.deepEqual(place([1, 1, 1], 2), [[0], [1], [0]]);
  });

  it('are run alike by any two runs, and in machine slices of any length', () => {
    const random = new Random(7);
    const guests = [...named([3, 2]), { name: 'bad', program: fixture('overwrite-page-table') }];
    const one = make(guests, 2, { timeSlice: 5000 });
    one.run(700_000, () => 700_000);
    const other = make(guests, 2, { timeSlice: 5000 });
    while (other.machine.instructions < 700_000) {
      other.run(Math.min(700_000, other.machine.instructions + 1 + random.below(20_000)));
      assert.deepEqual(checkHypervisor(other.hypervisor), []);
    }
    assert.ok(one.switches() > 50, `${one.switches()}`);
    assert.deepEqual(fingerprint(other.machine, ''), fingerprint(one.machine, ''));
    assert.deepEqual(other.output, one.output);
  });

  for (const bad of ['loop-interrupts-off', 'jump-to-nowhere', 'overwrite-page-table']) {
    it(`are not starved by one that never waits: ${bad}`, () => {
      const guests = [{ name: 'bad', program: fixture(bad) }, ...named([2, 1])];
      const { machine, hypervisor, output } = make(guests, 1);
      const isDone = () => hypervisor.guests.every(({ name, ended }) => name === 'bad' || ended);
      while (!isDone() && machine.instructions < 6_000_000) machine.run(20_000);
      assert.deepEqual([output.guest0, output.guest1], [hartsOutput(2), hartsOutput(1)]);
    });
  }

  it('get their slices whole, and no more while another one waits for the hart', () => {
    const { program } = assembled('loop: addi s0, s0, 1\n j loop');
    for (const harts of [1, 2]) {
      const guests = Array.from({ length: 2 * harts }, (_, i) => ({ name: `${i}`, program, memoryBytes: 4 * MIB }));
      const { hypervisor, run } = make(guests, harts, { timeSlice: 20_000 });
      run(3_000_000);
      const counts = hypervisor.guests.map(({ vcpus: [vcpu] }) => Number(vcpu.x(8)));
      for (const count of counts)
        assert.ok(count * 4 * harts > 2_900_000 && count * 4 * harts < 3_100_000, `${harts}: ${counts.join(', ')}`);
    }
  });

  for (const harts of [1, 2]) {
    it(`keep their floating-point registers, fcsr and sstatus.FS, on ${harts}`, () => {
      const guests = named([4, 2], assembled(floatProgram(4, 2000)).program);
      guests[1] = { ...guests[1]!, program: assembled(floatProgram(2, 2000)).program };
      const { run, switches } = make(guests, harts, { timeSlice: 1000 });
      assert.deepEqual(run(), SHUTDOWN);
      assert.ok(switches() > 500, `${switches()}`);
    });
  }

  for (const Sstc of [false, true]) {
    it(`have timers of their own, each in time, ${Sstc ? 'by stimecmp' : 'by the SBI below'}`, () => {
      const { program, symbols } = assembled(sleepProgram(4, 50));
      const { hypervisor, run, switches } = make(named([4], program), 1, {}, { Sstc });
      assert.deepEqual(run(), SHUTDOWN);
      assert.ok(switches() > 100);
      const [{ memory }] = hypervisor.guests;
      for (let vcpu = 0; vcpu < 4; vcpu++) {
        const late = Number(memory.readEntry(Number(symbols.get('late')) + 8 * vcpu));
        // The first one counts in a loop at the end, for slices of 10,000 ticks.
        assert.ok(late < 11_000, `vCPU ${vcpu}: ${late} ticks`);
      }
    });
  }

  it('see what another one changed in their page table after a remote fence', () => {
    const { program, symbols } = assembled(remoteFenceProgram);
    for (const synchronization of ['sfence', 'write-protect'] as const) {
      const { hypervisor, run } = make([{ name: 'fences', program, vcpus: 2 }], 1, {
        synchronization,
        timeSlice: 1000,
      });
      assert.deepEqual(run(), SHUTDOWN);
      const seen = [0, 8, 16].map((at) => hypervisor.guests[0]!.memory.readEntry(Number(symbols.get('seen')) + at));
      assert.deepEqual([seen[0], seen[2]], [11n, 22n]);
    }
  });

  it('drive a device passed through, whose interrupts come while others have the hart', () => {
    const { program } = assembled(`${readSector1(7)}\nli t0, 0x5a5a5a5a5a5a5a5a\nsub a1, s4, t0\nli a0, 0\n${RESET}`);
    const reader = { name: 'reader', program, vcpus: 2, passthrough: [1] };
    const spinner = { name: 'spinner', program: fixture('loop-interrupts-off'), vcpus: 2 };
    for (const guests of [
      [reader, spinner],
      [spinner, reader],
    ]) {
      for (const harts of [1, 2]) {
        const devices = { virtio: [undefined, disk()] };
        const machine = new Machine({ memoryBytes: 512 * MIB, harts, devices });
        const { guests: made } = new Hypervisor(machine, { guests });
        const guest = made.find(({ name }) => name === 'reader')!;
        while (!guest.ended && machine.instructions < 2_000_000) machine.run(10_000);
        assert.deepEqual(guest.ended, { reason: 'shutdown', code: 0 });
      }
    }
  });

  it('show each switch as a VM exit, with who had the hart, who gets it, and why', () => {
    const { machine, hypervisor } = make(named([2, 1]), 1, { timeSlice: 10_000 });
    const records: Extract<ExitRecord, { kind: 'vcpuSwitch' }>[] = [];
    hypervisor.watchedKinds = new Set(['vcpuSwitch']);
    hypervisor.onExit = (record) => {
      if (record.kind === 'vcpuSwitch') records.push(record);
      return 'stop';
    };
    for (let stops = 0; ; stops++) {
      const result = machine.run(1_000_000);
      if (result.kind === 'power-off') break;
      assert.deepEqual(result, { kind: 'stopped' });
      const { guest, vcpu } = records.at(-1)!;
      const { pendingVcpu } = hypervisor;
      assert.deepEqual([pendingVcpu?.guest.name, pendingVcpu?.index], [guest, vcpu]);
      assert.ok(stops < 1000);
    }
    const [first] = records;
    assert.deepEqual([first?.guest, first?.vcpu, first?.toGuest, first?.reason], ['guest0', 0, 'guest1', 'slice over']);
    const reasons = new Set(records.map(({ reason }) => reason));
    assert.deepEqual([...reasons].sort(), ['guest ended', 'slice over', 'stopped', 'waits']);
  });

  for (const [harts, synchronization] of [
    [1, 'sfence'],
    [2, 'write-protect'],
  ] as const) {
    it(`go on exactly from a snapshot, on ${harts} by ${synchronization}`, () => {
      const guests = [...named([3]), { name: 'nested', program: fixture('nested') }];
      guests.push({ name: 'floats', program: assembled(floatProgram(2, 3000)).program, vcpus: 2 });
      const options = { synchronization, timeSlice: 3000 };
      const go = ({ machine, run, hypervisor, output }: ReturnType<typeof make>, end: number) => {
        for (const name of Object.keys(output)) output[name] = '';
        run(end);
        const exits = hypervisor.guests.map(({ exitCounts }) => ({ ...exitCounts }));
        return { ...fingerprint(machine, JSON.stringify(output)), exits };
      };
      const made = make(guests, harts, options);
      for (const moment of [30_011, 300_007, 1_000_003]) {
        go(made, moment);
        const snapshot = made.machine.takeSnapshot();
        const went = go(made, moment + 200_000);
        const fresh = make(guests, harts, options);
        fresh.machine.restoreSnapshot(snapshot);
        assert.deepEqual(go(fresh, moment + 200_000), went);
        made.machine.restoreSnapshot(snapshot);
        assert.deepEqual(go(made, moment + 200_000), went);
      }
    });
  }

  it('are refused slices in which they would get nowhere', () => {
    const { program } = assembled('wfi');
    for (const timeSlice of [0, 999, 1.5e3 + 0.5, Infinity]) {
      assert.throws(() => make([{ name: 'one', program }], 1, { timeSlice }), /time slice of .* give at least 1000\./);
    }
  });
});
