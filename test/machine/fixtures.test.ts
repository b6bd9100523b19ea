/** The fixtures bare on our machine: they end as in QEMU, and those that never end leave the caller in control. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { MachineConsole } from '../support/machine-console';

const fixture = (name: string): string => join(__dirname, '..', 'fixtures', `${name}.elf`);

const supervisor = [
  { name: 'dwarf4', output: /^120 30\r?\n$/m },
  { name: 'dwarf5', output: /^120 30\r?\n$/m },
  { name: 'stripped', output: /^120 30\r?\n$/m },
];

describe('fixtures on the bare machine', () => {
  for (const { name, output } of supervisor) {
    it(`${name}.elf prints its results and powers off`, async () => {
      const guest = new MachineConsole({ kernel: fixture(name) });
      assert.equal(await guest.run(), 0);
      assert.match(guest.output, output);
    });
  }

  for (const [name, code] of [
    ['machine-mode-pass', 0],
    ['machine-mode-fail', 3],
  ] as const) {
    it(`${name}.elf runs in M-mode and ends with exit code ${code}`, async () => {
      const guest = new MachineConsole({ kernel: fixture(name), mode: 'machine' });
      assert.equal(await guest.run(), code);
      assert.equal(guest.output, 'Hello from machine mode.\n');
      assert.equal(guest.end?.reason, code === 0 ? 'shutdown' : 'failure');
    });
  }

  for (const name of ['jump-to-nowhere', 'loop-interrupts-off', 'overwrite-page-table']) {
    it(`${name}.elf returns to the caller after the instructions asked for`, () => {
      const { machine } = new MachineConsole({ kernel: fixture(name) });
      const before = machine.instructions;
      for (let i = 0; i < 3; i++) {
        const start = performance.now();
        assert.equal(machine.run(10_000).kind, 'limit');
        assert.ok(performance.now() - start < 1000);
      }
      assert.equal(machine.instructions - before, 30_000);
    });
  }
});
