/** Debian's Linux with a disk image on a file system of the host's that is full: an I/O error for it, a sentence for the user. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LinuxGuest } from '../support/linux-guest';
import { COMMAND_LINE, makeLinuxGuest } from '../support/linux-guest';
import { ProcessConsole } from '../support/process-console';
import { requireTool } from '../support/tools';

const SCRIPT = `
for module in virtio_mmio virtio_blk; do insmod /modules/$module.ko; done
head -c 4096 /dev/zero | dd of=/dev/vda bs=4096 conv=fsync && echo 'some fits'
seq 1 100000 | dd of=/dev/vda bs=65536 conv=fsync || echo 'all does not'
dd if=/dev/vda bs=65536 count=1 | head -n 1
`;

const cli = join(__dirname, '..', '..', 'dist', 'cli.js');

describe('Debian Linux with a disk image on a full file system', () => {
  let guest: LinuxGuest;
  let folder: string;
  let unshare: string;
  before(function () {
    unshare = requireTool('unshare', this);
    if (spawnSync(unshare, ['-rm', 'mount', '-t', 'tmpfs', 'none', tmpdir()]).status !== 0) {
      // No tool is missing: some systems let nobody but root mount anything, and containers not even root.
      if (this.test) this.test.title += ' [skipped: needs the right to mount a file system in a namespace of its own]';
      this.skip();
    }
    guest = makeLinuxGuest(this, SCRIPT);
    folder = mkdtempSync(join(tmpdir(), 'hypocaust-full-'));
  });
  after(() => {
    guest?.remove();
    if (folder) rmSync(folder, { recursive: true });
  });

  it('hears of an I/O error, goes on, and the user is told once what to do', async () => {
    const disk = join(folder, 'disk.img');
    const run = `run --bare --guest-memory 512M --disk ${disk},rw --initrd ${guest.initrd}`;
    const shell = [
      `mount -t tmpfs -o size=256k none ${folder}`,
      `truncate -s 16M ${disk}`,
      `exec ${process.execPath} ${cli} ${run} --append '${COMMAND_LINE}' ${guest.kernel}`,
    ].join(' && ');
    const console = new ProcessConsole('hypocaust', [unshare, '-rm', 'sh', '-c', shell], 100);
    try {
      assert.equal(await console.exit, 0, console.output);
      assert.match(console.output, /some fits/);
      assert.match(console.output, /I\/O error, dev vda/);
      assert.match(console.output, /all does not/);
      assert.match(console.output, /== done/);
      const told = console.output.match(/hypocaust: .*/g);
      assert.deepEqual(told, [
        `hypocaust: The disk image ${disk} cannot be written: the host's disk is full; make room, and have the guest write again.`,
      ]);
    } finally {
      await console.stop();
    }
  });
});
