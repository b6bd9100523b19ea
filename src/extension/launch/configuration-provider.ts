/** Completes and checks launch configurations, and offers some where there is no launch.json. */
import * as vscode from 'vscode';
import { ConfigurationError } from '../../protocol/fields';
import { CONSOLE_EVENTS_FIELD, DEBUG_TYPE, parseLaunch } from '../../protocol/launch-configuration';
import { initialConfiguration } from '../../protocol/launch-contributions';
import { withAbsolutePaths } from './absolute-paths';
import { findKernels, pickKernel } from './find-kernels';

/** Used for launch.json's completion, for F5 without launch.json, and for every launch. */
export class LaunchConfigurations implements vscode.DebugConfigurationProvider {
  /** What "create a launch.json file" writes: one entry for each kernel of the folder. */
  async provideDebugConfigurations(
    folder: vscode.WorkspaceFolder | undefined,
    token?: vscode.CancellationToken,
  ): Promise<vscode.DebugConfiguration[]> {
    const kernels = await findKernels(folder, token);
    if (kernels.length === 0) return [complete(initialConfiguration('${workspaceFolder}/kernel.elf'))];
    return kernels.map((file) => {
      const path = vscode.workspace.asRelativePath(file, false);
      const inFolder = folder !== undefined && vscode.workspace.getWorkspaceFolder(file)?.index === folder.index;
      const program = inFolder ? `\${workspaceFolder}/${path}` : file.fsPath;
      return complete({ ...initialConfiguration(program), name: `Debug ${path}` });
    });
  }

  /** F5 without launch.json comes here with an empty configuration. */
  async resolveDebugConfiguration(
    folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    if (configuration.type || configuration.request) return configuration;
    const program = await pickKernel(folder);
    return program === undefined ? undefined : complete(initialConfiguration(program));
  }

  /** Refuses what the adapter would refuse, with a way to the file to change. */
  async resolveDebugConfigurationWithSubstitutedVariables(
    folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined | null> {
    if (configuration.request !== 'launch') {
      return refuse(`Launch configuration: "request" must be "launch", not "${configuration.request}".`);
    }
    const base = folder ?? vscode.workspace.workspaceFolders?.[0];
    const resolved = base ? withAbsolutePaths(configuration, base.uri.fsPath) : configuration;
    try {
      parseLaunch(resolved);
    } catch (error) {
      if (error instanceof ConfigurationError) return refuse(error.message);
      throw error;
    }
    // The guest's terminal, not the Debug Console, is what the user wants to see first.
    const internalConsoleOptions = resolved.console === 'debugConsole' ? 'openOnSessionStart' : 'neverOpen';
    return { internalConsoleOptions, ...resolved, [CONSOLE_EVENTS_FIELD]: true };
  }
}

function complete(fields: Readonly<Record<string, unknown>>): vscode.DebugConfiguration {
  return { type: DEBUG_TYPE, request: 'launch', name: 'Debug guest kernel', ...fields };
}

/** Shows the message. @returns what tells VS Code to give up: null to open launch.json, undefined to do nothing */
async function refuse(message: string): Promise<null | undefined> {
  const open = 'Open launch.json';
  const answer = await vscode.window.showErrorMessage(message, { modal: true }, open);
  return answer === open ? null : undefined;
}
