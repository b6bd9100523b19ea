/** `hypocaust run --bare` with devices, as the built program: what a guest finds, what is kept, and bad input. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assembleSource } from '../../src/isa/assemble';
import { DEVICE_PROBE } from '../support/device-probe';

const cli = join(__dirname, '..', '..', 'dist', 'cli.js');

describe('hypocaust run --bare with devices', function () {
  this.timeout(40_000);
  let folder: string;
  let program: string;
  let disk: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'devices-'));
    program = join(folder, 'probe.bin');
    disk = join(folder, 'disk.img');
    writeFileSync(program, assembleSource(DEVICE_PROBE, 0x80000000n).bytes);
    writeFileSync(disk, new Uint8Array(1024).fill(0x5a));
  });
  after(() => rmSync(folder, { recursive: true }));

  function run(...options: readonly string[]) {
    const args = ['run', '--bare', '--machine-mode', '--guest-memory', '16M', '--timeout', '20', ...options, program];
    return spawnSync(process.execPath, [cli, ...args], { encoding: 'latin1', timeout: 30_000 });
  }

  it('shows a guest its disk and its clock', () => {
    const rtc = '2024-02-29T12:00:00Z';
    const { status, stdout, stderr } = run('--disk', disk, '--rtc', rtc);
    assert.equal(stderr, '');
    assert.equal(status, 0);
    const lines = stdout.replaceAll('\r', '').trim().split('\n');
    assert.deepEqual(lines.slice(0, 4), ['74726976', '00000001', '00000002', '554d4551']);
    assert.equal(lines.filter((line) => line === '5a5a5a5a').length, 4);
    const nanoseconds = BigInt(Date.parse(rtc)) * 1_000_000n;
    assert.equal(lines.at(-1), (nanoseconds >> 32n).toString(16).padStart(8, '0'));
    assert.ok(readFileSync(disk).every((byte) => byte === 0x5a));
  });

  it('says what is wrong with firmware and a device tree', () => {
    const kernel = join(__dirname, '..', '..', 'samples', 'teaching-kernel', 'kernel.elf');
    const problem = (...options: readonly string[]) =>
      spawnSync(process.execPath, [cli, 'run', ...options, kernel], { encoding: 'latin1', timeout: 30_000 }).stderr;
    assert.match(
      problem('--bare', '--firmware', join(folder, 'none')),
      /The firmware .*none cannot be read: there is no/,
    );
    assert.match(problem('--bare', '--firmware', kernel), /The program .* and the firmware .* want the same memory/);
    assert.match(problem('--bare', '--dtb', program), /The device tree is no flattened device tree .*; make it anew/);
    assert.match(problem('--dtb', program), /--dtb goes with --bare only/);
  });

  it('says what is wrong with a disk', () => {
    const missing = run('--disk', join(folder, 'none.img'));
    assert.equal(missing.status, 1);
    assert.match(
      missing.stderr,
      /^hypocaust: The disk image .*none\.img cannot be opened: there is no such file; check/,
    );
    const many = run(...Array.from({ length: 9 }, () => ['--disk', disk]).flat());
    assert.equal(many.status, 1);
    assert.match(many.stderr, /8 virtio slots, and 9 devices/);
  });
});
