/** Read-only documents that show a page of the guest's memory, read anew at each stop. */
import * as vscode from 'vscode';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { decodeBase64 } from '../../protocol/base64';
import type { SessionWatch } from '../session-watch';
import { hexDump } from './hex-dump';

const SCHEME = 'hypocaust-memory';
/** Bytes that a document shows: a page. */
const SIZE = 4096;

/** What a document shows. */
export interface MemoryPage {
  /** The tab's title. */
  readonly title: string;
  /** Where it is, as the adapter's `readMemory` request takes it. */
  readonly reference: string;
  /** The address that the first line shows. */
  readonly address: bigint;
}

interface Shown {
  readonly session: vscode.DebugSession;
  readonly page: MemoryPage;
}

export class MemoryDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly shown = new Map<string, Shown>();
  private readonly registrations: vscode.Disposable;

  readonly onDidChange = this.changed.event;

  constructor(sessions: SessionWatch) {
    this.registrations = vscode.Disposable.from(
      this.changed,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.shown.delete(uri.toString())),
      sessions.onDidChange((session) => {
        if (sessions.stateOf(session) !== 'stopped') return;
        for (const [uri, shown] of this.shown) if (shown.session === session) this.changed.fire(vscode.Uri.parse(uri));
      }),
    );
  }

  async open(session: vscode.DebugSession, page: MemoryPage): Promise<void> {
    // The query keeps the documents of two sessions, or of two address spaces, apart.
    const query = `${session.id} ${page.reference}`;
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${page.title}`, query });
    this.shown.set(uri.toString(), { session, page });
    this.changed.fire(uri);
    const document = await vscode.workspace.openTextDocument(uri);
    // Not as a preview: the next stop would open its source in the same tab.
    await vscode.window.showTextDocument(document, { preview: false });
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const shown = this.shown.get(uri.toString());
    if (!shown) return 'The debug session that this memory belonged to has ended.';
    try {
      return await read(shown);
    } catch (error) {
      return `This memory cannot be read now: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  dispose(): void {
    this.registrations.dispose();
  }
}

async function read({ session, page }: Shown): Promise<string> {
  const args: DebugProtocol.ReadMemoryArguments = { memoryReference: page.reference, count: SIZE };
  const body = (await session.customRequest('readMemory', args)) as DebugProtocol.ReadMemoryResponse['body'];
  const bytes = decodeBase64(body?.data ?? '');
  return hexDump(page.address, bytes, Math.min(body?.unreadableBytes ?? 0, SIZE - bytes.length));
}
