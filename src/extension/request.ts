/** Custom requests to the debug adapter, with the types that `protocol/` gives them. */
import type * as vscode from 'vscode';
import type { CustomRequestName, CustomRequests } from '../protocol/messages';

/** Sends a custom request. @throws Error with the adapter's sentence, also when the session has ended */
export async function request<Name extends CustomRequestName>(
  session: vscode.DebugSession,
  name: Name,
  args: CustomRequests[Name]['arguments'],
): Promise<CustomRequests[Name]['response']> {
  return (await session.customRequest(name, args)) as CustomRequests[Name]['response'];
}
