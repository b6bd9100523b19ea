/** Registers the debug type: its configurations, and the adapter's process. */
import * as vscode from 'vscode';
import { DEBUG_TYPE } from '../../protocol/launch-configuration';
import { LaunchConfigurations } from './configuration-provider';
import { pickKernel } from './find-kernels';

export function registerLaunch(extension: vscode.Uri): vscode.Disposable {
  const configurations = new LaunchConfigurations();
  const { Initial, Dynamic } = vscode.DebugConfigurationProviderTriggerKind;
  return vscode.Disposable.from(
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, configurations, Initial),
    vscode.debug.registerDebugConfigurationProvider(
      DEBUG_TYPE,
      { provideDebugConfigurations: (folder, token) => configurations.provideDebugConfigurations(folder, token) },
      Dynamic,
    ),
    vscode.debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, {
      // The name "node" makes VS Code use its own Node: no other need be installed.
      createDebugAdapterDescriptor: () =>
        new vscode.DebugAdapterExecutable('node', [vscode.Uri.joinPath(extension, 'dist', 'adapter.js').fsPath]),
    }),
    vscode.commands.registerCommand('hypocaust.pickKernel', () => pickKernel(vscode.workspace.workspaceFolders?.[0])),
  );
}
