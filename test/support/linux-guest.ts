/** Debian's Linux with a script of ours as its first process, in our machine and in QEMU. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CliConsole } from './cli-console';
import { initramfs } from './initramfs';
import type { ProcessConsole } from './process-console';
import { Qemu } from './qemu';
import { requireThirdPartyGuests } from './third-party-guests';
import { requireTool } from './tools';

/** Printed by the script when all of it was done. */
const DONE = '== done';
/** The early console shows how far a kernel came that stops before its driver starts; a panic ends the machine. */
export const COMMAND_LINE = 'earlycon=uart8250,mmio,0x10000000 console=ttyS0 panic=-1';
const MEMORY = '512M';
const MOST_SECONDS = 240;
/** The processor of QEMU that is most like ours: without what ours does not have unless asked. */
const QEMU_PROCESSOR = 'rv64,h=false,zbc=false';
export const KNOWN_FILE = Uint8Array.from({ length: 100_000 }, (_, i) => (i * i) >> 3);

/** What both machines boot, in a folder of its own. */
export interface LinuxGuest {
  readonly kernel: string;
  readonly initrd: string;
  readonly disk: string;
  remove(): void;
}

export interface LinuxRun {
  /** Everything on the console. */
  readonly output: string;
  readonly status: number | null;
}

/** @param script run after the steps that every script needs, and in front of the power-off */
export function makeLinuxGuest(context: Mocha.Context, script: string): LinuxGuest {
  const guests = requireThirdPartyGuests(context);
  const folder = mkdtempSync(join(tmpdir(), 'hypocaust-linux-'));
  const path = (name: string) => join(folder, name);
  const text = `${script}\necho '${DONE}'\npoweroff -f\n`;
  writeFileSync(path('initrd'), initramfs(guests, text, [{ path: 'share/known', data: KNOWN_FILE }]));
  const disk = makeExampleDisk(context);
  return {
    kernel: guests.linux,
    initrd: path('initrd'),
    disk: disk.path,
    remove() {
      disk.remove();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A disk of 16 MiB, formatted with ext4, with two files. */
export function makeExampleDisk(context: Mocha.Context): { readonly path: string; remove(): void } {
  const mke2fs = requireTool('mke2fs', context);
  const folder = mkdtempSync(join(tmpdir(), 'hypocaust-disk-'));
  const [contents, path] = [join(folder, 'contents'), join(folder, 'disk.img')];
  mkdirSync(contents);
  writeFileSync(join(contents, 'greeting'), 'Hello from the disk.\n');
  writeFileSync(join(contents, 'known'), KNOWN_FILE);
  execFileSync(mke2fs, ['-q', '-t', 'ext4', '-d', contents, path, '16M'], { stdio: ['ignore', 'ignore', 'inherit'] });
  return { path, remove: () => rmSync(folder, { recursive: true }) };
}

/** In our machine: the built command. */
export function runOurs(guest: LinuxGuest, args: readonly string[] = []): Promise<LinuxRun> {
  return finished(startOurs(guest, MEMORY, args));
}

/** The same, to be watched while it runs. */
export function startOurs(
  { kernel, initrd, disk }: LinuxGuest,
  memory: string,
  args: readonly string[] = [],
): ProcessConsole {
  const machine = ['--bare', '--guest-memory', memory, '--disk', disk, ...args];
  return new CliConsole([...machine, '--initrd', initrd, '--append', COMMAND_LINE, kernel], MOST_SECONDS);
}

/** In our machine, as a guest of the hypervisor. */
export function runHypervised({ kernel, initrd }: LinuxGuest, args: readonly string[]): Promise<LinuxRun> {
  const machine = ['--guest-memory', MEMORY, ...args];
  return finished(new CliConsole([...machine, '--initrd', initrd, '--append', COMMAND_LINE, kernel], MOST_SECONDS));
}

export function runQemu(context: Mocha.Context, guest: LinuxGuest): Promise<LinuxRun> {
  return finished(startQemu(context, guest, []));
}

export function startQemu(
  context: Mocha.Context,
  { kernel, initrd, disk }: LinuxGuest,
  args: readonly string[],
): ProcessConsole {
  const executable = requireTool('qemu-system-riscv64', context);
  const block = ['-drive', `file=${disk},format=raw,if=none,id=disk,snapshot=on`];
  const machine = ['-cpu', QEMU_PROCESSOR, ...block, '-device', 'virtio-blk-device,drive=disk', ...args];
  const boot = ['-initrd', initrd, '-append', COMMAND_LINE];
  const all = [...machine, ...boot];
  return new Qemu({ executable, kernel, memory: MEMORY, timeoutSeconds: MOST_SECONDS, arguments: all });
}

async function finished(console: ProcessConsole): Promise<LinuxRun> {
  const status = await console.exit;
  return { output: console.output, status };
}

/** What the script printed, from its first step on, without what the kernel says in between. */
export function scriptOutput({ output }: LinuxRun): string {
  const lines = output.replaceAll('\r', '').split('\n');
  const [start, end] = [lines.findIndex((line) => line.startsWith('== ')), lines.indexOf(DONE)];
  if (start < 0 || end < 0) throw new Error(`The script did not come to its end; the console shows:\n${output}`);
  return lines
    .slice(start, end)
    .filter((line) => !KERNEL_MESSAGE.test(line))
    .join('\n');
}

const KERNEL_MESSAGE = /^\[ *\d+\.\d+\] /;

/**
 * What the kernel said, made comparable: without times, and without what differs by nature between two firmwares, two makes of
 * processor and a machine with and one without a PCI bus.
 */
export function kernelMessages({ output }: LinuxRun): string[] {
  const lines = output
    .replaceAll('\r', '')
    .split('\n')
    .filter((line) => KERNEL_MESSAGE.test(line));
  const messages = lines.map((line) => line.replace(KERNEL_MESSAGE, ''));
  return messages.filter((line) => !BY_NATURE.some((pattern) => pattern.test(line))).map(withoutMeasurements);
}

const BY_NATURE: readonly RegExp[] = [
  /^random: crng init done/, // comes when it comes
  /^SBI specification|^SBI implementation|^SBI DBCN/,
  /^SBI [A-Z]+ extension detected/,
  /^OF: reserved mem/,
  /^(pci|pcieport|pci_bus|pci-host-generic)\b/,
  /^PCI/,
  /^riscv-pmu-sbi|^Legacy PMU/,
  /^Trying to unpack rootfs|^Freeing initrd memory/, // done in the background
  /^cpu0: Ratio of byte access time/,
  /^audit: type/,
  /^goldfish_rtc .*setting system clock/,
  /^node 0 deferred pages/,
];

const withoutMeasurements = (line: string): string =>
  line
    .replace(/^(NODE_DATA\(0\) allocated).*/, '$1')
    .replace(/^Memory: .*/, 'Memory')
    .replace(/^(EXT4-fs \(vda\): (?:un)?mount\S* filesystem) [-0-9a-f]+/, '$1')
    .replace(/(\d+) usecs/, 'some usecs');

export function readScript(name: string): string {
  return readFileSync(join(__dirname, '..', 'guests', name), 'utf8');
}
