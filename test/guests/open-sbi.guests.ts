/** Debian's OpenSBI as M-mode firmware, beneath our sample kernel and beneath Linux. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { CliConsole } from '../support/cli-console';
import { FW_DYNAMIC, FW_JUMP, requireDebianFile } from '../support/debian-files';
import type { LinuxGuest, LinuxRun } from '../support/linux-guest';
import { makeLinuxGuest, readScript, runOurs, runQemu, scriptOutput } from '../support/linux-guest';
import { Qemu } from '../support/qemu';
import { requireTool } from '../support/tools';

const KERNEL = join(__dirname, '..', '..', 'samples', 'teaching-kernel', 'kernel.elf');
const MOST_SECONDS = 60;

/** What OpenSBI says of the machine, without what differs by nature: H, PMU counters, and where the device tree is. */
function banner(output: string): string {
  const lines = output.replaceAll('\r', '').split('\n');
  const [start, end] = [/^OpenSBI v/, /^Boot HART MEDELEG/].map((line) => lines.findIndex((text) => line.test(text)));
  const nature = /MHPM Count|MIDELEG|MEDELEG|Base ISA|Next Arg1/;
  return lines
    .slice(start, end)
    .filter((line) => !nature.test(line))
    .join('\n');
}

describe('OpenSBI', () => {
  for (const [name, file] of [
    ['fw_jump', FW_JUMP],
    ['fw_dynamic', FW_DYNAMIC],
  ] as const) {
    it(`as ${name} finds the machine that it finds in QEMU, and starts the sample kernel`, async function () {
      const firmware = requireDebianFile(file, this);
      const executable = requireTool('qemu-system-riscv64', this);
      const options = { executable, kernel: KERNEL, bios: firmware, timeoutSeconds: MOST_SECONDS };
      const qemu = new Qemu({ ...options, arguments: ['-cpu', 'rv64,h=false'] });
      const args = ['--bare', '--guest-memory', '128M', '--firmware', firmware, KERNEL];
      const ours = new CliConsole(args, MOST_SECONDS);
      for (const console of [qemu, ours]) {
        await console.waitFor(/kernel> $/);
        console.send('q\r');
        assert.equal(await console.exit, 0);
      }
      assert.equal(banner(ours.output), banner(qemu.output));
      assert.match(ours.output, /Next Mode +: S-mode/);
      assert.match(ours.output, /Good bye\./);
    });
  }

  describe('beneath Debian Linux', () => {
    let guest: LinuxGuest;
    let qemu: LinuxRun | undefined;
    before(function () {
      guest = makeLinuxGuest(this, readScript('at-work.sh') + readScript('at-disk.sh'));
    });
    after(() => guest?.remove());

    for (const harts of [1, 4]) {
      it(`has the script run as in QEMU and power off, with status 0, on ${harts} harts`, async function () {
        const firmware = requireDebianFile(FW_DYNAMIC, this);
        qemu ??= await runQemu(this, guest);
        const ours = await runOurs(guest, ['--firmware', firmware, '--harts', `${harts}`]);
        assert.match(ours.output, /SBI implementation ID=0x1/);
        assert.match(ours.output, new RegExp(`Brought up 1 node, ${harts} CPU`));
        assert.equal(scriptOutput(ours), scriptOutput(qemu));
        assert.equal(ours.status, 0);
      });
    }
  });
});
