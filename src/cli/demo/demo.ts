/**
 * `hypocaust demo`: boots the sample kernel under the hypervisor and shows a short debugging session. Everything printed
 * comes from the debug adapter, over the protocol that VS Code speaks; a step that does not happen ends with an error.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { decodeBase64, encodeBase64 } from '../../protocol/base64';
import { DapClient } from './dap-client';
import { pageTablesAround } from './page-tables';

const TIMEOUT_SECONDS = 60;
const FRAMES = 8;
const SHOWN_REGISTERS = ['pc', 'ra', 'sp', 's0', 'a0', 'a1', 'a7'];

const print = (text = '') => void process.stdout.write(`${text}\n`);
const indented = (text: string) =>
  text
    .split('\n')
    .map((line) => `    ${line}`.trimEnd())
    .join('\n');
const heading = (text: string) => print(`\n== ${text}`);

/** The line of a file that has this marker in a comment. */
function markedLine(path: string, marker: string): number {
  const index = readFileSync(path, 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(`breakpoint: ${marker} `));
  if (index < 0) throw new Error(`${path} has no line marked "breakpoint: ${marker}".`);
  return index + 1;
}

/** One step's expectation; the demonstration is worth nothing if it only looks right. */
function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`The demonstration failed: ${what}.`);
}

class Demonstration {
  private readonly client: DapClient;
  private printed = '';
  private consoleId = '';

  constructor(
    adapter: string,
    private readonly sample: string,
  ) {
    this.client = new DapClient(adapter);
    this.client.onCustomEvent('hypocaust/consoleOutput', ({ console, data }) => {
      this.consoleId = console;
      this.printed += new TextDecoder().decode(decodeBase64(data)).replaceAll('\r', '');
    });
  }

  async show(): Promise<void> {
    try {
      await this.launch();
      await this.sourceBreakpoint();
      await this.hypervisorEvent();
      await this.demandPage();
      await this.mistake();
      await this.end();
    } finally {
      this.client.close();
    }
  }

  private async launch(): Promise<void> {
    const { client } = this;
    const program = join(this.sample, 'kernel.elf');
    const source = join(this.sample, 'kernel', 'system-calls.c');
    const line = markedLine(source, 'syscall');
    heading(`Launch ${program} under the hypervisor, with a breakpoint at system-calls.c:${line}`);
    const started = performance.now();
    await client.request('initialize', {
      adapterID: 'hypocaust',
      pathFormat: 'path',
      linesStartAt1: true,
      columnsStartAt1: true,
    });
    const initialized = client.event('initialized');
    const stopped = this.stopped();
    const launched = client.request('launch', { program, __consoleEvents: true });
    await initialized;
    const { breakpoints } = await client.request<DebugProtocol.SetBreakpointsResponse['body']>('setBreakpoints', {
      source: { path: source },
      breakpoints: [{ line }],
    });
    await client.request('configurationDone');
    await launched;
    const { reason } = await stopped;
    expect(reason === 'breakpoint', `the first stop is a breakpoint, not "${reason}"`);
    expect(breakpoints.length === 1, 'the breakpoint is answered');
    print(`Stopped there ${(performance.now() - started).toFixed(0)} ms after the launch request.`);
  }

  private async sourceBreakpoint(): Promise<void> {
    heading("The guest's console until now");
    expect(this.printed.includes('Paging is on'), 'the kernel has printed its first lines');
    print(indented(this.printed.trim()));
    this.printed = '';
    heading('Where it stands');
    const frames = await this.stack();
    expect(frames.length > 1 && frames[0].line > 0, 'the stack has source positions');
    heading('Registers');
    const registers = await this.variables(frames[0].id, /register/i);
    const shown = registers.filter(({ name }) => SHOWN_REGISTERS.includes(name));
    expect(shown.length === SHOWN_REGISTERS.length, 'the registers can be read');
    for (const { name, value } of shown) print(`    ${name.padEnd(4)} ${value}`);
  }

  private async hypervisorEvent(): Promise<void> {
    heading('Stop in the hypervisor: the next write of the guest to satp (hypervisor.csrWrite, csr == "satp")');
    await this.client.request('setBreakpoints', {
      source: { path: join(this.sample, 'kernel', 'system-calls.c') },
      breakpoints: [],
    });
    await this.client.request('setFunctionBreakpoints', {
      breakpoints: [{ name: 'hypervisor.csrWrite', condition: 'csr == "satp"' }],
    });
    await this.continueToStop();
    const [frame] = await this.stack();
    const record = await this.variables(frame.id, /exit/i);
    expect(
      record.some(({ name, value }) => name === 'csr' && value.includes('satp')),
      'the exit record names satp',
    );
    print('  The exit record:');
    for (const { name, value } of record) print(`    ${name.padEnd(17)} ${value}`);
    await this.client.request('setFunctionBreakpoints', { breakpoints: [] });
  }

  private async demandPage(): Promise<void> {
    heading('Stop on a trap cause: store page fault. A user program touches its heap for the first time');
    await this.client.request('setExceptionBreakpoints', { filters: ['store-page-fault'] });
    await this.continueToStop('exception');
    await this.explainFault(/A|D|invalid|V = 0|not mapped/);
    await this.client.request('setExceptionBreakpoints', { filters: [] });
  }

  private async mistake(): Promise<void> {
    const ready = this.consoleShows('kernel> ');
    await this.client.request('continue', { threadId: 1 });
    await ready;
    heading('Type "w" at the kernel\'s prompt: it writes to a read-only page');
    await this.client.request('setExceptionBreakpoints', { filters: ['store-page-fault'] });
    const stopped = this.stopped();
    await this.type('w\r');
    const { reason } = await stopped;
    expect(reason === 'exception', `the mistake stops as an exception, not "${reason}"`);
    await this.explainFault(/W = 0|read-only/);
    await this.client.request('setExceptionBreakpoints', { filters: [] });
  }

  private async end(): Promise<void> {
    heading('Let the kernel recover, and type "q": it powers off');
    this.printed = '';
    const recovered = this.consoleShows('kernel> ');
    await this.client.request('continue', { threadId: 1 });
    await recovered;
    const exited = this.client.event<DebugProtocol.ExitedEvent['body']>('exited');
    await this.type('q\r');
    const { exitCode } = await exited;
    print(indented(this.printed.trim()));
    expect(exitCode === 0, `the guest ends with code 0, not ${exitCode}`);
    print(
      '\nThe guest powered off with exit code 0. Every step above really happened, over the Debug Adapter Protocol.',
    );
  }

  /** Prints why the current exception happened, and the page tables around its address. */
  private async explainFault(words: RegExp): Promise<void> {
    const info = await this.client.request<DebugProtocol.ExceptionInfoResponse['body']>('exceptionInfo', {
      threadId: 1,
    });
    print(indented(info.description ?? ''));
    const details = info.details?.stackTrace ?? '';
    if (details) print(indented(details));
    expect(words.test(`${info.description} ${details}`), 'the explanation names the bit');
    print();
    const [frame] = await this.stack();
    const record = await this.variables(frame.id, /exit/i);
    const address = record.find(({ name }) => name === 'stval')?.value.match(/0x[0-9a-f]+/i)?.[0];
    expect(address !== undefined, 'the exit record has the faulting address');
    print(`\n  Shadow page tables around ${address}:`);
    const lines = await pageTablesAround(this.client, BigInt(address ?? 0));
    expect(lines.length > 3, 'the page-table tree has levels');
    print(indented(lines.join('\n')));
  }

  private stopped(): Promise<DebugProtocol.StoppedEvent['body']> {
    return this.client.event('stopped');
  }

  private async continueToStop(expected?: string): Promise<void> {
    const stopped = this.stopped();
    await this.client.request('continue', { threadId: 1 });
    const { reason, description } = await stopped;
    expect(expected === undefined || reason === expected, `the stop is "${expected}", not "${reason}"`);
    print(`Stopped: ${description ?? reason}`);
  }

  private async stack(): Promise<DebugProtocol.StackFrame[]> {
    const { stackFrames } = await this.client.request<DebugProtocol.StackTraceResponse['body']>('stackTrace', {
      threadId: 1,
      startFrame: 0,
      levels: FRAMES,
    });
    expect(stackFrames.length > 0, 'there is a stack');
    for (const { name, source, line } of stackFrames) {
      print(`    ${name}${source?.name ? `  (${source.name}:${line})` : ''}`);
    }
    return stackFrames;
  }

  private async variables(frameId: number, scope: RegExp): Promise<DebugProtocol.Variable[]> {
    const { scopes } = await this.client.request<DebugProtocol.ScopesResponse['body']>('scopes', { frameId });
    const found = scopes.find(({ name }) => scope.test(name));
    expect(
      found !== undefined,
      `there is a scope like ${scope.source} among ${scopes.map(({ name }) => name).join(', ')}`,
    );
    const { variables } = await this.client.request<DebugProtocol.VariablesResponse['body']>('variables', {
      variablesReference: found?.variablesReference ?? 0,
    });
    return variables;
  }

  private async type(text: string): Promise<void> {
    await this.client.custom('hypocaust/consoleInput', {
      console: this.consoleId,
      data: encodeBase64(new TextEncoder().encode(text)),
    });
  }

  private async consoleShows(text: string): Promise<void> {
    while (!this.printed.includes(text)) await this.client.event('hypocaust/consoleOutput');
  }
}

/** @returns the exit status: 0 only when every step happened */
export async function demo(): Promise<number> {
  const root = join(__dirname, '..');
  const demonstration = new Demonstration(join(__dirname, 'adapter.js'), join(root, 'samples', 'teaching-kernel'));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`The demonstration did not end within ${TIMEOUT_SECONDS} seconds.`)),
      TIMEOUT_SECONDS * 1000,
    );
  });
  try {
    await Promise.race([demonstration.show(), late]);
    return 0;
  } finally {
    clearTimeout(timer);
  }
}
