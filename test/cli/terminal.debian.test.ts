/** `hypocaust run` on a terminal (that of `script`): Ctrl-C is the guest's, Ctrl-A X ends. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { requireTool } from '../support/tools';

const root = join(__dirname, '..', '..');
const kernel = join(root, 'samples', 'teaching-kernel', 'kernel.elf');

describe('hypocaust run on a terminal', function () {
  this.timeout(40_000);
  let script: string;
  before(function () {
    script = requireTool('script', this);
  });

  /** Types each text when the output so far matches. @returns status and output */
  async function type(steps: readonly (readonly [after: RegExp, text: string])[]) {
    const command = `${process.execPath} ${join(root, 'dist', 'cli.js')} run ${kernel}`;
    const child = spawn(script, ['-qefc', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    let output = '';
    let from = 0;
    let next = 0;
    const look = (): void => {
      const step = steps[next];
      if (!step?.[0].test(output.slice(from))) return;
      next++;
      from = output.length;
      child.stdin.write(step[1]);
    };
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString('latin1');
      look();
    });
    const timer = setTimeout(() => child.kill(), 30_000);
    const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
    clearTimeout(timer);
    return { status, output };
  }

  it('passes Ctrl-C to the guest, which goes on, and ends with Ctrl-A X', async () => {
    const { status, output } = await type([
      [/kernel> $/, '\x03h\r'],
      [/kernel> $/, '\x01x'],
    ]);
    assert.equal(status, 0, output);
    assert.match(output, /kernel> [^]*kernel> $/);
  });

  it('ends with Ctrl-A X also when the guest never reads', async () => {
    const { status } = await type([[/Teaching kernel/, '\x01x']]);
    assert.equal(status, 0);
  });
});
