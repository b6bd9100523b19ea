/** The commands that hold a guest while the others go on, and let it go. */
import * as vscode from 'vscode';
import { request } from '../request';
import type { GuestStates, SessionGuest } from './guest-states';

export function registerGuests(states: GuestStates): vscode.Disposable {
  const set =
    (hold: boolean) =>
    async (...args: readonly unknown[]) => {
      const chosen = states.find(args) ?? (await pick(states, hold));
      if (!chosen) return;
      try {
        await request(chosen.session, 'hypocaust/hold', { guest: chosen.guest.name, hold });
      } catch (error) {
        void vscode.window.showInformationMessage(error instanceof Error ? error.message : String(error));
      }
    };
  return vscode.Disposable.from(
    vscode.commands.registerCommand('hypocaust.holdGuest', set(true)),
    vscode.commands.registerCommand('hypocaust.releaseGuest', set(false)),
  );
}

/** Asks which; nothing is asked where there is one only. */
async function pick(states: GuestStates, hold: boolean): Promise<SessionGuest | undefined> {
  const session = vscode.debug.activeDebugSession;
  const guests = states.of(session).filter(({ state }) => state === (hold ? 'running' : 'held'));
  if (!session || guests.length === 0) {
    void vscode.window.showInformationMessage(hold ? 'There is no guest to hold.' : 'No guest is held.');
    return undefined;
  }
  const items = guests.map((guest) => ({ label: `$(server-environment) ${guest.name}`, guest }));
  const title = hold ? 'Hold a guest while the others go on' : 'Release a guest';
  const chosen = items.length === 1 ? items[0] : await vscode.window.showQuickPick(items, { title });
  return chosen && { session, guest: chosen.guest };
}
