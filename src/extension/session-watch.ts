/** Tells the views when a session of ours stops, runs on, or ends, from the protocol messages that pass by. */
import * as vscode from 'vscode';
import { DEBUG_TYPE } from '../protocol/launch-configuration';
import { SessionStateMachine } from './session-state';
import type { SessionState } from './session-state';

/** What a view says that shows the last stop while the guest runs. */
export const LATE = 'The guest is running. This is what the last stop showed.';

/** Follows all sessions of our debug type. */
export class SessionWatch implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.DebugSession>();
  private readonly states = new Map<string, SessionStateMachine>();
  private readonly registrations: vscode.Disposable;

  /** A session's state changed, also when it stops again after a step. */
  readonly onDidChange = this.changed.event;

  constructor() {
    this.registrations = vscode.Disposable.from(
      this.changed,
      vscode.debug.registerDebugAdapterTrackerFactory(DEBUG_TYPE, {
        createDebugAdapterTracker: (session) => {
          const state = new SessionStateMachine();
          this.states.set(session.id, state);
          const read = (message: unknown): void => {
            if (state.read(message)) this.changed.fire(session);
          };
          return { onWillReceiveMessage: read, onDidSendMessage: read };
        },
      }),
      vscode.debug.onDidTerminateDebugSession((session) => {
        const state = this.states.get(session.id);
        if (!state) return;
        state.state = 'ended';
        this.changed.fire(session);
        this.states.delete(session.id);
      }),
    );
  }

  stateOf(session: vscode.DebugSession): SessionState {
    return this.states.get(session.id)?.state ?? 'starting';
  }

  dispose(): void {
    this.registrations.dispose();
  }
}
