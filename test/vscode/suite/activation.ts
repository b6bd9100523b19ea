/** The extension is there, activates, and registers what package.json promises. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';

export function define(): void {
  describe('the extension', () => {
    it('activates', async () => {
      const extension = vscode.extensions.getExtension('hypocaust.hypocaust');
      assert.ok(extension, 'the extension is installed');
      await extension.activate();
      assert.equal(extension.isActive, true);
    });

    it('registers every command that it contributes', async () => {
      const { contributes } = vscode.extensions.getExtension('hypocaust.hypocaust')!.packageJSON;
      const registered = new Set(await vscode.commands.getCommands(true));
      for (const { command } of contributes.commands) assert.ok(registered.has(command), command);
    });
  });
}
