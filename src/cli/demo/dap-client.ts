/** A small Debug Adapter Protocol client: starts the adapter as a process of its own and talks to it over stdio. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { CustomEventName, CustomEvents, CustomRequestName, CustomRequests } from '../../protocol/messages';

const SEPARATOR = '\r\n\r\n';

interface Waiting {
  readonly resolve: (body: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class DapClient {
  private readonly process: ChildProcessWithoutNullStreams;
  private received = Buffer.alloc(0);
  private sequence = 0;
  private readonly requests = new Map<number, Waiting>();
  private readonly listeners: ((event: DebugProtocol.Event) => void)[] = [];
  private failure: Error | undefined;
  private readonly failed: ((error: Error) => void)[] = [];

  /** @param adapter path of the adapter's bundle */
  constructor(adapter: string) {
    this.process = spawn(process.execPath, [adapter]);
    this.process.stdout.on('data', (data: Buffer) => this.receive(data));
    this.process.on('error', (error) => this.fail(`The debug adapter cannot be started: ${error.message}`));
    this.process.on('exit', (code) => this.fail(`The debug adapter ended with status ${code}.`));
    this.process.stdin.on('error', () => undefined);
  }

  /** Process number of the adapter. */
  get pid(): number | undefined {
    return this.process.pid;
  }

  onEvent(listener: (event: DebugProtocol.Event) => void): void {
    this.listeners.push(listener);
  }

  onCustomEvent<Name extends CustomEventName>(name: Name, listener: (body: CustomEvents[Name]) => void): void {
    this.onEvent(({ event, body }) => {
      if (event === name) listener(body as CustomEvents[Name]);
    });
  }

  /** Sends a request. @returns the response's body @throws Error with the adapter's message */
  request<Body>(command: string, args?: object): Promise<Body> {
    return new Promise((resolve, reject) => {
      if (this.failure) return reject(this.failure);
      const seq = ++this.sequence;
      this.requests.set(seq, { resolve: resolve as (body: unknown) => void, reject });
      const text = JSON.stringify({ seq, type: 'request', command, arguments: args });
      this.process.stdin.write(`Content-Length: ${Buffer.byteLength(text)}${SEPARATOR}${text}`);
    });
  }

  custom<Name extends CustomRequestName>(
    name: Name,
    args: CustomRequests[Name]['arguments'],
  ): Promise<CustomRequests[Name]['response']> {
    return this.request(name, args);
  }

  /** The body of the next event of this name; `accept` may wait for a particular one. */
  event<Body>(name: string, accept: (body: Body) => boolean = () => true): Promise<Body> {
    return new Promise((resolve, reject) => {
      if (this.failure) return reject(this.failure);
      this.failed.push(reject);
      this.onEvent(({ event, body }) => {
        if (event === name && accept(body as Body)) resolve(body as Body);
      });
    });
  }

  close(): void {
    this.process.removeAllListeners('exit');
    this.process.kill();
  }

  private fail(message: string): void {
    this.failure = new Error(message);
    for (const { reject } of this.requests.values()) reject(this.failure);
    for (const reject of this.failed) reject(this.failure);
  }

  private receive(data: Buffer): void {
    this.received = Buffer.concat([this.received, data]);
    for (;;) {
      const end = this.received.indexOf(SEPARATOR);
      if (end < 0) return;
      const length = Number(/Content-Length: *(\d+)/i.exec(this.received.toString('ascii', 0, end))?.[1]);
      const start = end + SEPARATOR.length;
      if (this.received.length < start + length) return;
      const message = JSON.parse(
        this.received.toString('utf8', start, start + length),
      ) as DebugProtocol.ProtocolMessage;
      this.received = this.received.subarray(start + length);
      this.dispatch(message);
    }
  }

  private dispatch(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === 'event') {
      for (const listener of this.listeners) listener(message as DebugProtocol.Event);
      return;
    }
    if (message.type !== 'response') return;
    const response = message as DebugProtocol.Response;
    const waiting = this.requests.get(response.request_seq);
    this.requests.delete(response.request_seq);
    if (response.success) {
      waiting?.resolve(response.body);
    } else {
      const detail = (response.body as { error?: DebugProtocol.Message } | undefined)?.error?.format;
      waiting?.reject(new Error(detail ?? response.message ?? `${response.command} failed.`));
    }
  }
}
