/** Snapshots of a machine with the hypervisor: guests go on as they did, and so does everything that it keeps of them. */
import assert from 'node:assert/strict';
import type { Synchronization } from '../../src/hypervisor/shadow/shadow-page-tables';
import { fingerprint } from '../support/fingerprint';
import { HypervisorConsole } from '../support/hypervisor-console';
import { slotsOf, valueOf } from '../support/object-graph';
import { teachingKernel } from '../support/teaching-kernel';

function start(synchronization: Synchronization): HypervisorConsole {
  // So few pages that shadow tables are given up and made anew.
  return new HypervisorConsole({
    kernel: teachingKernel,
    synchronization,
    findsStaleTranslations: true,
    shadowPages: 40,
  });
}

/** Runs so many instructions more, unless the guest waits. @returns what can be seen then */
function run({ machine, guest, hypervisor }: HypervisorConsole, instructions: number) {
  let output = '';
  guest.console.onOutput = (bytes) => (output += Buffer.from(bytes).toString('latin1'));
  const end = machine.instructions + instructions;
  while (machine.instructions < end) {
    const { kind } = machine.run(end - machine.instructions);
    if (kind === 'idle' || kind === 'power-off') break;
  }
  const exits = hypervisor.guests.map(({ exitCounts }) => ({ ...exitCounts }));
  return { ...fingerprint(machine, output), exits };
}

/** What the hypervisor keeps outside memory; what it only remembers to be quicker is left out. */
function kept({ hypervisor }: HypervisorConsole) {
  const skipped = new Set(['machine', 'hart', 'memory', 'dram', 'context', 'sbi', 'options', 'decode', 'hostTables']);
  const remembered = new Set([
    'savedStatus',
    'savedSstatus',
    'lastContext',
    'wholeEnvironment',
    'extensions',
    'entrySource',
  ]);
  const isSkipped = (_owner: object, key: string): boolean => skipped.has(key) || remembered.has(key);
  return slotsOf(hypervisor, isSkipped)
    .filter((slot) => slot.key !== 'ring' && slot.key !== 'head')
    .map((slot) => [slot.path, structuredClone(valueOf(slot))] as const);
}

for (const synchronization of ['sfence', 'write-protect'] as const) {
  describe(`a snapshot with a guest, synchronised by ${synchronization}`, () => {
    it('goes on exactly as the guest did, in the same machine and another', () => {
      const made = start(synchronization);
      run(made, 123_457);
      for (const [input, length] of [
        ['', 1_000_003],
        ['u\r', 700_001],
        ['w\r', 900_000],
      ] as const) {
        made.send(input);
        const snapshot = made.machine.takeSnapshot();
        const before = kept(made);
        const went = run(made, length);
        const after = kept(made);

        const fresh = start(synchronization);
        fresh.machine.restoreSnapshot(snapshot);
        assert.deepEqual(kept(fresh), before);
        assert.deepEqual(run(fresh, length), went);
        assert.deepEqual(kept(fresh), after);

        made.machine.restoreSnapshot(snapshot);
        assert.deepEqual(kept(made), before);
        assert.deepEqual(run(made, length), went);
      }
    });

    it('is refused while the debugger has stopped at an exit', () => {
      const made = start(synchronization);
      made.hypervisor.onExit = () => 'stop';
      assert.equal(made.machine.run(1_000_000).kind, 'stopped');
      assert.throws(() => made.machine.takeSnapshot(), /in the middle of a VM exit; step once/);
      delete made.hypervisor.onExit;
      made.machine.run(1000);
      made.machine.takeSnapshot();
    });
  });
}
