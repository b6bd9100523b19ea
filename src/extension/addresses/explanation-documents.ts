/** Read-only documents that hold an explanation as it was when it was asked for. */
import * as vscode from 'vscode';
import { wrap } from './wrap';

const SCHEME = 'hypocaust-explanation';

export class ExplanationDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly texts = new Map<string, string>();
  private readonly registrations: vscode.Disposable;

  readonly onDidChange = this.changed.event;

  constructor() {
    this.registrations = vscode.Disposable.from(
      this.changed,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.texts.delete(uri.toString())),
    );
  }

  /** @param title the tab's; a later explanation with the same title takes the place of the earlier one */
  async open(title: string, lines: readonly string[]): Promise<void> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${title}` });
    this.texts.set(uri.toString(), `${wrap(lines).join('\n')}\n`);
    this.changed.fire(uri);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? 'This explanation is no longer there; ask for it again.\n';
  }

  dispose(): void {
    this.registrations.dispose();
  }
}
