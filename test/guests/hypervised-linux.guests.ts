/** Debian's Linux, unmodified, as a guest under the hypervisor: it does what it does on the bare machine. */
import assert from 'node:assert/strict';
import { FW_DYNAMIC, requireDebianFile } from '../support/debian-files';
import type { LinuxGuest, LinuxRun } from '../support/linux-guest';
import {
  kernelMessages,
  makeLinuxGuest,
  readScript,
  runHypervised,
  runOurs,
  scriptOutput,
} from '../support/linux-guest';

/** What the kernel said, but for its real-time clock, which need not be there for guests. */
const messages = (run: LinuxRun): string[] => kernelMessages(run).filter((line) => !line.startsWith('goldfish_rtc'));

describe('Debian Linux, under the hypervisor', () => {
  let guest: LinuxGuest;
  let bare: LinuxRun;

  before('runs bare', async function () {
    guest = makeLinuxGuest(this, readScript('at-work.sh'));
    bare = await runOurs(guest);
    assert.equal(bare.status, 0);
  });
  after(() => guest?.remove());

  for (const mode of ['sfence', 'write-protect']) {
    it(`prints what it prints bare, and powers off, with tables synchronised by ${mode}`, async () => {
      const run = await runHypervised(guest, ['--synchronization', mode]);
      assert.equal(scriptOutput(run), scriptOutput(bare));
      assert.deepEqual(messages(run), messages(bare));
      assert.equal(run.status, 0);
    });
  }

  for (const [where, options] of [
    ['synchronised by sfence', ['--synchronization', 'sfence']],
    ['synchronised by write-protect', ['--synchronization', 'write-protect']],
    ['on one hart, where its time goes on', ['--harts', '1', '--guest-time', 'goes-on']],
    ['on two harts, where its time stops', ['--harts', '2', '--guest-time', 'stops']],
  ] as const) {
    it(`prints the same with four vCPUs, ${where}`, async () => {
      const run = await runHypervised(guest, ['--vcpus', '4', ...options, '--stale-translations', 'stop']);
      assert.match(run.output, /smp: Brought up 1 node, 4 CPUs/);
      assert.equal(scriptOutput(run), scriptOutput(bare));
      assert.doesNotMatch(run.output, /rcu: INFO|soft lockup|BUG:/);
      assert.equal(run.status, 0);
    });
  }

  it('prints the same over OpenSBI', async function () {
    const firmware = requireDebianFile(FW_DYNAMIC, this);
    const run = await runHypervised(guest, ['--vcpus', '2', '--firmware', firmware]);
    assert.match(run.output, /OpenSBI v/);
    assert.match(run.output, /smp: Brought up 1 node, 2 CPUs/);
    assert.equal(scriptOutput(run), scriptOutput(bare));
    assert.equal(run.status, 0);
  });

  it('prints the same three times at once', async () => {
    const run = await runHypervised(guest, [guest.kernel, guest.kernel]);
    for (const name of ['linux', 'linux-2', 'linux-3']) {
      const lines = run.output.split('\n').filter((line) => /^[|+] /.test(line.slice(name.length)));
      const own = lines.filter((line) => line.startsWith(name));
      // A line that goes on with one that another guest interrupted belongs to that.
      const output = own
        .map((line) => (line[name.length] === '+' ? '' : '\n') + line.slice(name.length + 2).replace(/\r$/, ''))
        .join('');
      assert.equal(scriptOutput({ ...run, output }), scriptOutput(bare), name);
    }
    assert.equal(run.status, 0);
  });
});
