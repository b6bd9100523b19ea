/** Debian's Linux with a disk, a network card and shared folders: bare, as in QEMU; and as a guest, emulated and passed through. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LinuxGuest, LinuxRun } from '../support/linux-guest';
import {
  KNOWN_FILE,
  makeLinuxGuest,
  readScript,
  runHypervised,
  runOurs,
  scriptOutput,
  startQemu,
} from '../support/linux-guest';

/** Fetches, as `at-network.sh` does, and does nothing else. */
const networkSteps = (port: number): string =>
  readScript('at-network.sh').replaceAll('SERVER_PORT', String(port)).split('seq 1 50000')[0];

describe('Debian Linux and its devices', () => {
  let server: Server;
  let guest: LinuxGuest;
  let folder: string;
  let bare: LinuxRun;

  before('runs bare', async function () {
    folder = mkdtempSync(join(tmpdir(), 'hypocaust-shared-'));
    mkdirSync(join(folder, 'in', 'below'), { recursive: true });
    writeFileSync(join(folder, 'in', 'below', 'known'), KNOWN_FILE);
    symlinkSync(join('below', 'nothing'), join(folder, 'in', 'link'));
    symlinkSync(join('below', 'known'), join(folder, 'in', 'inside'));
    // Where the guest follows it, it leads to a file of the guest's.
    symlinkSync(join('..', 'secret'), join(folder, 'in', 'outside'));
    writeFileSync(join(folder, 'secret'), 'of the host\n');
    server = createServer((_, response) => response.end(KNOWN_FILE));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    const steps = [readScript('at-disk.sh'), readScript('at-share.sh'), networkSteps(port)];
    guest = makeLinuxGuest(this, `step() { echo "== $*"; }\n${steps.join('\n')}`);
    bare = await runOurs(guest, ours('bare'));
    assert.equal(bare.status, 0);
  });
  after(() => {
    server?.close();
    guest?.remove();
    rmSync(folder, { recursive: true });
  });

  /** A folder of its own for each run, to write to. */
  function out(name: string): string {
    const path = join(folder, name);
    mkdirSync(path);
    return path;
  }

  function ours(name: string): string[] {
    const { port } = server.address() as AddressInfo;
    return ['--share', join(folder, 'in'), '--share', `out=${out(name)},rw`, '--reach', `${port}`];
  }

  it('prints what it prints in QEMU', async function () {
    const shared = (tag: string, path: string, more: string) => [
      ...['-fsdev', `local,id=${tag},path=${path},security_model=none${more}`],
      ...['-device', `virtio-9p-device,fsdev=${tag},mount_tag=${tag}`],
    ];
    const card = ['-netdev', 'user,id=net', '-device', 'virtio-net-device,netdev=net'];
    const folders = [...shared('share', join(folder, 'in'), ',readonly=on'), ...shared('out', out('qemu'), '')];
    const qemu = startQemu(this, guest, [...card, ...folders]);
    await qemu.exit;
    assert.match(scriptOutput(bare), /it cannot be written\n/);
    assert.match(scriptOutput(bare), /of the guest\n/);
    assert.doesNotMatch(scriptOutput(bare), /of the host/);
    assert.equal(scriptOutput(bare), scriptOutput({ output: qemu.output, status: null }));
  });

  it('leaves in a shared folder what it wrote', () => {
    assert.deepEqual(readdirSync(join(folder, 'bare')), ['folder']);
    assert.ok(readFileSync(join(folder, 'bare', 'folder', 'moved')).equals(KNOWN_FILE.subarray(0, 10)));
    assert.deepEqual(readdirSync(join(folder, 'in')).sort(), ['below', 'inside', 'link', 'outside']);
  });

  for (const [name, option] of [
    ['emulated', []],
    ['passed-through', ['--passthrough']],
  ] as const) {
    it(`prints the same as a guest, with devices ${name}`, async () => {
      const run = await runHypervised(guest, ['--disk', guest.disk, ...option, ...ours(name)]);
      assert.equal(scriptOutput(run), scriptOutput(bare));
      assert.equal(run.status, 0);
    });
  }
});
