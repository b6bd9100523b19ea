/** The hypervisor over real firmware: Debian's OpenSBI, as M-mode code that the machine executes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Hypervisor } from '../../src/hypervisor/hypervisor';
import { Machine } from '../../src/machine/machine';
import { FW_DYNAMIC, FW_JUMP, requireDebianFile } from '../support/debian-files';
import { HypervisorConsole } from '../support/hypervisor-console';
import { readProgram } from '../support/slice-console';
import { SessionLab } from '../support/session-lab';
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
