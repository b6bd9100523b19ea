/** A trap-and-emulate hypervisor as a guest: it and its own guest find what they find on the bare machine. */
import assert from 'node:assert/strict';
import { HypervisorConsole } from '../support/hypervisor-console';
import { MachineConsole } from '../support/machine-console';
import { nestedHypervisor as kernel, nestedOutput, nestedTranscript } from '../support/nested';

describe('a hypervisor in S-mode', () => {
  it('runs its guest on the bare machine', async () => {
    const console = new MachineConsole({ kernel });
    assert.equal(await console.run(), 0);
    assert.equal(nestedOutput(console.output), nestedTranscript);
  });

  for (const synchronization of ['sfence', 'write-protect'] as const) {
    it(`runs its guest as a guest, synchronised by ${synchronization}`, async () => {
      const console = new HypervisorConsole({ kernel, synchronization });
      assert.equal(await console.run(), 0);
      assert.equal(nestedOutput(console.output), nestedTranscript);
      // Both levels of shadow page tables were at work, and both kinds of privileged instructions were emulated twice.
      const { exitCounts } = console.guest;
      for (const kind of ['shadowFill', 'csrWrite', 'sret', 'sfence', 'inject'] as const) {
        assert.ok(exitCounts[kind] > 10, `${kind}: ${exitCounts[kind]}`);
      }
    });
  }

  it('runs its guest as a guest with hardly any pages for shadow tables', async () => {
    const console = new HypervisorConsole({ kernel, shadowPages: 24 });
    assert.equal(await console.run(), 0);
    assert.equal(nestedOutput(console.output), nestedTranscript);
  });
});
