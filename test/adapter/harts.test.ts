// Several harts through the real bundle: each is a thread; stops and steps are of the one that they concern.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { hartsOutput } from '../support/harts-fixture';
import { findMarker } from '../support/markers';
import { Client, FIXTURES } from './client';

const configuration = {
  program: join(FIXTURES, 'harts.elf'),
  mode: 'bare',
  machine: { harts: 4, memory: '128M' },
};

describe('debug adapter: several harts', () => {
  let client: Client;
  beforeEach(async () => {
    client = await Client.start();
  });
  afterEach(() => client.stop());

  /** A breakpoint at a marker of the fixture. */
  const breakAt = async (marker: string, condition?: string): Promise<void> => {
    const { path, line } = findMarker(join(FIXTURES, 'src'), marker);
    const breakpoints = [{ line, ...(condition === undefined ? {} : { condition }) }];
    await client.protocol.setBreakpointsRequest({ source: { path }, breakpoints });
  };
  const clear = (): Promise<unknown> =>
    client.protocol.setBreakpointsRequest({ source: { path: join(FIXTURES, 'src', 'harts.c') }, breakpoints: [] });
  const frames = async (threadId: number): Promise<DebugProtocol.StackFrame[]> =>
    (await client.protocol.stackTraceRequest({ threadId, startFrame: 0, levels: 20 })).body.stackFrames;
  const evaluate = async (threadId: number, expression: string): Promise<string> => {
    const [frame] = await frames(threadId);
    const { body } = await client.protocol.evaluateRequest({ expression, context: 'watch', frameId: frame!.id });
    return body.result;
  };
  const start = async (marker: string, condition?: string): Promise<void> => {
    await client.launch({ configuration: { ...configuration, stopOnEntry: true } });
    assert.equal((await client.stopped()).threadId, 1);
    await breakAt(marker, condition);
    await client.continue();
  };

  it('are threads, each with its stack and registers', async () => {
    await start('locked', 'hart == 2');
    assert.equal((await client.stopped()).threadId, 3);
    const { threads } = (await client.protocol.threadsRequest()).body;
    assert.deepEqual(
      threads,
      [0, 1, 2, 3].map((hart) => ({ id: hart + 1, name: `harts, hart ${hart}` })),
    );
    const [first, third] = [await frames(1), await frames(3)];
    assert.deepEqual(
      third.map(({ name }) => name.replace(/\(.*/, '')),
      ['count', 'other', 'start_other'],
    );
    assert.ok(first.some(({ name }) => name.startsWith('main')));
    assert.notEqual(await evaluate(1, '$sp'), await evaluate(3, '$sp'));
    for (const thread of [1, 2, 3, 4]) assert.equal(await evaluate(thread, '$hart'), `${thread - 1}`);
  });

  it('stop where a condition on the hart holds, and count for themselves', async () => {
    await start('finished', '$hart == 3');
    assert.equal((await client.stopped()).threadId, 4);
    assert.match(await evaluate(4, 'hart'), /^3\b/);
  });

  it('step alone: the others go on in their turns, and stop at their breakpoints', async () => {
    await start('locked', 'hart == 1');
    await client.stopped();
    const line = (await frames(2))[0]!.line;
    await clear();
    for (let i = 1; i <= 3; i++) {
      await client.protocol.nextRequest({ threadId: 2 });
      const stopped = await client.stopped();
      assert.deepEqual([stopped.reason, stopped.threadId], ['step', 2]);
    }
    assert.notEqual((await frames(2))[0]!.line, line);
  });

  it('stop at their breakpoints while another one steps', async () => {
    await start('start');
    await client.stopped();
    await breakAt('locked');
    // Round the loop, to where it starts hart 1.
    let stopped;
    do {
      await client.protocol.nextRequest({ threadId: 1 });
      stopped = await client.stopped();
    } while (stopped.reason === 'step' && stopped.threadId === 1);
    assert.deepEqual([stopped.reason, stopped.threadId], ['breakpoint', 2]);
    assert.equal((await frames(2))[0]!.name.replace(/\(.*/, ''), 'count');
  });

  it('are paused and go on together, to the same end', async () => {
    await client.launch({ configuration: { ...configuration, stopOnEntry: true } });
    await client.stopped();
    await client.continue();
    await client.protocol.pauseRequest({ threadId: 2 });
    // It may have come to its end before.
    const exited = client.take('exited');
    const stopped = client.stopped().then(
      () => client.continue(),
      () => undefined,
    );
    await Promise.race([stopped, exited]);
    await exited;
    assert.equal(client.printed, hartsOutput(4));
  });
});
