/** A bare-metal program finds the same devices here and in QEMU, and reads the same sector from the disk. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assembleSource } from '../../src/isa/assemble';
import { DEVICE_PROBE } from '../support/device-probe';
import { requireTool } from '../support/tools';

const cli = join(__dirname, '..', '..', 'dist', 'cli.js');

describe('a program that looks at the devices', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'probe-'))));
  after(() => rmSync(folder, { recursive: true }));

  it('prints the same here and in QEMU', function () {
    this.timeout(60_000);
    const qemu = requireTool('qemu-system-riscv64', this);
    const [program, disk, printed] = ['probe.bin', 'disk.img', 'printed.txt'].map((name) => join(folder, name));
    writeFileSync(program, assembleSource(DEVICE_PROBE, 0x80000000n).bytes);
    writeFileSync(
      disk,
      Uint8Array.from({ length: 5000 }, (_, i) => i * 3 + (i >> 9)),
    );
    // QEMU's highest slot is the one that is filled first unless a bus is named.
    const devices = [
      ...['-drive', `file=${disk},format=raw,if=none,id=x,snapshot=on`],
      ...['-device', 'virtio-blk-device,drive=x,bus=virtio-mmio-bus.0'],
      ...['-device', 'virtio-rng-device,bus=virtio-mmio-bus.1'],
      ...['-rtc', 'base=2024-02-29T12:00:00'],
    ];
    const machine = ['-machine', 'virt', '-m', '16M', '-bios', program, '-display', 'none', '-monitor', 'none'];
    spawnSync(qemu, [...machine, '-serial', `file:${printed}`, ...devices], { timeout: 30_000 });
    const theirs = readFileSync(printed, 'latin1').replaceAll('\r', '');
    const options = ['--bare', '--machine-mode', '--guest-memory', '16M', '--timeout', '30', '--disk', disk];
    const more = ['--devices', 'entropy', '--rtc', '2024-02-29T12:00:00Z', program];
    const ours = spawnSync(process.execPath, [cli, 'run', ...options, ...more], { encoding: 'latin1' });
    assert.equal(ours.stderr, '');
    assert.equal(ours.stdout.replaceAll('\r', ''), theirs);
    assert.equal(ours.status, 0);
    assert.equal(theirs.split('\n').length, 40 + 6 + 3 + 3 + 3 + 1 + 4 + 5 + 1);
  });
});
