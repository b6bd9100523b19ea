/** A client of the real bundle over stdio, for tests: events are kept in order, so that none is missed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DebugClient } from '@vscode/debugadapter-testsupport';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { CustomRequestName, CustomRequests } from '../../src/protocol/messages';
import { findMarker } from '../support/markers';

export const ROOT = join(__dirname, '..', '..');
export const SAMPLE = join(ROOT, 'samples', 'teaching-kernel');
export const KERNEL = join(SAMPLE, 'kernel.elf');
export const FIXTURES = join(ROOT, 'test', 'fixtures');
const BUNDLE = join(ROOT, 'dist', 'adapter.js');

const PATIENCE = 15_000;

export type Stopped = DebugProtocol.StoppedEvent['body'];

export interface LaunchWith {
  readonly configuration?: Record<string, unknown>;
  /** Markers of the sample's sources. */
  readonly markers?: readonly string[];
  readonly functions?: readonly DebugProtocol.FunctionBreakpoint[];
  readonly filters?: readonly DebugProtocol.ExceptionFilterOptions[];
}

export class Client {
  readonly protocol = new DebugClient(process.execPath, BUNDLE, 'hypocaust');
  readonly capabilities: DebugProtocol.Capabilities = {};
  private readonly events: DebugProtocol.Event[] = [];
  private readonly waiting = new Set<() => void>();
  text = '';

  static async start(initialize: Partial<DebugProtocol.InitializeRequestArguments> = {}): Promise<Client> {
    if (!existsSync(BUNDLE)) throw new Error(`${BUNDLE} is missing: run node scripts/build.mjs first`);
    const client = new Client();
    await client.protocol.start();
    const record = client.protocol.emit.bind(client.protocol);
    // Each event is emitted under its name; taking them there keeps custom events as well.
    client.protocol.emit = (name: string | symbol, ...args: unknown[]): boolean => {
      const [event] = args;
      if (isEvent(event) && event.event === name) client.receive(event);
      return record(name, ...args);
    };
    const initialized = client.protocol.initializeRequest({
      adapterID: 'hypocaust',
      clientID: 'test',
      linesStartAt1: true,
      columnsStartAt1: true,
      pathFormat: 'path',
      supportsInvalidatedEvent: true,
      supportsMemoryEvent: true,
      ...initialize,
    });
    // An adapter that is left behind would keep the test run from ending.
    const { body } = await initialized.catch(async (error: unknown) => {
      await client.stop();
      throw error;
    });
    Object.assign(client.capabilities, body);
    return client;
  }

  /** Launches the sample (or what the configuration says), sets breakpoints, and lets it run. */
  async launch({ configuration = {}, markers = [], functions = [], filters = [] }: LaunchWith = {}): Promise<void> {
    const program = 'program' in configuration || 'guests' in configuration ? {} : { program: KERNEL };
    const launched = this.protocol.launchRequest({
      ...program,
      ...configuration,
    } as DebugProtocol.LaunchRequestArguments);
    await Promise.race([this.take('initialized'), launched]);
    await this.breakAt(...markers);
    if (functions.length > 0) await this.protocol.setFunctionBreakpointsRequest({ breakpoints: [...functions] });
    if (filters.length > 0) {
      await this.protocol.setExceptionBreakpointsRequest({ filters: [], filterOptions: [...filters] });
    }
    await this.protocol.configurationDoneRequest();
    await launched;
  }

  /** Replaces the source breakpoints, by markers. */
  async breakAt(...markers: readonly string[]): Promise<DebugProtocol.Breakpoint[]> {
    const found: DebugProtocol.Breakpoint[] = [];
    const places = markers.map((marker) => findMarker(SAMPLE, marker));
    for (const path of new Set(places.map((place) => place.path))) {
      const breakpoints = places.filter((place) => place.path === path).map(({ line }) => ({ line }));
      const { body } = await this.protocol.setBreakpointsRequest({ source: { path }, breakpoints });
      found.push(...body.breakpoints);
    }
    return found;
  }

  async clearBreakpoints(markers: readonly string[]): Promise<void> {
    for (const path of new Set(markers.map((marker) => findMarker(SAMPLE, marker).path))) {
      await this.protocol.setBreakpointsRequest({ source: { path }, breakpoints: [] });
    }
  }

  /** The next event of that name that has not been taken yet. */
  async take<Body>(name: string, patience = PATIENCE): Promise<Body> {
    const deadline = Date.now() + patience;
    for (;;) {
      const index = this.events.findIndex(({ event }) => event === name);
      if (index >= 0) return this.events.splice(index, 1)[0]!.body as Body;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`no event "${name}" within ${patience} ms; the guest printed:\n${this.text}`);
      await this.next(left);
    }
  }

  stopped(patience?: number): Promise<Stopped> {
    return this.take<Stopped>('stopped', patience);
  }

  /** Waits until the guest has printed this. */
  async prints(wanted: string, patience = PATIENCE): Promise<void> {
    const deadline = Date.now() + patience;
    while (!this.text.includes(wanted)) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`the guest did not print "${wanted}" within ${patience} ms, but:\n${this.text}`);
      await this.next(left);
    }
  }

  /** What the guest has printed so far. */
  get printed(): string {
    return this.text;
  }

  async type(keys: string): Promise<void> {
    const { consoles } = await this.custom('hypocaust/consoles', undefined);
    const data = Buffer.from(keys).toString('base64');
    await this.custom('hypocaust/consoleInput', { console: consoles[0]!.id, data });
  }

  async custom<Name extends CustomRequestName>(
    name: Name,
    args: CustomRequests[Name]['arguments'],
  ): Promise<CustomRequests[Name]['response']> {
    return (await this.protocol.customRequest(name, args)).body as CustomRequests[Name]['response'];
  }

  /** Any request of the standard, with its body. */
  async request<Body>(command: string, args?: unknown): Promise<Body> {
    return (await this.protocol.customRequest(command, args)).body as Body;
  }

  async stack(levels = 20): Promise<DebugProtocol.StackFrame[]> {
    const { body } = await this.protocol.stackTraceRequest({ threadId: 1, startFrame: 0, levels });
    return body.stackFrames;
  }

  async scope(name: string, frame = 0): Promise<DebugProtocol.Variable[]> {
    const frames = await this.stack();
    const { body } = await this.protocol.scopesRequest({ frameId: frames[frame]!.id });
    const scope = body.scopes.find((candidate) => candidate.name === name);
    if (!scope) throw new Error(`no scope "${name}", only ${body.scopes.map((one) => one.name).join(', ')}`);
    return this.variables(scope.variablesReference);
  }

  async variables(variablesReference: number): Promise<DebugProtocol.Variable[]> {
    return (await this.protocol.variablesRequest({ variablesReference })).body.variables;
  }

  async evaluate(expression: string, context = 'watch'): Promise<string> {
    const [frame] = await this.stack(1);
    const { body } = await this.protocol.evaluateRequest({ expression, context, frameId: frame!.id });
    return body.result;
  }

  async continue(): Promise<void> {
    await this.protocol.continueRequest({ threadId: 1 });
  }

  async next(patience: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, patience);
      this.waiting.add(done);
    });
  }

  /** Ends the adapter, however it is. */
  async stop(): Promise<void> {
    await this.protocol.stop();
  }

  private receive(event: DebugProtocol.Event): void {
    if (event.event === 'output' && event.body.category === 'stdout') this.text += event.body.output;
    else if (event.event === 'hypocaust/consoleOutput') this.text += Buffer.from(event.body.data, 'base64').toString();
    else this.events.push(event);
    for (const done of [...this.waiting]) done();
  }
}

function isEvent(message: unknown): message is DebugProtocol.Event {
  return typeof message === 'object' && message !== null && (message as { type?: unknown }).type === 'event';
}

/** The sentence of an error response. */
export async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the request succeeded');
}
