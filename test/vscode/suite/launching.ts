/** Launch configurations: what is offered, what is refused, and how. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { parseLaunch } from '../../../src/protocol/launch-configuration';
import { eventually, replace } from './sessions';

export function define(): void {
  describe('launch configurations', () => {
    const folder = vscode.workspace.workspaceFolders![0];
    let restore: (() => void)[] = [];
    let temporary: string;

    before(() => {
      temporary = mkdtempSync(join(tmpdir(), 'hypocaust-'));
    });
    after(() => rmSync(temporary, { recursive: true }));

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

    it('are underlined in the editor where fields do not go together, as they are refused', async () => {
      const guest = { program: 'k' };
      const wrong: readonly [Record<string, unknown>, RegExp][] = [
        [{}, /Missing property "program"/],
        [{ program: 'k', guests: [guest] }, /Not together with "guests"/],
        [{ program: 'k', mode: 'bare', hypervisor: {} }, /there is no hypervisor/],
        [{ guests: [{ ...guest, vcpus: 2 }], mode: 'bare' }, /"machine" says it/],
        [{ guests: [guest, guest], mode: 'machine' }, /too many items/],
        [{ program: 'k', mode: 'machine', firmware: 'f' }, /starts in M-mode/],
        [{ program: 'k', dtb: 'd' }, /makes the device trees/],
        [{ program: 'k', memroy: 1 }, /Property memroy is not allowed/],
      ];
      for (const [fields] of wrong) assert.throws(() => parseLaunch(fields));
      const right = { program: 'k', mode: 'bare', firmware: 'f', dtb: 'd' };
      const common = { type: 'hypocaust', request: 'launch', name: 'x' };
      const configurations = [right, ...wrong.map(([fields]) => fields)].map((fields) => ({ ...common, ...fields }));
      const content = JSON.stringify({ version: '0.2.0', configurations }, undefined, 1);
      // A file: what is not saved would be asked about when the next session starts.
      const file = join(temporary, '.vscode', 'launch.json');
      mkdirSync(dirname(file));
      writeFileSync(file, content);
      const { document } = await vscode.window.showTextDocument(vscode.Uri.file(file));
      const found = () => vscode.languages.getDiagnostics(document.uri).map(({ message }) => message);
      await eventually('they are underlined', () => found().length >= wrong.length);
      assert.equal(found().length, wrong.length, found().join('\n'));
      for (const [fields, message] of wrong) {
        assert.ok(
          found().some((one) => message.test(one)),
          `${JSON.stringify(fields)}: ${found().join('\n')}`,
        );
      }
      await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
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
