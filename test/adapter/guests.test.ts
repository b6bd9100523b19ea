// Several guests through the real bundle: each has its threads, console, symbols and page tables.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { hartsOutput } from '../support/harts-fixture';
import { findMarker } from '../support/markers';
import type { GuestsBody } from '../../src/protocol/guests';
import { Client, failure, FIXTURES, KERNEL } from './client';

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
      ['teaching', 'harts, vCPU 0', 'harts, vCPU 1 (off)', 'stuck'],
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

  it('are held while the others go on, and threads say who is held, ended or off', async () => {
    const names = async (): Promise<string[]> =>
      (await client.protocol.threadsRequest()).body.threads.map(({ name }) => name);
    /** The next states that are told, and that are these. */
    const told = async (...states: readonly string[]): Promise<void> => {
      let body: GuestsBody;
      do body = await client.take<GuestsBody>('hypocaust/guests');
      while (body.guests.map(({ state }) => state).join() !== states.join());
      assert.deepEqual(
        body.guests.map(({ threads }) => threads),
        [[1], [2, 3], [4]],
      );
    };
    await client.launch({ configuration: { guests, stopOnEntry: true, __consoleEvents: true } });
    await client.stopped();
    await told('running', 'running', 'running');
    // While all stand.
    await client.custom('hypocaust/hold', { guest: 'teaching', hold: true });
    await told('held', 'running', 'running');
    await client.take('thread');
    assert.deepEqual(await names(), ['teaching (held)', 'harts, vCPU 0', 'harts, vCPU 1 (off)', 'stuck']);
    assert.match(await failure(client.protocol.stepInRequest({ threadId: 1 })), /Guest teaching is held/);
    await client.continue();
    await told('held', 'ended', 'running');
    assert.deepEqual(await names(), ['teaching (held)', 'harts, vCPU 0 (ended)', 'harts, vCPU 1 (ended)', 'stuck']);
    assert.match(await failure(client.custom('hypocaust/hold', { guest: 'harts', hold: true })), /harts has ended/);
    assert.match(
      await failure(client.custom('hypocaust/hold', { guest: 'x', hold: true })),
      /there is teaching, harts, stuck/,
    );
    // While they run; with nobody left to run, until one is let go.
    const { guests: states } = await client.custom('hypocaust/hold', { guest: 'stuck', hold: true });
    assert.deepEqual(
      states.map(({ state }) => state),
      ['held', 'ended', 'held'],
    );
    await client.next(50);
    assert.equal(await output('teaching'), '');
    await client.custom('hypocaust/hold', { guest: 'teaching', hold: false });
    await prints('teaching', 'Type h for help');
    await client.protocol.pauseRequest({ threadId: 1 });
    await client.stopped();
    assert.match(await failure(client.protocol.nextRequest({ threadId: 2 })), /Guest harts has ended/);
    // Held for this run only.
    await client.protocol.customRequest('restart');
    await told('running', 'running', 'running');
  });

  it('are held at what the hypervisor is about to do for them', async () => {
    const two = ['one', 'two'].map((name) => ({ name, program: KERNEL }));
    const functions = [{ name: 'hypervisor.csrWrite', condition: 'csr == "satp" && guest == "one"' }];
    await client.launch({ configuration: { guests: two, __consoleEvents: true }, functions });
    assert.equal((await client.stopped()).threadId, 1);
    await client.protocol.setFunctionBreakpointsRequest({ breakpoints: [] });
    await client.custom('hypocaust/hold', { guest: 'one', hold: true });
    const before = await output('one');
    await client.continue();
    await prints('two', 'Type h for help');
    assert.equal(await output('one'), before);
    await client.custom('hypocaust/hold', { guest: 'one', hold: false });
    await prints('one', 'Type h for help');
  });
});
