/** The machine's thread goes before V8's own, on Linux. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const MODULE = join(__dirname, '..', '..', 'src', 'adapter', 'thread-priorities.ts');
/** Says the nice values of all threads, and which of them is the process's first. */
const PROGRAM = `
  const { preferThisThread } = require(${JSON.stringify(MODULE)});
  const { readdirSync, readFileSync } = require('node:fs');
  const nice = (thread) => Number(readFileSync('/proc/self/task/' + thread + '/stat', 'utf8').split(') ')[1].split(' ')[16]);
  const values = () => Object.fromEntries(readdirSync('/proc/self/task').map((thread) => [thread, nice(thread)]));
  const before = values();
  preferThisThread();
  console.log(JSON.stringify({ pid: process.pid, before, after: values() }));`;

describe('priorities of threads', () => {
  it("prefer the machine's thread to V8's own", function () {
    if (process.platform !== 'linux') this.skip();
    const { stdout, stderr } = spawnSync(process.execPath, ['--require', 'tsx/cjs', '-e', PROGRAM], {
      encoding: 'utf8',
    });
    const { pid, before, after } = JSON.parse(stdout || stderr) as {
      pid: number;
      before: Record<string, number>;
      after: Record<string, number>;
    };
    assert.equal(after[pid], before[pid]);
    const others = Object.keys(before).filter((thread) => Number(thread) !== pid && thread in after);
    assert.ok(others.length > 0);
    // A priority that is lower already stays.
    for (const thread of others)
      assert.ok(after[thread] >= Math.max(before[thread], 10), JSON.stringify({ before, after }));
  });
});
