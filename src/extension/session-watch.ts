/** Tells the views when a session of ours stops, runs on, or ends, from the protocol messages that pass by. */
import * as vscode from 'vscode';
import { DEBUG_TYPE } from '../protocol/launch-configuration';

export type SessionState = 'starting' | 'running' | 'stopped' | 'ended';

/** Follows all sessions of our debug type. */
export class SessionWatch implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.DebugSession>();
  private readonly states = new Map<string, SessionState>();
  private readonly registrations: vscode.Disposable;

  /** A session's state changed, also when it stops again after a step. */
  readonly onDidChange = this.changed.event;

  constructor() {
    this.registrations = vscode.Disposable.from(
      this.changed,
      vscode.debug.registerDebugAdapterTrackerFactory(DEBUG_TYPE, {
        createDebugAdapterTracker: (session) => ({
          onDidSendMessage: (message: unknown) => this.read(session, message),
        }),
      }),
      vscode.debug.onDidTerminateDebugSession((session) => {
        if (session.type !== DEBUG_TYPE) return;
        this.set(session, 'ended');
        this.states.delete(session.id);
      }),
    );
  }

  stateOf(session: vscode.DebugSession): SessionState {
    return this.states.get(session.id) ?? 'starting';
  }

  dispose(): void {
    this.registrations.dispose();
  }

  /** A message from the adapter to VS Code. */
  private read(session: vscode.DebugSession, message: unknown): void {
    const { type, event, command, success } = message as Partial<Record<string, unknown>>;
    if (type === 'event' && event === 'stopped') this.set(session, 'stopped');
    // Registers and memory that the user changes show in the page tables too.
    else if (type === 'event' && (event === 'invalidated' || event === 'memory')) this.changed.fire(session);
    else if (type === 'event' && event === 'continued') this.set(session, 'running');
    else if (type === 'response' && success === true && RUNS_ON.has(String(command))) this.set(session, 'running');
  }

  private set(session: vscode.DebugSession, state: SessionState): void {
    this.states.set(session.id, state);
    this.changed.fire(session);
  }
}

/** Requests after which the guest runs. Their response may come with no `continued` event. */
const RUNS_ON: ReadonlySet<string> = new Set(['continue', 'next', 'stepIn', 'stepOut', 'configurationDone', 'restart']);
