// The usual debugging session on the sample kernel, through the real bundle.
import assert from 'node:assert/strict';
import { basename, join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { findMarker } from '../support/markers';
import { Client, failure, FIXTURES, KERNEL, SAMPLE } from './client';

describe('debug adapter: a session', () => {
  let client: Client;
  beforeEach(async () => {
    client = await Client.start();
  });
  afterEach(() => client.stop());

  it('stops at a source breakpoint, with stack, arguments, locals and registers', async () => {
    await client.launch({ markers: ['syscall'] });
    const stopped = await client.stopped();
    assert.equal(stopped.reason, 'breakpoint');
    assert.equal(stopped.allThreadsStopped, true);
    assert.equal(stopped.hitBreakpointIds?.length, 1);

    const [top, ...callers] = await client.stack();
    const marked = findMarker(SAMPLE, 'syscall');
    assert.equal(top!.name, 'system_call_handler');
    assert.equal(top!.line, marked.line);
    assert.equal(top!.source?.path, marked.path);
    assert.match(top!.instructionPointerReference ?? '', /^0x802/);
    assert.ok(callers.length > 0, 'it has callers');

    const [process] = await client.scope('Arguments');
    assert.equal(process!.name, 'process');
    const frame = (await client.scope('Locals')).find(({ name }) => name === 'frame')!;
    const members = await client.variables(frame.variablesReference);
    assert.ok(
      members.some(({ name }) => name === 'a7'),
      'the trap frame has its registers as members',
    );

    const registers = await client.scope('Registers');
    assert.deepEqual(
      registers.slice(0, 4).map(({ name }) => name),
      ['pc', 'ra', 'sp', 'gp'],
    );
    assert.match(registers[0]!.value, /^0x00000000802[0-9a-f]{5} <system_call_handler/);
  });

  it('continues from stop to stop, and pauses', async () => {
    await client.launch({ markers: ['timer'] });
    await client.stopped();
    await client.continue();
    await client.stopped();
    await client.clearBreakpoints(['timer']);
    await client.continue();
    await client.prints('kernel> ');
    await client.protocol.pauseRequest({ threadId: 1 });
    const stopped = await client.stopped();
    assert.equal(stopped.reason, 'pause');
    assert.match(stopped.text ?? '', /waits for an interrupt/);
  });

  it('takes input, and ends with the exit code when the guest powers off', async () => {
    await client.launch();
    await client.prints('kernel> ');
    await client.type('q\r');
    await client.prints('Good bye.');
    assert.equal((await client.take<DebugProtocol.ExitedEvent['body']>('exited')).exitCode, 0);
    await client.take('terminated');
  });

  it('restarts from the beginning with the same breakpoints', async () => {
    await client.launch({ markers: ['boot'] });
    await client.stopped();
    const [first] = await client.stack();
    await client.clearBreakpoints([]);
    await client.continue();
    await client.prints('kernel> ');
    await client.request('restart', {});
    await client.stopped();
    const [again] = await client.stack();
    assert.equal(again!.line, first!.line);
    assert.equal(client.printed.split('hello from hart').length, 3);
    assert.match(await failure(client.protocol.scopesRequest({ frameId: first!.id })), /no longer there/);
  });

  it('stops on entry, and terminates', async () => {
    await client.launch({ configuration: { stopOnEntry: true } });
    assert.equal((await client.stopped()).reason, 'entry');
    const [top] = await client.stack();
    assert.equal(top!.name, '_start');
    assert.equal(basename(top!.source?.path ?? ''), 'boot.S');
    await client.protocol.terminateRequest({});
    await client.take('terminated');
  });

  it('runs a kernel on the bare machine', async () => {
    await client.launch({ configuration: { mode: 'bare', machine: { memory: '128M' } }, markers: ['syscall'] });
    await client.stopped();
    assert.equal(await client.evaluate('mode'), 'S');
    const csrs = await client.scope('Machine CSRs');
    assert.ok(csrs.some(({ name }) => name === 'medeleg'));
  });

  it('runs a program in M-mode, without firmware', async () => {
    const program = join(FIXTURES, 'machine-mode-fail.elf');
    await client.launch({ configuration: { program, mode: 'machine', stopOnEntry: true } });
    assert.equal((await client.stopped()).reason, 'entry');
    assert.equal(await client.evaluate('mode'), 'M');
    assert.equal(await client.evaluate('pc == 0x80000000'), 'true');
    await client.continue();
    assert.equal((await client.take<DebugProtocol.ExitedEvent['body']>('exited')).exitCode, 3);
  });

  it('changes registers, variables and memory', async () => {
    await client.launch({ markers: ['syscall'] });
    await client.stopped();
    const frames = await client.stack();
    const { body } = await client.protocol.scopesRequest({ frameId: frames[0]!.id });
    const registers = body.scopes.find(({ name }) => name === 'Registers')!;
    const { body: set } = await client.protocol.setVariableRequest({
      variablesReference: registers.variablesReference,
      name: 't6',
      value: '0x1234 + 1',
    });
    assert.match(set.value, /^0x0000000000001235/);
    assert.equal(await client.evaluate('t6 == 0x1235'), 'true');
    await client.take('invalidated');

    const frame = (await client.scope('Locals')).find(({ name }) => name === 'frame')!;
    const a7 = (await client.variables(frame.variablesReference)).find(({ name }) => name === 'a7')!;
    assert.equal(await client.evaluate('frame->a7'), a7.value);
    await client.request('setExpression', { expression: 'frame->a7', value: '77', frameId: frames[0]!.id });
    assert.equal(await client.evaluate('frame->a7'), '77');

    const reference = a7.memoryReference!;
    const write = { memoryReference: reference, data: Buffer.from([1, 2, 0, 0]).toString('base64') };
    assert.deepEqual(await client.request('writeMemory', write), { bytesWritten: 4 });
    assert.equal(await client.evaluate('frame->a7'), String(0x201));
    const read = await client.request<{ data: string }>('readMemory', { memoryReference: reference, count: 8 });
    assert.deepEqual([...Buffer.from(read.data, 'base64')], [1, 2, 0, 0, 0, 0, 0, 0]);
  });

  it('reads memory up to where it ends, and says how much is missing', async () => {
    await client.launch({ configuration: { stopOnEntry: true } });
    await client.stopped();
    const end = 0x88000000;
    const memoryReference = `gpa:0x${(end - 16).toString(16)}`;
    const read = await client.request<DebugProtocol.ReadMemoryResponse['body']>('readMemory', {
      memoryReference,
      count: 5000,
    });
    assert.equal(Buffer.from(read!.data!, 'base64').length, 16);
    assert.equal(read!.unreadableBytes, 4984);
    const nothing = await client.request<DebugProtocol.ReadMemoryResponse['body']>('readMemory', {
      memoryReference: '0x0',
      count: 64,
    });
    assert.equal(nothing!.unreadableBytes, 64);
    assert.match(await failure(client.request('readMemory', { memoryReference: 'x', count: 1 })), /is no address/);
  });

  it('shows CSRs by field, and sets guest CSRs', async () => {
    await client.launch({ markers: ['syscall'] });
    await client.stopped();
    const csrs = await client.scope('Guest CSRs');
    const satp = csrs.find(({ name }) => name === 'satp')!;
    assert.match(satp.value, /^0x8/);
    const fields = await client.variables(satp.variablesReference);
    assert.match(fields.find(({ name }) => name === 'MODE')!.value, /8: Sv39/);
    assert.equal(await client.evaluate('satp.mode'), '8');
    assert.match(await client.evaluate('scause'), /Environment call from U-mode/);
    const host = await client.scope('Host CSRs');
    assert.match(host.find(({ name }) => name === 'satp')!.value, /^0x8/);
    assert.match(await client.evaluate('host_stvec'), /^0xfffffffffffff000/);
    const [frame] = await client.stack(1);
    await client.request('setExpression', { expression: 'sscratch', value: '5', frameId: frame!.id });
    assert.match(await client.evaluate('sscratch'), /^0x0000000000000005/);
  });

  it('evaluates, completes and helps in the console', async () => {
    await client.launch({ markers: ['syscall'] });
    await client.stopped();
    assert.match(await client.evaluate('help', 'repl'), /translate \[gva\|gpa\|hpa\] ADDRESS/);
    assert.match(await client.evaluate('translate pc', 'repl'), /^Load from 0x802.*\n(.*\n)+.*Shadow page table/);
    assert.match(await client.evaluate('exits', 'repl'), /shadowFill +\d+/);
    assert.match(await client.evaluate('exits', 'repl'), /csrWrite .*\n {2}sscratch .*µs/);
    assert.match(
      await client.evaluate('exits 1 satp', 'repl'),
      /csrWrite satp: 0x.* use_page_table.*\(paging.c:\d+\)$/,
    );
    assert.match(
      await client.evaluate('exits at trap_entry', 'repl'),
      /csrWrite sscratch.* trap_entry \(trap-entry.S:\d+\)$/,
    );
    assert.match(await failure(client.evaluate('exits nonsense', 'repl')), /No VM exit was about "nonsense"/);
    const { guests, lastExits } = await client.custom('hypocaust/statistics', undefined);
    const writes = guests[0]!.kinds!.find(({ kind }) => kind === 'csrWrite')!;
    assert.equal(writes.count, guests[0]!.exits['csrWrite']);
    assert.ok(writes.places.some(({ source }) => source?.path === `${SAMPLE}/kernel/paging.c`));
    assert.ok(lastExits!.length === 100 && lastExits![0]!.index > lastExits![1]!.index);
    assert.match(await client.evaluate('disassemble', 'repl'), /system_call_handler|0x00000000802/);
    assert.match(await client.evaluate('memory sp 2', 'repl'), /^0x[0-9a-f]{16}: ([0-9a-f]{2} ){16}/);
    assert.match(await failure(client.evaluate('nothing_of_the_kind')), /is not known here/);
    const { body } = await client.protocol.completionsRequest({ text: 'sst', column: 4 });
    assert.ok(body.targets.some(({ label }) => label === 'sstatus'));
  });

  it('gives the console as text to clients that know no terminal, as events to those that do', async () => {
    await client.launch({ configuration: { __consoleEvents: true } });
    await client.prints('kernel> ');
    const { consoles } = await client.custom('hypocaust/consoles', undefined);
    assert.equal(consoles.length, 1);
    assert.match(Buffer.from(consoles[0]!.backlog, 'base64').toString(), /Teaching kernel: hello/);
    assert.equal(consoles[0]!.backlogOffset, 0);
  });

  it('counts, logs, and tests conditions at breakpoints', async () => {
    const { path, line } = findMarker(SAMPLE, 'syscall');
    const launched = client.protocol.launchRequest({ program: KERNEL } as DebugProtocol.LaunchRequestArguments);
    await client.take('initialized');
    const set = (breakpoint: Partial<DebugProtocol.SourceBreakpoint>): Promise<DebugProtocol.SetBreakpointsResponse> =>
      client.protocol.setBreakpointsRequest({ source: { path }, breakpoints: [{ line, ...breakpoint }] });
    await set({ logMessage: 'call {frame->a7}' });
    await client.protocol.configurationDoneRequest();
    await launched;
    const log = await client.take<DebugProtocol.OutputEvent['body']>('output');
    assert.match(log.output, /^call \d+\n$/);
    await client.prints('kernel> ');
    await set({ condition: 'frame->a7 ==' });
    const { body } = await set({ condition: 'frame->a7 ==' });
    assert.equal(body.breakpoints[0]!.verified, false);
    assert.match(body.breakpoints[0]!.message ?? '', /ends too early/);
    await set({ hitCondition: '3' });
    await client.type('r\r');
    await client.stopped();
  });

  it('answers for breakpoints that cannot be', async () => {
    await client.launch({ configuration: { stopOnEntry: true } });
    await client.stopped();
    const { body } = await client.protocol.setFunctionBreakpointsRequest({
      breakpoints: [
        { name: 'kernel_main' },
        { name: '*0x80200010' },
        { name: 'no_such_function' },
        { name: 'hypervisor.csrWrite' },
        { name: 'hypervisor.nothing' },
      ],
    });
    assert.deepEqual(
      body.breakpoints.map(({ verified }) => verified),
      [true, true, false, true, false],
    );
    assert.match(body.breakpoints[2]!.message ?? '', /No function or label "no_such_function" in kernel.elf/);
    assert.match(body.breakpoints[4]!.message ?? '', /there are csrRead, csrWrite/);
    const locations = await client.request<DebugProtocol.BreakpointLocationsResponse['body']>('breakpointLocations', {
      source: { path: findMarker(SAMPLE, 'boot').path },
      line: 1,
      endLine: 100,
    });
    assert.ok(locations.breakpoints.some(({ line }) => line === findMarker(SAMPLE, 'boot').line));
  });
});
