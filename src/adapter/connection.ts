/** One client: the debugger's session behind it, the ids that it knows, and the way to it. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { DebuggerError } from '../debugger/errors';
import { Session } from '../debugger/session';
import type { Frame } from '../debugger/stack';
import type { Target } from '../debugger/target';
import type { Presentation } from '../debugger/values/value-node';
import type { Launch } from '../protocol/launch-configuration';
import { Conventions } from './conventions';
import { ConsoleRelay } from './console-relay';
import { EventSender } from './event-sender';
import { HostSockets } from './host-sockets';
import { nodeScheduler } from './node-scheduler';
import { References } from './references';
import { Sources } from './sources';

/** What the client said of itself in `initialize`. */
export interface ClientTraits {
  readonly supportsInvalidated: boolean;
  readonly supportsMemoryEvents: boolean;
}

export class Connection {
  readonly session: Session;
  readonly events: EventSender;
  readonly consoles: ConsoleRelay;
  readonly conventions = new Conventions();
  readonly sources = new Sources();
  readonly references = new References();
  readonly sockets = new HostSockets();
  traits: ClientTraits = { supportsInvalidated: false, supportsMemoryEvents: false };
  /** Undefined until a launch has succeeded. */
  launch: Launch | undefined;

  constructor(send: (event: DebugProtocol.Event) => void) {
    this.events = new EventSender(this, send);
    this.consoles = new ConsoleRelay(this.events);
    this.session = new Session(nodeScheduler, this.events.listener);
  }

  /** Follows what the client says of itself in `initialize`. */
  adopt(args: DebugProtocol.InitializeRequestArguments): void {
    this.conventions.adopt(args);
    this.traits = {
      supportsInvalidated: args.supportsInvalidatedEvent ?? false,
      supportsMemoryEvents: args.supportsMemoryEvent ?? false,
    };
  }

  /** The client is done: nothing runs any more, and no port stays open. */
  async dispose(): Promise<void> {
    this.sockets.close();
    await this.session.dispose();
  }

  /** @throws DebuggerError when there is no such thread */
  target(threadId: number): Target {
    const target = this.session.targets.find(({ id }) => id === threadId);
    if (!target) throw new DebuggerError(`There is no thread ${threadId}.`);
    return target;
  }

  /** @throws DebuggerError when the frame is of an earlier stop */
  frame(frameId: number): Frame {
    const frame = this.references.frame(frameId);
    if (!frame) throw new DebuggerError('The stack frame is no longer there: execution went on.');
    return frame;
  }

  optionalFrame(frameId: number | undefined): Frame | undefined {
    return frameId === undefined ? undefined : this.frame(frameId);
  }

  presentation(format: DebugProtocol.ValueFormat | undefined): Presentation {
    return { hex: format?.hex ?? false };
  }

  /** Something was changed by the user: what the client shows of it is to be read again. */
  changed(memory?: { readonly reference: string; readonly offset: number; readonly count: number }): void {
    this.session.changed();
    this.events.invalidated(memory);
  }
}
