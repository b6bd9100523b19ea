/** Debian's Linux on a terminal (that of `script`), by its virtio console: Ctrl-C, the terminal's size, and a lot of input. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { LinuxGuest } from '../support/linux-guest';
import { COMMAND_LINE, makeLinuxGuest } from '../support/linux-guest';
import { ProcessConsole } from '../support/process-console';
import { requireTool } from '../support/tools';

const SECONDS = 60;
const PASTED = 1_000_000;

/** The shell has the console as its terminal, so that the terminal's signals are its and its children's. */
const SCRIPT = `
insmod /modules/virtio_mmio.ko
until [ -c /dev/hvc0 ]; do usleep 10000; done
cat >/tmp/session <<'END'
echo "size $(stty size)"
trap 'echo "caught it"' INT
# Behind the start of the next command: a signal between the two would wait until it ends.
(usleep 300000; echo asleep) &
sleep 1000
echo "status $?"
echo copying
cat
echo "status $?"
trap - INT
until [ "$(stty size)" != '43 132' ]; do usleep 10000; done
echo "size $(stty size)"
stty raw -echo
echo pasting
head -c ${PASTED} | sha256sum
stty sane
END
setsid -c sh /tmp/session </dev/hvc0 >/dev/hvc0 2>&1
`;

const cli = join(__dirname, '..', '..', 'dist', 'cli.js');

describe('Debian Linux on a terminal', () => {
  let guest: LinuxGuest;
  let script: string;
  before(function () {
    script = requireTool('script', this);
    guest = makeLinuxGuest(this, SCRIPT);
  });
  after(() => guest?.remove());

  for (const [where, options] of [
    ['bare', '--bare'],
    ['as a guest', ''],
  ] as const) {
    it(`gets Ctrl-C and the terminal's size, and all of a megabyte, ${where}`, async () => {
      const run = `run ${options} --guest-memory 512M --devices console --initrd ${guest.initrd}`;
      const command = `stty rows 43 cols 132; tty; exec ${process.execPath} ${cli} ${run} --append '${COMMAND_LINE}' ${guest.kernel}`;
      const terminal = new ProcessConsole('script', [script, '-qefc', command, '/dev/null'], SECONDS);
      try {
        const tty = /\/dev\/\S+/.exec(await terminal.waitFor(/\/dev\/\S+\r*\n/))![0];
        await terminal.waitFor(/size 43 132\r*\n/);
        await terminal.waitFor(/asleep\r*\n/);
        terminal.send('\x03');
        await terminal.waitFor(/caught it\r*\n.*status 130\r*\n.*copying\r*\n/s);
        terminal.send('echoed\r');
        await terminal.waitFor(/echoed\r*\nechoed\r*\n/);
        terminal.send('\x03');
        await terminal.waitFor(/caught it\r*\n.*status 130\r*\n/s);
        execFileSync('stty', ['-F', tty, 'rows', '25', 'cols', '90']);
        await terminal.waitFor(/size 25 90\r*\n/);
        await terminal.waitFor(/pasting\r*\n/);
        const pasted = Buffer.from(Uint8Array.from({ length: PASTED * 0.75 }, (_, i) => (i * i) >> 5)).toString(
          'base64',
        );
        terminal.send(pasted);
        const [, sum] = /([0-9a-f]{64})/.exec(await terminal.waitFor(/[0-9a-f]{64}/))!;
        assert.equal(sum, createHash('sha256').update(pasted).digest('hex'));
        assert.equal(await terminal.exit, 0);
      } finally {
        await terminal.stop();
      }
    });
  }
});
