/** The teaching kernel bare on our machine: it prints what it prints in QEMU. */
import assert from 'node:assert/strict';
import { MachineConsole } from '../support/machine-console';
import { assertTranscript, driveTeachingKernel, teachingKernel } from '../support/teaching-kernel';

describe('teaching kernel on the bare machine', () => {
  it('prints the golden transcript for all commands, and powers off with exit code 0', async () => {
    const guest = new MachineConsole({ kernel: teachingKernel });
    const transcript = await driveTeachingKernel(guest);
    assert.equal(await guest.run(), 0);
    assertTranscript(transcript);
  });
});
