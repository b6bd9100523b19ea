// Data breakpoints through the real bundle: on variables, expressions and addresses of the sample kernel and its programs.
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Client, failure, KERNEL } from './client';

type Info = DebugProtocol.DataBreakpointInfoResponse['body'];
type Body = DebugProtocol.SetDataBreakpointsResponse['body'];

describe('debug adapter: data breakpoints', () => {
  let client: Client;
  beforeEach(async () => {
    client = await Client.start();
  });
  afterEach(() => client.stop());

  const info = (args: DebugProtocol.DataBreakpointInfoArguments): Promise<Info> =>
    client.request<Info>('dataBreakpointInfo', args);
  const set = async (...breakpoints: DebugProtocol.DataBreakpoint[]): Promise<DebugProtocol.Breakpoint[]> =>
    (await client.request<Body>('setDataBreakpoints', { breakpoints })).breakpoints;
  const frameId = async (): Promise<number> => (await client.stack(1))[0]!.id;

  for (const configuration of [{}, { mode: 'bare', machine: { memory: '128M' } }]) {
    const where = 'mode' in configuration ? 'bare' : 'hypervisor';

    it(`says who changed a global, from what to what (${where})`, async () => {
      await client.launch({ configuration, markers: ['timer'] });
      await client.stopped();
      const { dataId, description, accessTypes, canPersist } = await info({
        name: 'interrupt_count',
        frameId: await frameId(),
      });
      assert.match(description, /^interrupt_count \(8 bytes at 0x802/);
      assert.deepEqual(accessTypes, ['read', 'write', 'readWrite']);
      assert.equal(canPersist, true);
      await client.clearBreakpoints(['timer']);
      const [breakpoint] = await set({ dataId: dataId!, accessType: 'write' });
      assert.equal(breakpoint!.verified, true);
      const before = BigInt(await client.evaluate('interrupt_count'));
      for (const count of [before + 1n, before + 2n]) {
        await client.continue();
        const stopped = await client.stopped();
        assert.equal(stopped.reason, 'data breakpoint');
        assert.deepEqual(stopped.hitBreakpointIds, [breakpoint!.id]);
        assert.equal(stopped.description, `interrupt_count: ${count - 1n} → ${count}`);
        assert.match(
          stopped.text!,
          new RegExp(`^interrupt_count changed from ${count - 1n} to ${count} by [a-z_]+\\(\\) at timer\\.c:\\d+\\.$`),
        );
        assert.equal(await client.evaluate('interrupt_count'), `${count}`);
      }
    });
  }

  it('names the part of a struct in an array that was written, and obeys conditions', async () => {
    await client.launch({ markers: ['syscall'] });
    await client.stopped();
    const { dataId, description } = await info({ name: 'processes', frameId: await frameId() });
    assert.match(description, /^processes \(\d+ bytes/);
    await client.clearBreakpoints(['syscall']);
    await set({ dataId: dataId!, condition: 'old != new' });
    await client.continue();
    const stopped = await client.stopped();
    assert.match(stopped.text!, /^processes\[\d\]\.\S+ changed from .* by [a-z_]+\(\) at [a-z-]+\.c:\d+\.$/);
  });

  it('watches what a variable view shows: a member behind a pointer, for reads', async () => {
    await client.launch({ markers: ['syscall'] });
    await client.stopped();
    const frame = (await client.scope('Locals')).find(({ name }) => name === 'frame')!;
    const { dataId, description, canPersist } = await info({
      variablesReference: frame.variablesReference,
      name: 'a7',
    });
    assert.match(description, /^\(\*frame\)\.a7 \(8 bytes at 0x/);
    assert.equal(canPersist, false);
    await client.clearBreakpoints(['syscall']);
    await set({ dataId: dataId!, accessType: 'read' });
    await client.continue();
    assert.match((await client.stopped()).text!, /^\(\*frame\)\.a7 was read by /);
  });

  it("keeps a user program's memory apart from another's at the same address", async () => {
    await client.launch({ markers: ['user-a-heap'], functions: [{ name: 'prompt_loop' }] });
    await client.stopped();
    // Nothing is mapped there yet: the kernel will do it at the first access.
    const { dataId } = await info({ name: '0x60000000', bytes: 1, asAddress: true });
    await set({ dataId: dataId!, accessType: 'readWrite' });
    await client.clearBreakpoints(['user-a-heap']);
    await client.continue();
    const stories: string[] = [];
    for (;;) {
      const { reason, text } = await client.stopped();
      if (reason !== 'data breakpoint') break;
      stories.push(text!);
      await client.continue();
    }
    assert.match(stories[0]!, /^0x60000000 changed from 0x0 to 0x41 by user_a_main\(\) at program-a\.c:\d+\.$/);
    assert.ok(client.printed.includes('[B] '), 'program B ran and wrote to its own page at 0x60000000');
    assert.deepEqual(
      stories.filter((story) => / by user_[^a]/.test(story)),
      [],
    );
  });

  it('watches bytes at addresses, virtual and physical, and refuses what is no memory', async () => {
    await client.launch({ markers: ['timer'] });
    await client.stopped();
    const address = /0x[0-9a-f]+/.exec(
      (await info({ name: 'interrupt_count', frameId: await frameId() })).description,
    )![0];
    await client.clearBreakpoints(['timer']);
    for (const name of [address, `gpa:${address}`]) {
      const { dataId } = await info({ name, bytes: 4, asAddress: true });
      await set({ dataId: dataId!, accessType: 'write' });
      await client.continue();
      assert.match((await client.stopped()).text!, new RegExp(`^${name} changed from 0x[0-9a-f]+ to 0x[0-9a-f]+ by `));
    }
    // VS Code tells the user of errors only.
    const device = info({ name: '0x10000000', bytes: 1, asAddress: true });
    assert.match(await failure(device), /^0x10000000 is not memory, and data breakpoints watch memory/);
    const register = await info({ name: '$a0', frameId: await frameId() });
    assert.equal(register.dataId, null);
    assert.match(register.description, /is not in memory/);
    assert.match(
      (await info({ name: '$sp', frameId: await frameId(), bytes: 16 })).description,
      /^\$sp \(16 bytes at 0x/,
    );
    const [unknown] = await set({ dataId: 'nonsense' });
    assert.equal(unknown!.verified, false);
  });

  it('watches words of guest-physical and host memory, as the Watch view offers them', async () => {
    await client.launch({ markers: ['timer'] });
    await client.stopped();
    await client.clearBreakpoints(['timer']);
    const gpa = /0x[0-9a-f]+/.exec((await info({ name: 'interrupt_count', frameId: await frameId() })).description)![0];
    for (const word of [`gpa:${gpa}`, `hpa:0x${(BigInt(gpa) + 0x8000000n).toString(16)}`]) {
      assert.equal(await client.evaluate(word), await client.evaluate('interrupt_count'));
      const { dataId, description } = await info({ name: word, frameId: await frameId() });
      assert.equal(description, `${word} (8 bytes at ${word})`);
      await set({ dataId: dataId!, accessType: 'write' });
      await client.continue();
      assert.match((await client.stopped()).text!, new RegExp(`^${word} changed from [0-9]+ to [0-9]+ by timer_`));
    }
  });

  it('watches the variable of the guest that it was asked for in, where two run the same program', async () => {
    const guests = ['one', 'two'].map((name) => ({ name, program: KERNEL }));
    await client.launch({
      configuration: { guests },
      functions: [{ name: 'timer_interrupt_handler', condition: 'guest == "two"' }],
    });
    for (const threadId of [2, 1]) {
      if (threadId === 2) assert.equal((await client.stopped()).threadId, 2);
      await client.protocol.setFunctionBreakpointsRequest({ breakpoints: [] });
      const { stackFrames } = (await client.protocol.stackTraceRequest({ threadId, levels: 1 })).body;
      const { dataId } = await info({ name: 'interrupt_count', frameId: stackFrames[0]!.id });
      await set({ dataId: dataId!, accessType: 'write' });
      for (let stops = 0; stops < 2; stops++) {
        await client.continue();
        const stopped = await client.stopped();
        assert.deepEqual([stopped.reason, stopped.threadId], ['data breakpoint', threadId]);
      }
    }
  });

  it('takes lasting ones before the program is loaded, and holds them over a restart', async () => {
    const dataId = JSON.stringify({ kind: 'expression', expression: 'interrupt_count' });
    const [early] = await set({ dataId });
    assert.equal(early!.verified, false);
    await client.launch();
    // The kernel clears its memory first.
    assert.match(
      (await client.stopped()).text!,
      /^interrupt_count was written by _start\(\) at .* and is 0 as before\.$/,
    );
    await client.continue();
    const { text } = await client.stopped();
    assert.match(text!, /^interrupt_count changed from 0 to 1 by /);
    await client.request('restart', {});
    await client.stopped();
    await client.continue();
    assert.equal((await client.stopped()).text, text);
  });
});
