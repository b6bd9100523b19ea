/** The worker of Node.js that translates: it does, and whatever becomes of it, machines go on. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TranslationThread } from '../../src/adapter/translation-thread';
import { TestHost } from '../support/engine-host';

const PROGRAM = join(__dirname, '../../dist/translation-worker.js');
const SOURCE = `
  again:
    li t0, 20
  inner:
    addi a0, a0, 1
    addi t0, t0, -1
    bnez t0, inner
    call next
    j again
    .balign 4096
  next:
    addi a1, a1, 1
    ret`;
const SECONDS = 60;

/** Runs and lets the host do something, until it is so. */
async function runUntil(host: TestHost, condition: () => boolean): Promise<void> {
  const end = performance.now() + SECONDS * 1000;
  while (!condition()) {
    assert.ok(performance.now() < end, 'it never came');
    host.engine.run(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** As if everything had been interpreted. */
function check({ engine }: TestHost): void {
  const interpreted = new TestHost(SOURCE, { translator: 'off' });
  interpreted.engine.run(engine.executed);
  assert.equal(engine.state.pc, interpreted.engine.state.pc);
  for (const x of [5, 10, 11]) assert.equal(engine.state.x(x), interpreted.engine.state.x(x));
}

describe('the thread that translates', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hypocaust-thread-'));
  after(() => rmSync(folder, { recursive: true }));

  /** A worker's program. */
  function program(name: string, text: string): string {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  }

  it('translates for two machines at a time', async () => {
    const translation = new TranslationThread(PROGRAM);
    const hosts = [0, 1].map(() => new TestHost(SOURCE, { translator: 'eager', translation }));
    for (const host of hosts) {
      await runUntil(host, () => host.engine.translated.regions > 0);
      host.engine.run(10_000);
      check(host);
    }
  });

  for (const [what, text] of [
    ['cannot be started', 'this is no program'],
    ['ends', 'process.exit(0)'],
    [
      'fails when it is asked',
      `require('node:worker_threads').parentPort.on('message', () => { throw new Error('no') })`,
    ],
  ] as const) {
    it(`is done without when it ${what}`, async () => {
      const translation = new TranslationThread(program(`${what.replaceAll(' ', '-')}.js`, text));
      const first = new TestHost(SOURCE, { translator: 'eager', translation });
      const second = new TestHost(SOURCE, { translator: 'eager', translation });
      await runUntil(first, () => first.engine.translated.regions > 0);
      await runUntil(second, () => second.engine.translated.regions > 0);
      check(first);
      check(second);
    });
  }
});
