/** The worker of Node.js that translates: it does, and whatever becomes of it, machines go on. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TranslationThread } from '../../src/adapter/translation-thread';
import type {
  TranslationAnswer,
  TranslationReceiver,
  TranslationService,
  TranslationSetup,
} from '../../src/engine/translator/translation-service';
import { TestHost } from '../support/engine-host';

const PROGRAM = join(__dirname, '../../dist/translation-worker.js');
/** A loop in each of several functions, which are called in turn. */
const FUNCTIONS = 40;
const numbers = Array.from({ length: FUNCTIONS }, (_, i) => i);
const SOURCE = `
  again:
    ${numbers.map((i) => `la t1, f${i}\n jalr t1`).join('\n')}
    j again
    ${numbers.map((i) => `.balign 256\n f${i}:\n li t0, 20\n l${i}:\n addi a0, a0, ${i}\n addi t0, t0, -1\n bnez t0, l${i}\n addi a1, a1, 1\n ret`).join('\n')}`;
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

/** As `service`, and counts what its worker answers, and how often it fails. */
function counting(service: TranslationService): TranslationService & { answers: number; failures: number } {
  const counted = {
    answers: 0,
    failures: 0,
    open: (setup: TranslationSetup, receiver: TranslationReceiver) => {
      const receive = (answer: TranslationAnswer) => {
        counted.answers++;
        receiver.receive(answer);
      };
      const fail = () => {
        counted.failures++;
        receiver.fail();
      };
      const through = { receive, fail };
      // The service holds what it is given weakly.
      kept.push(through);
      return service.open(setup, through);
    },
  };
  return counted;
}
const kept: TranslationReceiver[] = [];

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

  /** Two machines, one after the other: each runs until the worker has answered, or failed, and code is translated. */
  async function runMachines(path: string, awaited: 'answers' | 'failures'): Promise<void> {
    const thread = new TranslationThread(path);
    for (let machine = 0; machine < 2; machine++) {
      const translation = counting(thread);
      const host = new TestHost(SOURCE, { translator: 'eager', translation });
      await runUntil(host, () => {
        // Dropped code is translated again.
        if (translation[awaited] === 0) host.engine.setBreakpoints([]);
        return translation[awaited] > 0 && host.engine.translated.regions > 0;
      });
      host.engine.run(10_000);
      check(host);
    }
  }

  it('translates for two machines at a time', () => runMachines(PROGRAM, 'answers'));

  for (const [what, text] of [
    ['cannot be started', 'this is no program'],
    ['ends', 'process.exit(0)'],
    [
      'fails when it is asked',
      `const { parentPort } = require('node:worker_threads');
      parentPort.on('message', () => { throw new Error('no'); });
      parentPort.postMessage('ready');`,
    ],
  ] as const) {
    it(`is done without when it ${what}`, () =>
      runMachines(program(`${what.replaceAll(' ', '-')}.js`, text), 'failures'));
  }
});
