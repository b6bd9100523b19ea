/** The fixtures do in QEMU what they are said to do, and all committed ELF files are as built from their sources. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { hartsOutput } from '../support/harts-fixture';
import { nestedHypervisor, nestedOutput, nestedTranscript } from '../support/nested';
import { Qemu } from '../support/qemu';
import { requireTool } from '../support/tools';

const repository = join(__dirname, '..', '..');

interface Expectation {
  readonly fixture: string;
  readonly bios?: string;
  readonly output: RegExp;
  readonly exitCode: number;
}

/** QEMU may lose the last byte when the machine powers off while the pipe is full. */
const RESULT = /\n120 30(\r?\n?)$/;

const expectations: readonly Expectation[] = [
  { fixture: 'dwarf4', output: RESULT, exitCode: 0 },
  { fixture: 'dwarf5', output: RESULT, exitCode: 0 },
  { fixture: 'stripped', output: RESULT, exitCode: 0 },
  { fixture: 'machine-mode-pass', bios: 'none', output: /^Hello from machine mode\.\n$/, exitCode: 0 },
  { fixture: 'machine-mode-fail', bios: 'none', output: /^Hello from machine mode\.\n$/, exitCode: 3 },
];

describe('fixtures', function () {
  this.timeout(60_000);

  for (const { fixture, bios, output, exitCode } of expectations) {
    it(`${fixture}.elf ends in QEMU with exit code ${exitCode}`, async function () {
      const executable = requireTool('qemu-system-riscv64', this);
      const kernel = join(repository, 'test', 'fixtures', `${fixture}.elf`);
      const qemu = new Qemu({ executable, kernel, bios, timeoutSeconds: 30 });
      assert.equal(await qemu.exit, exitCode);
      assert.match(qemu.output, output);
    });
  }

  it('nested.elf prints in QEMU what it prints here', async function () {
    const executable = requireTool('qemu-system-riscv64', this);
    const qemu = new Qemu({ executable, kernel: nestedHypervisor, timeoutSeconds: 30 });
    assert.equal(await qemu.exit, 0);
    assert.equal(nestedOutput(qemu.output), nestedTranscript);
  });

  it('harts.elf prints in QEMU, on one hart and on more, what it prints here', async function () {
    const executable = requireTool('qemu-system-riscv64', this);
    const kernel = join(repository, 'test', 'fixtures', 'harts.elf');
    for (const harts of [1, 4, 8]) {
      const qemu = new Qemu({ executable, kernel, timeoutSeconds: 30, arguments: ['-smp', `${harts}`] });
      assert.equal(await qemu.exit, 0);
      const output = qemu.output.replaceAll('\r', '');
      assert.equal(output.slice(output.indexOf('\nharts ') + 1), hartsOutput(harts));
    }
  });

  it('and the sample kernel are as built from their sources', function () {
    requireTool('riscv64-unknown-elf-gcc', this);
    const script = join(repository, 'scripts', 'build-samples.sh');
    const output = execFileSync('bash', [script, '--check'], { encoding: 'utf8' });
    assert.match(output, /^build-samples: all \d+ committed files are as built from their sources\n$/);
  });
});
