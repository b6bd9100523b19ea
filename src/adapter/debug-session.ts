/** The debug adapter: a session of the protocol, each request passed to its handler. */
import { DebugSession } from '@vscode/debugadapter';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { DebuggerError } from '../debugger/errors';
import { ConfigurationError } from '../protocol/fields';
import { capabilities } from './capabilities';
import { Connection } from './connection';
import { breakpointRequests } from './requests/breakpoints';
import { customRequests } from './requests/custom';
import { explainRequests } from './requests/explain';
import { executionRequests } from './requests/execution';
import { lifecycleRequests } from './requests/lifecycle';
import { memoryRequests } from './requests/memory';
import { stackRequests } from './requests/stack';
import { variablesRequests } from './requests/variables';
import type { RequestHandlers } from './request-handlers';

const handlers: RequestHandlers = {
  initialize(connection, args) {
    connection.adopt(args);
    return capabilities;
  },
  ...lifecycleRequests,
  ...executionRequests,
  ...breakpointRequests,
  ...stackRequests,
  ...variablesRequests,
  ...memoryRequests,
  ...customRequests,
  ...explainRequests,
};

/** Shown with an error that is the user's to know, as all of ours are. */
const ERROR_ID = 1;

export class HypocaustDebugSession extends DebugSession {
  private readonly connection = new Connection((event) => this.sendEvent(event));

  constructor() {
    super();
    // The client is gone, or the process is to end: nothing must keep running.
    this.on('close', () => void this.connection.dispose());
  }

  protected override dispatchRequest(request: DebugProtocol.Request): void {
    const { command } = request;
    if (!Object.hasOwn(handlers, command)) {
      super.dispatchRequest(request);
      return;
    }
    const handler = handlers[command as keyof RequestHandlers] as (connection: Connection, args: unknown) => unknown;
    void this.handle(request, () => handler(this.connection, request.arguments ?? {}));
  }

  protected override disconnectRequest(response: DebugProtocol.DisconnectResponse): void {
    void this.connection.dispose().then(() => {
      this.sendResponse(response);
      this.shutdown();
    });
  }

  private async handle(request: DebugProtocol.Request, handler: () => unknown): Promise<void> {
    const response: DebugProtocol.Response = {
      seq: 0,
      type: 'response',
      request_seq: request.seq,
      command: request.command,
      success: true,
    };
    try {
      const result = handler();
      // Answers that are there already keep the order of the requests.
      const body = result instanceof Promise ? ((await result) as unknown) : result;
      if (body !== undefined) response.body = body;
      this.sendResponse(response);
    } catch (error) {
      // Written out: the base class takes everything between braces for private data.
      response.success = false;
      response.message = describe(error);
      response.body = { error: { id: ERROR_ID, format: response.message, showUser: true } };
      this.sendResponse(response);
    }
  }
}

function describe(error: unknown): string {
  if (error instanceof DebuggerError || error instanceof ConfigurationError) return error.message;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `Something went wrong in the debugger itself; please report it: ${text}`;
}
