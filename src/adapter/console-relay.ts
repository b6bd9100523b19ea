/**
 * The guests' consoles on their way to the client: as `hypocaust/consoleOutput` events, or as `output` events where nobody
 * shows those. Bytes are collected for a moment: a guest writes them one at a time.
 */
import { encodeBase64 } from '../protocol/base64';
import type { ConsoleInfo } from '../protocol/console';
import type { EventSender } from './event-sender';

const BACKLOG_BYTES = 64 * 1024;
const COLLECT_MILLISECONDS = 5;

interface ConsoleState {
  readonly id: string;
  readonly name: string;
  /** Not sent yet. */
  pending: Uint8Array[];
  backlog: Uint8Array;
  /** Bytes written since the start. */
  total: number;
  readonly decoder: TextDecoder;
}

export class ConsoleRelay {
  /** Send events for terminals rather than text for the debug console. */
  asEvents = false;
  private readonly states = new Map<string, ConsoleState>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly events: EventSender) {}

  write(id: string, bytes: Uint8Array): void {
    const state = this.stateOf(id);
    state.pending.push(bytes);
    this.timer ??= setTimeout(() => this.flush(), COLLECT_MILLISECONDS);
  }

  /** Sends what has been collected: to be called before anything that should come after it. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const state of this.states.values()) {
      if (state.pending.length > 0) this.send(state, joined(state.pending.splice(0)));
    }
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
      state = { id, name: id, pending: [], backlog: new Uint8Array(), total: 0, decoder: new TextDecoder() };
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
