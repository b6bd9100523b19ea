/** `hypocaust run --save-snapshot` and `--snapshot`, as the built program. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');
const kernel = join(root, 'samples', 'teaching-kernel', 'kernel.elf');

describe('snapshots of hypocaust run', function () {
  this.timeout(60_000);
  let folder: string;
  let file: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'hypocaust-'));
    file = join(folder, 'prompt.snapshot');
  });
  after(() => rmSync(folder, { recursive: true }));

  function run(args: readonly string[], input = '') {
    const command = [join(root, 'dist', 'cli.js'), 'run', ...args, kernel];
    const { status, stdout, stderr } = spawnSync(process.execPath, command, {
      input,
      encoding: 'latin1',
      timeout: 30_000,
    });
    return { status, stdout, stderr };
  }

  for (const mode of [[], ['--synchronization', 'write-protect'], ['--bare', '--devices', 'console,entropy,network']]) {
    it(`go on where the run was, with ${mode.join(' ') || 'a guest'}`, () => {
      const saved = run([...mode, '--expect', 'kernel> ', '--save-snapshot', file]);
      assert.equal(saved.stderr, '');
      assert.equal(saved.status, 0);
      const [first, second] = [1, 2].map(() => run([...mode, '--snapshot', file, '--max-instructions', '2000000']));
      assert.doesNotMatch(first.stdout, /Teaching kernel: hello/);
      assert.deepEqual(first, second);
      if (mode.includes('--bare')) return;
      const typed = run([...mode, '--snapshot', file], 'c\rq\r');
      assert.match(typed.stdout, /^c\r?\n[^]*illegal instruction[^]*kernel> q\r?\nGood bye\./);
      assert.equal(typed.status, 0);
    });
  }

  it('are refused in a sentence when they do not fit', () => {
    assert.equal(run(['--expect', 'kernel> ', '--save-snapshot', file]).status, 0);
    const other = run(['--bare', '--snapshot', file]);
    assert.equal(other.status, 1);
    assert.match(
      other.stderr,
      /prompt\.snapshot: The snapshot is of another machine; start this one with the same settings/,
    );
    const cut = join(folder, 'cut.snapshot');
    writeFileSync(cut, readFileSync(file).subarray(0, 100_000));
    assert.match(
      run(['--snapshot', cut]).stderr,
      /cut\.snapshot: The snapshot is damaged: it is cut off; take it anew/,
    );
    writeFileSync(cut, 'text');
    assert.match(run(['--snapshot', cut]).stderr, /The file is no snapshot/);
    assert.match(run(['--snapshot', join(folder, 'none')]).stderr, /cannot be read: there is no such file or folder/);
    assert.match(
      run(['--expect', 'kernel> ', '--save-snapshot', join(folder, 'no', 'file')]).stderr,
      /cannot be written: there is no such file or folder/,
    );
  });

  it('go on with a disk image that is written, if it holds the same', () => {
    const disk = join(folder, 'disk.img');
    const [before, after] = [1, 2].map((value) => new Uint8Array(1 << 20).fill(value));
    const options = ['--bare', '--disk', `${disk},rw`];
    writeFileSync(disk, before);
    assert.equal(run([...options, '--expect', 'kernel> ', '--save-snapshot', file]).stderr, '');
    writeFileSync(disk, after);
    const refused = run([...options, '--snapshot', file]);
    assert.equal(refused.status, 1);
    assert.match(
      refused.stderr,
      /prompt\.snapshot: The disk image .*disk\.img does not hold what it held when the snapshot was taken; put that back/,
    );
    writeFileSync(disk, before);
    assert.equal(run([...options, '--snapshot', file], 'q\r').status, 0);
  });

  it('are not saved when the guest has ended', () => {
    const { status, stderr } = run(['--save-snapshot', join(folder, 'ended')], 'q\r');
    assert.match(stderr, /the guest has ended, so that no snapshot is saved/);
    assert.equal(status, 0);
  });
});
