/** The teaching kernel as a guest: it prints what it prints in QEMU. */
import assert from 'node:assert/strict';
import { HypervisorConsole } from '../support/hypervisor-console';
import { assertTranscript, driveTeachingKernel, teachingKernel } from '../support/teaching-kernel';

describe('teaching kernel under the hypervisor', () => {
  it('prints the golden transcript for all commands, and powers off with exit code 0', async () => {
    const guest = new HypervisorConsole({ kernel: teachingKernel });
    const transcript = await driveTeachingKernel(guest);
    assert.equal(await guest.run(), 0);
    assertTranscript(transcript);
    assert.deepEqual(guest.guest.ended, { reason: 'shutdown', code: 0 });
  });
});
