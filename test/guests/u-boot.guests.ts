/** Debian's U-Boot, on the built-in SBI, on OpenSBI and in QEMU: to its prompt, where commands are typed. */
import assert from 'node:assert/strict';
import { CliConsole } from '../support/cli-console';
import { FW_DYNAMIC, requireDebianFile, U_BOOT } from '../support/debian-files';
import { makeExampleDisk } from '../support/linux-guest';
import type { ProcessConsole } from '../support/process-console';
import { Qemu } from '../support/qemu';
import { requireTool } from '../support/tools';

const PROMPT = /(?:^|\n)=> $/;
/** Those that need no disk. */
const PLAIN_COMMANDS = ['version', 'mw.b 84000000 5a 20', 'md.b 84000000 24', 'crc32 84000000 20', 'sleep 1'];
const COMMANDS = [
  'version',
  'bdinfo',
  'virtio scan',
  'virtio info',
  'ls virtio 0',
  'load virtio 0 84000000 greeting',
  'md.b 84000000 15',
];
const MOST_SECONDS = 120;

/** Types the commands, one after the other. @returns what each printed */
async function session(
  console: ProcessConsole,
  commands: readonly string[] = [...PLAIN_COMMANDS, ...COMMANDS],
): Promise<Map<string, string>> {
  const printed = new Map<string, string>();
  try {
    await console.waitFor(/Hit any key to stop autoboot/);
    console.send('x');
    await console.waitFor(PROMPT);
    for (const command of commands) {
      console.send(`${command}\r`);
      const output = await console.waitFor(PROMPT);
      printed.set(command, output.replaceAll('\r', '').replace(`${command}\n`, '').replace(PROMPT, ''));
    }
    console.send('poweroff\r');
    assert.equal(await console.exit, 0);
  } finally {
    await console.stop();
  }
  return printed;
}

/**
 * Without speeds, and without what differs by nature: addresses that follow from the size of the device tree, the flash that
 * QEMU has, and the memory that OpenSBI reserves for itself.
 */
function comparable(printed: ReadonlyMap<string, string>): string {
  const text = [...printed].map(([command, output]) => `=> ${command}\n${output}\n`).join('');
  return text
    .replace(/ in \d+ ms.*/g, '')
    .replace(/^(?:fdt_blob|new_fdt|fdt_size|relocaddr|reloc off|irq_sp|sp start|flash| ?reserved).*\n/gm, '');
}

describe('U-Boot', function () {
  let uBoot: string;
  let firmware: string;
  let disk: { readonly path: string; remove(): void };
  let expected: ReadonlyMap<string, string>;

  before('runs in QEMU', async function () {
    [uBoot, firmware] = [requireDebianFile(U_BOOT, this), requireDebianFile(FW_DYNAMIC, this)];
    disk = makeExampleDisk(this);
    const executable = requireTool('qemu-system-riscv64', this);
    const block = ['-drive', `file=${disk.path},format=raw,if=none,id=disk,snapshot=on`];
    const device = ['-device', 'virtio-blk-device,drive=disk,bus=virtio-mmio-bus.0'];
    const args = [...block, ...device];
    const console = new Qemu({ executable, kernel: uBoot, timeoutSeconds: MOST_SECONDS, arguments: args });
    expected = await session(console);
  });
  after(() => disk?.remove());

  const ours = (more: readonly string[]) =>
    new CliConsole(['--bare', '--guest-memory', '128M', '--disk', disk.path, ...more, uBoot], MOST_SECONDS);

  it('does on the built-in SBI what it does in QEMU', async () => {
    assert.equal(comparable(await session(ours([]))), comparable(expected));
  });

  it('does on OpenSBI what it does in QEMU', async () => {
    assert.equal(comparable(await session(ours(['--firmware', firmware]))), comparable(expected));
  });

  it('does as a guest of the hypervisor what it does in QEMU', async () => {
    const guest = new CliConsole(['--guest-memory', '128M', uBoot], MOST_SECONDS);
    const printed = await session(guest, PLAIN_COMMANDS);
    assert.equal(comparable(printed), comparable(new Map(PLAIN_COMMANDS.map((key) => [key, expected.get(key)!]))));
  });
});
