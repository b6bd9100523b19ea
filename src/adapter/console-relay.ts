/**
 * The guests' consoles on their way to the client: as `hypocaust/consoleOutput` events, or as `output` events where nobody
 * shows those. Bytes are collected for a moment: a guest writes them one at a time.
 */
import { encodeBase64 } from '../protocol/base64';
import type { ConsoleInfo } from '../protocol/console';
import type { EventSender } from './event-sender';
import { OutputCollector } from './output-collector';

const BACKLOG_BYTES = 64 * 1024;

interface ConsoleState {
  readonly id: string;
  /** What is not sent yet. */
  readonly output: OutputCollector;
  backlog: Uint8Array;
  /** Bytes written since the start. */
  total: number;
  readonly decoder: TextDecoder;
}

export class ConsoleRelay {
  /** Send events for terminals rather than text for the debug console. */
  asEvents = false;
  private readonly states = new Map<string, ConsoleState>();

  constructor(private readonly events: EventSender) {}

  write(id: string, bytes: Uint8Array): void {
    this.stateOf(id).output.write(bytes);
  }

  /** Sends what has been collected: to be called before anything that should come after it. */
  flush(): void {
    for (const { output } of this.states.values()) output.flush();
  }

  /** The consoles with what they wrote last. */
  list(consoles: readonly { readonly id: string; readonly name: string }[]): ConsoleInfo[] {
    this.flush();
    return consoles.map(({ id, name }) => {
      const state = this.states.get(id);
      const backlog = state?.backlog ?? new Uint8Array();
      return { id, name, backlog: encodeBase64(backlog), backlogOffset: (state?.total ?? 0) - backlog.length };
    });
  }

  private stateOf(id: string): ConsoleState {
    let state = this.states.get(id);
    if (!state) {
      const created: ConsoleState = {
        id,
        output: new OutputCollector((bytes) => this.send(created, bytes)),
        backlog: new Uint8Array(),
        total: 0,
        decoder: new TextDecoder(),
      };
      state = created;
      this.states.set(id, state);
    }
    return state;
  }

  private send(state: ConsoleState, bytes: Uint8Array): void {
    const offset = state.total;
    state.total += bytes.length;
    state.backlog = joined([state.backlog, bytes]).slice(-BACKLOG_BYTES);
    if (this.asEvents) {
      this.events.custom('hypocaust/consoleOutput', { console: state.id, data: encodeBase64(bytes), offset });
    } else {
      this.events.output(state.decoder.decode(bytes, { stream: true }), 'stdout');
    }
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
