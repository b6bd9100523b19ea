// What is promised of time and memory, measured on the sample kernel; the limits are generous, the numbers are printed.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, FIXTURES } from './client';

const WANTED_LATENCY = 100;
const WANTED_ECHO = 20;
const WANTED_START = 1000;
const WANTED_MEBIBYTES = 250;
/** Machines that run tests are busy: only what is far off fails. */
const PATIENCE = 5;

describe('debug adapter: promises', () => {
  let client: Client;
  beforeEach(async () => {
    client = await Client.start();
  });
  afterEach(() => client.stop());

  const say = (text: string): void => console.log(`      ${text}`);

  async function timed(action: () => Promise<unknown>): Promise<number> {
    const start = performance.now();
    await action();
    return performance.now() - start;
  }

  it('comes from the launch request to the first breakpoint in a second', async () => {
    const milliseconds = await timed(async () => {
      await client.launch({ markers: ['boot'] });
      await client.stopped();
    });
    say(`launch to first breakpoint: ${milliseconds.toFixed(0)} ms`);
    assert.ok(milliseconds < WANTED_START * PATIENCE);
  });

  it('needs little memory for a guest of 128 MiB on the 3 GiB machine', async function () {
    await client.launch({ configuration: { machine: { memory: '3G' } } });
    await client.prints('kernel> ');
    const { pid } = (client.protocol as unknown as { _adapterProcess: { pid: number } })._adapterProcess;
    const status = `/proc/${pid}/status`;
    if (!existsSync(status)) return this.skip();
    const kibibytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(status, 'utf8'))?.[1]);
    say(`adapter's resident memory after boot: ${(kibibytes / 1024).toFixed(0)} MiB`);
    assert.ok(kibibytes < WANTED_MEBIBYTES * 1024);
  });

  const guests: readonly [string, Record<string, unknown>][] = [
    ['a guest that loops with interrupts off', { program: join(FIXTURES, 'loop-interrupts-off.elf') }],
    ['the same on the bare machine', { program: join(FIXTURES, 'loop-interrupts-off.elf'), mode: 'bare' }],
    ['the sample kernel at its prompt', {}],
  ];
  for (const [what, configuration] of guests) {
    it(`pauses and disconnects at once: ${what}`, async () => {
      await client.launch({ configuration });
      await client.next(500);
      const pause = await timed(async () => {
        await client.protocol.pauseRequest({ threadId: 1 });
        await client.stopped();
      });
      await client.continue();
      await client.next(100);
      const disconnect = await timed(() => client.protocol.disconnectRequest({}));
      say(`pause: ${pause.toFixed(0)} ms, disconnect: ${disconnect.toFixed(0)} ms`);
      assert.ok(pause < WANTED_LATENCY * PATIENCE && disconnect < WANTED_LATENCY * PATIENCE);
    });
  }

  it('shows what the guest writes within 20 ms', async () => {
    await client.launch();
    await client.prints('kernel> ');
    const latencies: number[] = [];
    for (let i = 0; i < 40; i++) {
      const shown = client.printed.length;
      // The kernel reads it and echoes it, and does not know it as a command: the way there is counted, too.
      const key = i % 2 === 0 ? 'x' : '\r';
      latencies.push(
        await timed(async () => {
          await client.type(key);
          while (client.printed.length === shown) await client.next(1000);
        }),
      );
      while (key === '\r' && !client.printed.endsWith('kernel> ')) await client.next(1000);
    }
    latencies.sort((a, b) => a - b);
    const [median, worst] = [latencies[20]!, latencies.at(-1)!];
    say(`from a key to its echo: median ${median.toFixed(1)} ms, worst of 40 ${worst.toFixed(1)} ms`);
    assert.ok(median < WANTED_ECHO * PATIENCE);
  });

  it('costs next to no time while the guest is idle', async function () {
    await client.launch();
    await client.prints('kernel> ');
    const { pid } = (client.protocol as unknown as { _adapterProcess: { pid: number } })._adapterProcess;
    const stat = `/proc/${pid}/stat`;
    if (!existsSync(stat)) return this.skip();
    const ticks = (): number => {
      const fields = readFileSync(stat, 'utf8').split(') ')[1]!.split(' ');
      return Number(fields[11]) + Number(fields[12]);
    };
    await client.next(500);
    const before = ticks();
    await client.next(2000);
    const used = (ticks() - before) * 10;
    say(`processor time in two idle seconds: ${used} ms`);
    assert.ok(used < 500);
  });
});
