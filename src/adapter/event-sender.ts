/** Events to the client: what the debugger's session tells, in the protocol's words. */
import {
  BreakpointEvent,
  Event,
  ExitedEvent,
  InvalidatedEvent,
  MemoryEvent,
  OutputEvent,
  TerminatedEvent,
  ThreadEvent,
} from '@vscode/debugadapter';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Breakpoint } from '../debugger/breakpoints/breakpoint';
import type { SessionListener } from '../debugger/session';
import type { Stop } from '../debugger/stop';
import type { End } from '../debugger/systems/system';
import type { CustomEventName, CustomEvents } from '../protocol/messages';
import { toProtocolBreakpoint } from './breakpoint-mapping';
import type { Connection } from './connection';
import { guestsOf } from './guest-states';

const BREAKPOINT_REASONS = {
  source: 'breakpoint',
  function: 'function breakpoint',
  instruction: 'instruction breakpoint',
  data: 'data breakpoint',
} as const satisfies Record<Breakpoint['kind'], string>;

/** VS Code selects a frame without source, and so shows its registers and disassembly, where a stop has this reason only. */
const WITHOUT_SOURCE = BREAKPOINT_REASONS.instruction;
/** Frames in which it is worth looking for a source: VS Code asks for as many at first. */
const FRAMES_LOOKED_AT = 20;

export class EventSender {
  readonly listener: SessionListener;
  /** The boot of which a finding was told. */
  private foundIn: number | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly send: (event: DebugProtocol.Event) => void,
  ) {
    this.listener = {
      stopped: (stop) => this.stopped(stop),
      ended: (end) => this.ended(end),
      output: (console, bytes) => this.connection.consoles.write(console, bytes),
      log: (text, kind) => this.output(`${text}\n`, kind === 'finding' ? this.findingCategory() : 'console'),
      breakpointChanged: (breakpoint) => this.breakpointChanged(breakpoint),
      targetsChanged: () => this.targetsChanged(),
    };
  }

  initialized(): void {
    this.send(new Event('initialized'));
  }

  output(text: string, category: 'console' | 'stdout' | 'important'): void {
    if (text !== '') this.send(new OutputEvent(text, category));
  }

  custom<Name extends CustomEventName>(name: Name, body: CustomEvents[Name]): void {
    this.send(new Event(name, body));
  }

  invalidated(memory?: { readonly reference: string; readonly offset: number; readonly count: number }): void {
    const { traits } = this.connection;
    if (traits.supportsInvalidated) this.send(new InvalidatedEvent(['all']));
    if (memory && traits.supportsMemoryEvents) {
      this.send(new MemoryEvent(memory.reference, memory.offset, memory.count));
    }
  }

  terminated(): void {
    this.connection.consoles.flush();
    this.send(new TerminatedEvent());
  }

  private stopped(stop: Stop): void {
    const { connection } = this;
    connection.consoles.flush();
    connection.references.clear();
    const { title, text } = connection.session.explain(stop);
    const body: DebugProtocol.StoppedEvent['body'] = {
      reason: this.hasSource(stop) ? reasonOf(stop) : WITHOUT_SOURCE,
      description: title,
      text,
      threadId: stop.target.id,
      allThreadsStopped: true,
      ...('breakpoints' in stop.reason ? { hitBreakpointIds: stop.reason.breakpoints.map(({ id }) => id) } : {}),
    };
    // What happened to the data is said in the console too: one stop after the other, they tell a story.
    if (stop.reason.kind === 'data') this.output(`${stop.reason.text}\n`, 'console');
    if ('problem' in stop.reason && stop.reason.problem) this.output(`${stop.reason.problem}\n`, 'important');
    this.send(new Event('stopped', body));
  }

  /** The first one is to be noticed: the Debug Console, where all are, may not be in sight. */
  private findingCategory(): 'important' | 'console' {
    const { bootCount } = this.connection.session;
    const isFirst = this.foundIn !== bootCount;
    this.foundIn = bootCount;
    return isFirst ? 'important' : 'console';
  }

  private hasSource({ target }: Stop): boolean {
    const { session, sources } = this.connection;
    return session
      .stack(target)
      .frames(0, FRAMES_LOOKED_AT)
      .some(
        (frame) => frame.kind !== 'hypervisor' && frame.position && sources.locate(frame.position.file) !== undefined,
      );
  }

  private ended(end: End): void {
    this.connection.consoles.flush();
    this.connection.references.clear();
    this.connection.sockets.close();
    this.output(`${end.text}\n`, 'console');
    this.send(new ExitedEvent(end.code));
    this.terminated();
  }

  private targetsChanged(): void {
    const { session } = this.connection;
    this.custom('hypocaust/guests', guestsOf(session));
    // Clients then read the threads' names anew. An `invalidated` event would also take the user back to the last stop.
    if (this.connection.launch) this.send(new ThreadEvent('started', session.targets[0]!.id));
  }

  private breakpointChanged(breakpoint: Breakpoint): void {
    const body = toProtocolBreakpoint(breakpoint, this.connection.conventions);
    this.send(new BreakpointEvent('changed', body));
  }
}

function reasonOf({ reason }: Stop): string {
  switch (reason.kind) {
    case 'breakpoint':
      return BREAKPOINT_REASONS[reason.breakpoints[0]?.kind ?? 'source'];
    case 'data':
      return BREAKPOINT_REASONS.data;
    case 'event':
      return BREAKPOINT_REASONS.function;
    case 'trap':
    case 'staleTranslation':
    case 'trapLoop':
    case 'failure':
      return 'exception';
    default:
      return reason.kind;
  }
}
