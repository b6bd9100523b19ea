// Guests over M-mode firmware, to a debugger: whose consoles there are.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSystem } from '../../src/debugger/systems/create-system';
import { FW_JUMP, requireDebianFile } from '../support/debian-files';

const KERNEL = join(__dirname, '..', '..', 'samples', 'teaching-kernel', 'kernel.elf');

describe('consoles over firmware', function () {
  this.timeout(60_000);

  it("are the guests', and then the firmware's, which has printed before", function () {
    const path = requireDebianFile(FW_JUMP, this);
    const program = { path: KERNEL, bytes: readFileSync(KERNEL) };
    const system = createSystem({
      mode: 'hypervisor',
      memoryBytes: 1 << 30,
      guests: ['one', 'two'].map((name) => ({ name, program })),
      firmware: { path, bytes: readFileSync(path) },
    });
    assert.deepEqual(
      system.consoles.map(({ name, isFirmware }) => [name, isFirmware]),
      [
        ['one', false],
        ['two', false],
        ['firmware', true],
      ],
    );
    let text = '';
    system.consoles[2]!.onOutput = (bytes) => (text += Buffer.from(bytes).toString());
    system.run(1000);
    assert.match(text, /OpenSBI v/);
  });
});
