// Other ways to use the adapter: over TCP, breakpoints before the launch, without debugging, other conventions.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DebugClient } from '@vscode/debugadapter-testsupport';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { findMarker } from '../support/markers';
import { Client, KERNEL, ROOT, SAMPLE } from './client';

describe('debug adapter: clients', () => {
  let client: Client | undefined;
  let server: ChildProcess | undefined;
  afterEach(async () => {
    await client?.stop();
    client = undefined;
    server?.kill();
    server = undefined;
  });

  it('serves several clients on a port', async () => {
    server = spawn(process.execPath, [join(ROOT, 'dist', 'adapter.js'), '--port', '0']);
    const port = await new Promise<number>((resolve, reject) => {
      server!.stderr!.on('data', (data) => {
        const match = /port (\d+)/.exec(String(data));
        if (match) resolve(Number(match[1]));
      });
      server!.on('exit', () => reject(new Error('the adapter ended')));
    });
    const clients = [1, 2].map(() => new DebugClient(process.execPath, '', 'hypocaust'));
    for (const one of clients) {
      await one.start(port);
      await one.initializeRequest();
      const stopped = one.waitForEvent('stopped');
      const initialized = one.waitForEvent('initialized');
      await one.launchRequest({ program: KERNEL, stopOnEntry: true } as DebugProtocol.LaunchRequestArguments);
      await initialized;
      await one.configurationDoneRequest();
      await stopped;
    }
    for (const one of clients) await one.stop();
  });

  it('refuses a port that is none', async () => {
    server = spawn(process.execPath, [join(ROOT, 'dist', 'adapter.js'), '--port', 'x']);
    assert.equal(await new Promise((resolve) => server!.on('exit', resolve)), 2);
  });

  it('takes breakpoints before the launch, and verifies them later', async () => {
    client = await Client.start();
    const [pending] = await client.breakAt('boot');
    assert.equal(pending.verified, false);
    await client.launch();
    const changed = await client.take<DebugProtocol.BreakpointEvent['body']>('breakpoint');
    assert.equal(changed.reason, 'changed');
    assert.equal(changed.breakpoint.id, pending.id);
    assert.equal(changed.breakpoint.verified, true);
    assert.deepEqual((await client.stopped()).hitBreakpointIds, [pending.id]);
  });

  it('runs without stopping when not debugging', async () => {
    client = await Client.start();
    await client.launch({ configuration: { noDebug: true, stopOnEntry: true }, markers: ['boot', 'prompt'] });
    await client.prints('kernel> ');
    await client.type('q\r');
    await client.take('terminated');
  });

  it('counts lines from 0 and writes paths as URIs for clients that do', async () => {
    client = await Client.start({ linesStartAt1: false, columnsStartAt1: false, pathFormat: 'uri' });
    const { path, line } = findMarker(SAMPLE, 'boot');
    const launched = client.protocol.launchRequest({ program: KERNEL } as DebugProtocol.LaunchRequestArguments);
    await client.take('initialized');
    const { body } = await client.protocol.setBreakpointsRequest({
      source: { path: pathToFileURL(path).href },
      breakpoints: [{ line: line - 1 }],
    });
    assert.equal(body.breakpoints[0].line, line - 1);
    await client.protocol.configurationDoneRequest();
    await launched;
    await client.stopped();
    const [top] = await client.stack(1);
    assert.equal(top.line, line - 1);
    assert.equal(top.source!.path, pathToFileURL(path).href);
  });

  it('takes symbols of further files, and a name for the guest', async () => {
    client = await Client.start();
    await client.launch({
      configuration: {
        guests: [{ name: 'linux', program: KERNEL, symbols: [KERNEL], memory: '64M', bootargs: 'x=1' }],
      },
      markers: ['boot'],
    });
    await client.stopped();
    const { threads } = await client.request<DebugProtocol.ThreadsResponse['body']>('threads');
    assert.deepEqual(threads, [{ id: 1, name: 'linux' }]);
    await client.continue();
    await client.prints('Memory: 64 MiB');
  });
});
