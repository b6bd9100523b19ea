/** Launch configurations: what is offered, what is refused, and how. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { replace } from './sessions';

export function define(): void {
  describe('launch configurations', () => {
    const folder = vscode.workspace.workspaceFolders![0];
    let restore: (() => void)[] = [];

    afterEach(() => {
      for (const undo of restore) undo();
      restore = [];
    });

    /** Starts and gives what the user is told; nothing may run afterwards. */
    async function refusal(fields: Record<string, unknown>): Promise<string | undefined> {
      let told: string | undefined;
      const stub = (message: string): Promise<undefined> => {
        told = message;
        return Promise.resolve(undefined);
      };
      restore.push(replace(vscode.window, 'showErrorMessage', stub as typeof vscode.window.showErrorMessage));
      const configuration = { type: 'hypocaust', request: 'launch', name: 'test', ...fields };
      assert.equal(await vscode.debug.startDebugging(folder, configuration), false);
      assert.equal(vscode.debug.activeDebugSession, undefined);
      return told;
    }

    it('are refused with a sentence that names the field', async () => {
      assert.match((await refusal({})) ?? '', /"program" is missing/);
      assert.match((await refusal({ program: 7 })) ?? '', /"program" must be a string/);
      assert.match(
        (await refusal({ program: 'kernel.elf', mode: 'bar' })) ?? '',
        /"mode" must be "hypervisor" or "bare"/,
      );
      assert.match((await refusal({ program: 'kernel.elf', stopOnEntri: true })) ?? '', /"stopOnEntri".*"stopOnEntry"/);
      assert.match((await refusal({ guests: [{ program: 'x', memory: '12' }] })) ?? '', /"guests\[0\]\.memory"/);
      assert.match((await refusal({ request: 'attach' })) ?? '', /"request" must be "launch"/);
    });

    it('offer the kernels of the folder', async () => {
      let offered: readonly string[] = [];
      const stub = (items: readonly vscode.QuickPickItem[]): Promise<vscode.QuickPickItem | undefined> => {
        offered = items.map(({ label }) => label);
        return Promise.resolve(items[0]);
      };
      restore.push(replace(vscode.window, 'showQuickPick', stub as unknown as typeof vscode.window.showQuickPick));
      const picked = await vscode.commands.executeCommand('hypocaust.pickKernel');
      assert.equal(picked, vscode.Uri.joinPath(folder.uri, 'kernel.elf').fsPath);
      assert.deepEqual(offered, ['$(file-binary) kernel.elf', '$(folder-opened) Browse…']);
    });
  });
}
