/** The hypervisor over real firmware: Debian's OpenSBI, as M-mode code that the machine executes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readMachineProgram } from '../../src/debugger/program';
import { Hypervisor } from '../../src/hypervisor/hypervisor';
import { assembleSource } from '../../src/isa/assemble';
import { Machine } from '../../src/machine/machine';
import { FW_DYNAMIC, FW_JUMP, requireDebianFile } from '../support/debian-files';
import { disk, readSector1 } from '../support/disk-program';
import { fingerprint } from '../support/fingerprint';
import { hartsOutput } from '../support/harts-fixture';
import { HypervisorConsole } from '../support/hypervisor-console';
import { readProgram } from '../support/slice-console';
import { SessionLab } from '../support/session-lab';
import { RESET } from '../support/vcpu-programs';
import { assertTranscript, driveTeachingKernel, teachingKernel } from '../support/teaching-kernel';

const M_MODE = 3;

describe('the hypervisor over OpenSBI', () => {
  for (const { name, file, ...options } of [
    { name: 'fw_jump', file: FW_JUMP },
    { name: 'fw_dynamic', file: FW_DYNAMIC, synchronization: 'write-protect' },
    {
      name: 'fw_jump, which keeps the timer where the machine has no stimecmp',
      file: FW_JUMP,
      extensions: { Sstc: false },
    },
  ] as const) {
    it(`runs the sample kernel as over the built-in firmware: ${name}`, async function () {
      const guest = new HypervisorConsole({
        kernel: teachingKernel,
        firmware: requireDebianFile(file, this),
        ...options,
      });
      const transcript = await driveTeachingKernel(guest);
      assert.equal(await guest.run(), 0);
      assertTranscript(transcript);
      assert.equal(guest.machine.firmware, undefined);
      assert.ok(guest.guest.exitCounts.timer > 0);
    });
  }

  it('steps over what firmware does for the hypervisor', async function () {
    const bytes = readFileSync(requireDebianFile(FW_JUMP, this));
    // Illegal instructions are not delegated: OpenSBI hands them on.
    const lab = new SessionLab('li t0, 1\n csrw sscratch, t0\n csrr t1, sscratch\n li a7, 8\n ecall', {
      firmware: { path: FW_JUMP, bytes },
      stopOnEntry: true,
    });
    const { target } = await lab.stop(() => lab.start());
    const pcs: bigint[] = [];
    for (let i = 0; i < 3; i++) {
      await lab.stop(() => lab.session.step(target, 'over', 'instruction'));
      pcs.push(target.pc);
    }
    assert.deepEqual(pcs, [0x8020_0004n, 0x8020_0008n, 0x8020_000cn]);
  });

  for (const { name, file, harts, counts, Sstc } of [
    { name: 'one guest on four harts', file: FW_JUMP, harts: 4, counts: [4], Sstc: false },
    { name: 'three guests on more harts than vCPUs', file: FW_DYNAMIC, harts: 8, counts: [2, 1, 4], Sstc: true },
    { name: 'three guests that share two harts', file: FW_DYNAMIC, harts: 2, counts: [4, 1, 3], Sstc: false },
    { name: 'two guests that share one', file: FW_JUMP, harts: 1, counts: [4, 2], Sstc: true },
  ]) {
    it(`starts the harts that it needs, and guests do the same there: ${name}`, function () {
      const firmware = readMachineProgram(readFileSync(requireDebianFile(file, this))).boot;
      const program = readProgram(join(__dirname, '..', 'fixtures', 'harts.elf'));
      const guests = counts.map((vcpus, index) => ({ name: `guest${index}`, program, vcpus }));
      const run = () => {
        const machine = new Machine({ memoryBytes: 640 << 20, harts, extensions: { Sstc } });
        const hypervisor = new Hypervisor(machine, { guests, firmware, timeSlice: 20_000 });
        const output = guests.map(() => '');
        hypervisor.guests.forEach(({ console }, index) => {
          console.onOutput = (data) => (output[index] += Buffer.from(data).toString('latin1'));
        });
        let result = machine.run(1_000_000);
        for (let slices = 0; result.kind !== 'power-off' && slices < 200; slices++) result = machine.run(1_000_000);
        return { result, output, instructions: machine.instructions };
      };
      const once = run();
      assert.deepEqual(once.result, { kind: 'power-off', reason: 'shutdown', code: 0 });
      assert.deepEqual(
        once.output,
        counts.map((vcpus) => hartsOutput(vcpus)),
      );
      assert.deepEqual(run(), once);
    });
  }

  it('has interrupts of devices passed through come to their guest, beside another one', function () {
    const firmware = readMachineProgram(readFileSync(requireDebianFile(FW_JUMP, this))).boot;
    const source = `${readSector1(7)}\nli t0, 0x5a5a5a5a5a5a5a5a\nsub a1, s4, t0\nli a0, 0\n${RESET}`;
    const { bytes } = assembleSource(source, 0x8020_0000n);
    const segments = [{ address: 0x8020_0000, data: bytes, memorySize: bytes.length }];
    const reader = { name: 'reader', program: { entry: 0x8020_0000n, segments }, vcpus: 2, passthrough: [1] };
    const other = { name: 'other', program: readProgram(join(__dirname, '..', 'fixtures', 'harts.elf')), vcpus: 2 };
    for (const harts of [1, 4]) {
      const machine = new Machine({ memoryBytes: 512 << 20, harts, devices: { virtio: [undefined, disk()] } });
      const { guests } = new Hypervisor(machine, { guests: [other, reader], firmware });
      let result = machine.run(1_000_000);
      for (let slices = 0; result.kind !== 'power-off' && slices < 100; slices++) result = machine.run(1_000_000);
      assert.deepEqual(
        guests.map(({ ended }) => ended?.reason),
        ['shutdown', 'shutdown'],
      );
    }
  });

  it('goes on exactly from snapshots, also from one in the middle of what firmware does for it', function () {
    const firmware = readMachineProgram(readFileSync(requireDebianFile(FW_JUMP, this))).boot;
    const program = readProgram(join(__dirname, '..', 'fixtures', 'harts.elf'));
    const guests = [3, 2].map((vcpus, index) => ({ name: `guest${index}`, program, vcpus }));
    const make = () => {
      const machine = new Machine({ memoryBytes: 512 << 20, harts: 2, extensions: { Sstc: false } });
      const hypervisor = new Hypervisor(machine, { guests, firmware, timeSlice: 5000 });
      const go = (instructions: number) => {
        let output = '';
        for (const { console } of hypervisor.guests) {
          console.onOutput = (data) => (output += Buffer.from(data).toString('latin1'));
        }
        const end = machine.instructions + instructions;
        while (machine.instructions < end && machine.run(end - machine.instructions).kind !== 'power-off');
        return fingerprint(machine, output);
      };
      return { machine, go };
    };
    const made = make();
    const modes = new Set<number>();
    for (let round = 0; round < 12; round++) {
      made.go(20_011);
      for (const { privilege } of made.machine.harts) modes.add(privilege);
      const snapshot = made.machine.takeSnapshot();
      const went = made.go(60_000);
      const fresh = make();
      fresh.machine.restoreSnapshot(snapshot);
      assert.deepEqual(fresh.go(60_000), went);
      made.machine.restoreSnapshot(snapshot);
    }
    assert.deepEqual([...modes].sort(), [0, M_MODE]);
  });

  it('says so when firmware starts nothing at its place', function () {
    requireDebianFile(FW_JUMP, this);
    const machine = new Machine({ memoryBytes: 256 << 20 });
    const nop = new DataView(new ArrayBuffer(4));
    nop.setUint32(0, 0x0000006f, true);
    const firmware = {
      entry: 0x8000_0000n,
      segments: [{ address: 0x8000_0000, data: new Uint8Array(nop.buffer), memorySize: 4 }],
    };
    const guests = [{ name: 'guest', program: readProgram(teachingKernel) }];
    assert.throws(() => new Hypervisor(machine, { guests, firmware }), /does not start the hypervisor at 0x80200000/);
    assert.equal(machine.harts[0].privilege, M_MODE);
  });
});
