// Several guests through the real bundle: each has its threads, console, symbols and page tables.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { hartsOutput } from '../support/harts-fixture';
import { findMarker } from '../support/markers';
import { Client, FIXTURES, KERNEL } from './client';

const guests = [
  { name: 'teaching', program: KERNEL },
  { name: 'harts', program: join(FIXTURES, 'harts.elf'), vcpus: 2 },
  { name: 'stuck', program: join(FIXTURES, 'loop-interrupts-off.elf') },
];

describe('debug adapter: several guests', () => {
  let client: Client;
  beforeEach(async () => {
    client = await Client.start();
  });
  afterEach(() => client.stop());

  const output = async (name: string): Promise<string> => {
    const { consoles } = await client.custom('hypocaust/consoles', undefined);
    return Buffer.from(consoles.find((console) => console.name === name)!.backlog, 'base64').toString();
  };
  const prints = async (name: string, wanted: string): Promise<void> => {
    for (let tries = 0; !(await output(name)).includes(wanted); tries++) {
      assert.ok(tries < 400, `${name} printed:\n${await output(name)}`);
      await client.next(25);
    }
  };

  it('are threads, by vCPU, and stop where their own symbols say', async () => {
    await client.launch({ configuration: { guests, stopOnEntry: true } });
    assert.equal((await client.stopped()).threadId, 1);
    const { threads } = (await client.protocol.threadsRequest()).body;
    assert.deepEqual(
      threads.map(({ name }) => name),
      ['teaching', 'harts, vCPU 0', 'harts, vCPU 1', 'stuck'],
    );
    const { path, line } = findMarker(join(FIXTURES, 'src'), 'finished');
    const breakpoints = [{ line, condition: '$hart == 1' }];
    await client.protocol.setBreakpointsRequest({ source: { path }, breakpoints });
    await client.continue();
    const stopped = await client.stopped();
    assert.deepEqual([stopped.reason, stopped.threadId], ['breakpoint', 3]);
    const names = async (threadId: number): Promise<string[]> => {
      const { body } = await client.protocol.stackTraceRequest({ threadId, startFrame: 0, levels: 20 });
      return body.stackFrames.map(({ name }) => name.replace(/\(.*/, ''));
    };
    assert.deepEqual(await names(3), ['count', 'other', 'start_other']);
    assert.ok((await names(2)).includes('main'));
    const { nodes } = await client.custom('hypocaust/pageTable', {});
    assert.deepEqual(
      nodes.map(({ label }) => label),
      ['teaching', 'harts', 'stuck'],
    );
  });

  it('have consoles of their own, and a guest that gets nowhere does not hold up the others', async () => {
    await client.launch({ configuration: { guests, __consoleEvents: true } });
    const { consoles } = await client.custom('hypocaust/consoles', undefined);
    assert.deepEqual(
      consoles.map(({ name }) => name),
      ['teaching', 'harts', 'stuck'],
    );
    await prints('harts', hartsOutput(2));
    await prints('teaching', 'Type h for help');
    assert.equal(await output('stuck'), '');
    assert.equal(await output('harts'), hartsOutput(2));
    const told = await client.take<DebugProtocol.OutputEvent['body']>('output');
    assert.equal(told.output, 'Guest harts: The guest shut down. The others go on.\n');
  });
});
