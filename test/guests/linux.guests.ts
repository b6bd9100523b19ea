/** Debian's Linux, unmodified, on the machine without the hypervisor: at work, and compared with QEMU. */
import assert from 'node:assert/strict';
import type { LinuxGuest, LinuxRun } from '../support/linux-guest';
import { kernelMessages, makeLinuxGuest, readScript, runOurs, runQemu, scriptOutput } from '../support/linux-guest';

describe('Debian Linux, bare', () => {
  let guest: LinuxGuest;
  let qemu: LinuxRun;
  let ours: LinuxRun;

  before('runs in both machines', async function () {
    guest = makeLinuxGuest(this, readScript('at-work.sh') + readScript('at-disk.sh'));
    qemu = await runQemu(this, guest);
    ours = await runOurs(guest);
  });
  after(() => guest?.remove());

  it('runs its script to the end and powers off, with status 0', () => {
    assert.match(ours.output, /== done\r?\n/);
    assert.equal(ours.status, 0);
  });

  it('prints what it prints in QEMU', () => {
    assert.equal(scriptOutput(ours), scriptOutput(qemu));
  });

  it('does the same with four harts', async () => {
    const four = await runOurs(guest, ['--harts', '4']);
    assert.match(four.output, /smp: Brought up 1 node, 4 CPUs/);
    assert.equal(scriptOutput(four), scriptOutput(qemu));
    assert.equal(four.status, 0);
  });

  it('says of the machine what it says in QEMU', () => {
    assert.deepEqual(kernelMessages(ours), kernelMessages(qemu));
  });
});
