/** The teaching kernel in QEMU: what it prints is the reference for our own machine. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { Qemu } from '../support/qemu';
import { findMarkers } from '../support/markers';
import type { QemuOptions } from '../support/qemu';
import { requireTool } from '../support/tools';
import {
  assertTranscript,
  driveTeachingKernel,
  prompt,
  teachingKernel,
  teachingKernelFolder,
} from '../support/teaching-kernel';

describe('teaching kernel in QEMU', function () {
  this.timeout(60_000);
  let qemu: Qemu | undefined;

  function start(context: Mocha.Context, options: Partial<QemuOptions> = {}): Qemu {
    const executable = requireTool('qemu-system-riscv64', context);
    qemu = new Qemu({ executable, kernel: teachingKernel, timeoutSeconds: 50, ...options });
    return qemu;
  }

  afterEach(async () => {
    await qemu?.stop();
    qemu = undefined;
  });

  it('prints the golden transcript for all commands, and powers off with exit code 0', async function () {
    const machine = start(this);
    const transcript = await driveTeachingKernel(machine);
    assert.equal(await machine.exit, 0);
    assertTranscript(transcript);
  });

  it('prints the same on a machine that is a thousand times slower', async function () {
    assertTranscript(await driveTeachingKernel(start(this, { arguments: ['-icount', 'shift=10'] })));
  });

  it('shows the firmware, the time and the timer interrupts', async function () {
    const machine = start(this);
    await machine.waitFor(prompt);
    machine.send('info\n');
    const text = await machine.waitFor(prompt);
    assert.match(text, /SBI \d+\.\d+, implementation 1, with(out)? debug console\r\n/);
    const interrupts = /time \d+, timer interrupts (\d+)\r\n/.exec(text)?.[1];
    assert.ok(Number(interrupts) >= 2, `timer interrupts: ${interrupts}`);
  });

  it('echoes each character when it is typed, and takes them back', async function () {
    const machine = start(this);
    await machine.waitFor(prompt);
    for (const character of 'hexx') {
      machine.send(character);
      await machine.waitFor(new RegExp(`^${character}$`));
    }
    machine.send('\x7f\b');
    await machine.waitFor(/^[\b] [\b]{2} [\b]$/);
    machine.send('lp\r');
    await machine.waitFor(/^lp\r\n {2}h or help: this list\r\n/);
  });

  it('keeps what is typed while the user programs run', async function () {
    const machine = start(this);
    await machine.waitFor(/Interrupts are on/);
    machine.send('nonsense\r');
    await machine.waitFor(/kernel> nonsense\r\nNo such command: nonsense/);
  });

  it('finds the size of memory in the device tree', async function () {
    const machine = start(this, { memory: '3G' });
    await machine.waitFor(/Memory: 3072 MiB from 0x80000000 to 0x13fffffff/);
    await machine.waitFor(prompt);
    machine.send('m\r');
    await machine.waitFor(/0x80400000-0xbfffffff at 0x80400000 RW- kernel global, pages of 2 MiB/);
  });
});

describe("teaching kernel's markers", function () {
  it('stand on lines that have code', function () {
    const readelf = requireTool('riscv64-unknown-elf-readelf', this);
    const table = execFileSync(readelf, ['--debug-dump=decodedline', '--wide', teachingKernel], { encoding: 'utf8' });
    const linesWithCode = new Set(
      [...table.matchAll(/^(?:\.\/)?(?:[\w-]+\/)*([\w.-]+)\s+(\d+)\s+0x/gm)].map((match) => `${match[1]}:${match[2]}`),
    );
    const markers = findMarkers(teachingKernelFolder);
    const names = markers.map(({ marker }) => marker);
    assert.deepEqual(
      markers.filter(({ path, line }) => !linesWithCode.has(`${path.split('/').pop()}:${line}`)),
      [],
    );
    assert.equal(new Set(names).size, names.length, 'a marker occurs twice');
    for (const marker of ['syscall', 'demand-page', 'prompt', 'user-a-loop']) assert.ok(names.includes(marker), marker);
    for (const marker of ['null-dereference', 'read-only-write', 'missing-sfence', 'illegal-csr']) {
      assert.ok(names.includes(marker), marker);
    }
  });
});
