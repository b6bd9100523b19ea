/** Activation: registers the debug type, the consoles, the views and their commands. All of it ends with the extension. */
import * as vscode from 'vscode';
import { GuestConsoles } from './console/guest-consoles';
import { registerLaunch } from './launch/register-launch';
import { MemoryDocuments } from './memory/memory-documents';
import { registerPageTables } from './page-tables/register-page-tables';
import { SessionWatch } from './session-watch';
import { registerAddresses } from './addresses/register-addresses';
import { registerStatistics } from './statistics/register-statistics';

export function activate(context: vscode.ExtensionContext): void {
  const sessions = new SessionWatch();
  const consoles = new GuestConsoles();
  const memory = new MemoryDocuments(sessions);
  context.subscriptions.push(
    sessions,
    consoles,
    memory,
    registerLaunch(context.extensionUri),
    registerPageTables(sessions, memory),
    registerStatistics(sessions),
    registerAddresses(),
    vscode.commands.registerCommand('hypocaust.showConsole', () => consoles.show(vscode.debug.activeDebugSession)),
  );
}
