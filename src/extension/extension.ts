/** Activation: registers the debug type, the consoles, the views and their commands. All of it ends with the extension. */
import * as vscode from 'vscode';
import { GuestConsoles } from './console/guest-consoles';
import { GuestStates } from './guests/guest-states';
import { registerGuests } from './guests/register-guests';
import { registerLaunch } from './launch/register-launch';
import { MemoryDocuments } from './memory/memory-documents';
import { registerPageTables } from './page-tables/register-page-tables';
import { SessionWatch } from './session-watch';
import { registerAddresses } from './addresses/register-addresses';
import { registerStatistics } from './statistics/register-statistics';

export function activate(context: vscode.ExtensionContext): void {
  const sessions = new SessionWatch();
  const guests = new GuestStates();
  const consoles = new GuestConsoles();
  const memory = new MemoryDocuments(sessions);
  context.subscriptions.push(
    sessions,
    guests,
    consoles,
    memory,
    registerLaunch(context.extensionUri),
    registerPageTables(sessions, guests, memory),
    registerStatistics(sessions, guests),
    registerGuests(guests),
    registerAddresses(),
    vscode.commands.registerCommand('hypocaust.showConsole', (...args: readonly unknown[]) => {
      const chosen = guests.find(args);
      return consoles.show(chosen?.session ?? vscode.debug.activeDebugSession, chosen?.guest.name);
    }),
  );
}
