/** Debian's Linux from a snapshot: it says what it would have said, with several harts, a disk, and as a guest. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LinuxGuest, LinuxRun } from '../support/linux-guest';
import { makeLinuxGuest, readScript, runHypervised, runOurs } from '../support/linux-guest';

const MARK = '== the middle';
/** So that each run is the same. */
const CLOCK = ['--rtc', '2024-02-29T12:00:00Z'];

describe('Debian Linux from a snapshot', () => {
  let guest: LinuxGuest;
  let folder: string;

  before(function () {
    guest = makeLinuxGuest(
      this,
      `step() { echo "== $*"; }\nstep the middle\n${readScript('at-disk.sh')}\nseq 1 20000 | sha256sum\nsleep 1`,
    );
    folder = mkdtempSync(join(tmpdir(), 'hypocaust-snapshot-'));
  });
  after(() => {
    guest?.remove();
    rmSync(folder, { recursive: true });
  });

  const machines: readonly [string, (args: readonly string[]) => Promise<LinuxRun>][] = [
    ['on two harts', (args) => runOurs(guest, ['--harts', '2', ...CLOCK, ...args])],
    ['as a guest', (args) => runHypervised(guest, [...CLOCK, '--disk', guest.disk, ...args])],
  ];
  for (const [name, run] of machines) {
    it(`${name} goes on as if nothing had been`, async () => {
      const file = join(folder, 'snapshot');
      const whole = await run([]);
      assert.equal(whole.status, 0, whole.output);
      const first = await run(['--expect', MARK, '--save-snapshot', file]);
      assert.equal(first.status, 0);
      const second = await run(['--snapshot', file]);
      assert.equal(second.status, 0);
      assert.equal(first.output + second.output, whole.output);
    });
  }
});
