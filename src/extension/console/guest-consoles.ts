/** The consoles of all debug sessions: a terminal for each, from the start of the session on. */
import * as vscode from 'vscode';
import { decodeBase64, encodeBase64 } from '../../protocol/base64';
import type { ConsoleInfo, ConsoleOutputBody } from '../../protocol/console';
import { DEBUG_TYPE } from '../../protocol/launch-configuration';
import type { LaunchConfiguration } from '../../protocol/launch-fields';
import type { CustomEventName } from '../../protocol/messages';
import { request } from '../request';
import { GuestTerminal } from './guest-terminal';

const OUTPUT_EVENT: CustomEventName = 'hypocaust/consoleOutput';

/** One session's terminals by console id. */
interface SessionConsoles {
  readonly terminals: Map<string, GuestTerminal>;
  /** Output that came before it was known which consoles there are; undefined since then. */
  early: ConsoleOutputBody[] | undefined;
}

export class GuestConsoles implements vscode.Disposable {
  private readonly sessions = new Map<string, SessionConsoles>();
  /** Terminals of sessions that are over. */
  private ended: GuestTerminal[] = [];
  private readonly registrations = vscode.Disposable.from(
    vscode.debug.onDidStartDebugSession((session) => {
      if (hasTerminals(session)) void this.open(session);
    }),
    vscode.debug.onDidReceiveDebugSessionCustomEvent(({ session, event, body }) => {
      if (event === OUTPUT_EVENT && hasTerminals(session)) this.output(session, body as ConsoleOutputBody);
    }),
    vscode.debug.onDidTerminateDebugSession((session) => this.end(session)),
  );

  /**
   * Brings the consoles of a session to the front; those that the user closed are opened again.
   * @param foremost the name of the one that is to be seen: the first unless given
   */
  async show(session: vscode.DebugSession | undefined, foremost?: string): Promise<void> {
    if (!session || !hasTerminals(session)) return;
    await this.open(session, foremost);
  }

  dispose(): void {
    this.registrations.dispose();
    for (const { terminals } of this.sessions.values()) for (const terminal of terminals.values()) terminal.dispose();
    for (const terminal of this.ended) terminal.dispose();
  }

  /** Opens a terminal for each console that has none. */
  private async open(session: vscode.DebugSession, foremost?: string): Promise<void> {
    const state = this.of(session);
    let consoles: readonly ConsoleInfo[];
    try {
      ({ consoles } = await request(session, 'hypocaust/consoles', undefined));
    } catch {
      return; // The session ended meanwhile; VS Code tells the user why.
    }
    if (this.sessions.get(session.id) !== state) return;
    for (const { id, name, backlog, backlogOffset } of consoles) {
      let terminal = state.terminals.get(id);
      if (!terminal || terminal.isClosed) {
        terminal = this.add(session, state, id, name);
        terminal.take(backlogOffset, decodeBase64(backlog));
      }
      terminal.show();
    }
    for (const body of state.early ?? []) write(state, body);
    state.early = undefined;
    if (consoles.length < 2) return;
    // VS Code shows each when it has made it: the last one then is in front.
    await Promise.all([...state.terminals.values()].map(({ opened }) => opened));
    const front = consoles.find(({ name }) => name === foremost) ?? consoles[0]!;
    state.terminals.get(front.id)?.show();
  }

  private add(session: vscode.DebugSession, state: SessionConsoles, id: string, name: string): GuestTerminal {
    this.discardEnded(name);
    const terminal = new GuestTerminal(
      name,
      (bytes) => this.type(session, id, bytes),
      ({ columns, rows }) => this.resize(session, id, columns, rows),
    );
    state.terminals.set(id, terminal);
    return terminal;
  }

  private output(session: vscode.DebugSession, body: ConsoleOutputBody): void {
    const state = this.of(session);
    if (state.early) state.early.push(body);
    else write(state, body);
  }

  private type(session: vscode.DebugSession, console: string, bytes: Uint8Array): void {
    request(session, 'hypocaust/consoleInput', { console, data: encodeBase64(bytes) }).catch((error: unknown) => {
      if (!this.sessions.has(session.id)) return;
      void vscode.window.showWarningMessage(`The guest did not get what you typed: ${String(error)}`);
    });
  }

  /** A size that does not arrive, as when the session is just ending, is missed by nobody. */
  private resize(session: vscode.DebugSession, console: string, columns: number, rows: number): void {
    if (!this.sessions.has(session.id)) return;
    request(session, 'hypocaust/consoleSize', { console, columns, rows }).catch(() => undefined);
  }

  private end(session: vscode.DebugSession): void {
    const state = this.sessions.get(session.id);
    if (!state) return;
    this.sessions.delete(session.id);
    // A guest that ended within the first moments: what it wrote is all there is to see.
    for (const body of state.early ?? []) {
      if (!state.terminals.has(body.console)) this.add(session, state, body.console, body.console).show();
      write(state, body);
    }
    for (const terminal of state.terminals.values()) {
      terminal.end();
      if (!terminal.isClosed) this.ended.push(terminal);
    }
  }

  /** Debugging again and again must not heap up terminals: a new one takes the place of the ended one of its name. */
  private discardEnded(name: string): void {
    for (const terminal of this.ended) if (terminal.name === name) terminal.dispose();
    this.ended = this.ended.filter(({ isClosed }) => !isClosed);
  }

  private of(session: vscode.DebugSession): SessionConsoles {
    let state = this.sessions.get(session.id);
    if (!state) {
      state = { terminals: new Map(), early: [] };
      this.sessions.set(session.id, state);
    }
    return state;
  }
}

function write({ terminals }: SessionConsoles, body: ConsoleOutputBody): void {
  const terminal = terminals.get(body.console);
  if (terminal && !terminal.isClosed) terminal.take(body.offset, decodeBase64(body.data));
}

function hasTerminals(session: vscode.DebugSession): boolean {
  const { console } = session.configuration as LaunchConfiguration;
  return session.type === DEBUG_TYPE && console !== 'debugConsole';
}
