/** Which guests the debug sessions have, and whether they run, as the adapter tells. */
import * as vscode from 'vscode';
import type { GuestInfo, GuestsBody } from '../../protocol/guests';
import type { CustomEventName } from '../../protocol/messages';
import { guestOf, subjectOf } from './presentation';

const GUESTS_EVENT: CustomEventName = 'hypocaust/guests';

/** A guest with the session that it is in. */
export interface SessionGuest {
  readonly session: vscode.DebugSession;
  readonly guest: GuestInfo;
}

export class GuestStates implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.DebugSession>();
  private readonly known = new Map<string, { readonly session: vscode.DebugSession; guests: readonly GuestInfo[] }>();
  private readonly registrations = vscode.Disposable.from(
    this.changed,
    vscode.debug.onDidReceiveDebugSessionCustomEvent(({ session, event, body }) => {
      if (event !== GUESTS_EVENT) return;
      this.known.set(session.id, { session, guests: (body as GuestsBody).guests });
      this.tell(session);
    }),
    vscode.debug.onDidTerminateDebugSession((session) => {
      if (this.known.delete(session.id)) this.tell(session);
    }),
    vscode.debug.onDidChangeActiveDebugSession(() => this.setContext()),
  );

  readonly onDidChange = this.changed.event;

  /** None for other sessions, and on the bare machine. */
  of(session: vscode.DebugSession | undefined): readonly GuestInfo[] {
    return (session && this.known.get(session.id)?.guests) ?? [];
  }

  /** The guest that a menu's command is about. */
  find(args: readonly unknown[]): SessionGuest | undefined {
    const subject = subjectOf(args);
    const session = this.known.get(String(subject.sessionId))?.session ?? vscode.debug.activeDebugSession;
    const guest = guestOf(subject, this.of(session));
    return session && guest && { session, guest };
  }

  dispose(): void {
    this.registrations.dispose();
  }

  private tell(session: vscode.DebugSession): void {
    this.setContext();
    this.changed.fire(session);
  }

  /** For the menus of package.json. */
  private setContext(): void {
    const guests = this.of(vscode.debug.activeDebugSession);
    const has = (state: GuestInfo['state']): boolean => guests.length > 1 && guests.some((one) => one.state === state);
    void vscode.commands.executeCommand('setContext', 'hypocaust.hasRunningGuests', has('running'));
    void vscode.commands.executeCommand('setContext', 'hypocaust.hasHeldGuests', has('held'));
  }
}
