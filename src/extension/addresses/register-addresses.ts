/** Commands that explain: an address in all its kinds, and why the guest's last access failed. */
import * as vscode from 'vscode';
import { DEBUG_TYPE } from '../../protocol/launch-configuration';
import { request } from '../request';
import { ExplanationDocuments } from './explanation-documents';
import { parseTypedAddress } from './typed-address';

export function registerAddresses(): vscode.Disposable {
  const documents = new ExplanationDocuments();
  return vscode.Disposable.from(
    documents,
    vscode.commands.registerCommand('hypocaust.translateAddress', async (typed?: string) => {
      const text = typed ?? (await askAddress());
      const address = text === undefined ? undefined : parseTypedAddress(text);
      if (!address) return;
      const title = `${address.kind.toUpperCase()} ${address.address}`;
      await show(documents, title, (session) => request(session, 'hypocaust/translate', address));
    }),
    vscode.commands.registerCommand('hypocaust.explainFault', () =>
      show(documents, 'Why It Faulted', (session) => request(session, 'hypocaust/explain', {})),
    ),
  );
}

/** Shows the answer's lines as a document; what cannot be answered, as the adapter's sentence. */
async function show(
  documents: ExplanationDocuments,
  title: string,
  ask: (session: vscode.DebugSession) => Promise<{ readonly lines: readonly string[] }>,
): Promise<void> {
  const session = vscode.debug.activeDebugSession;
  if (session?.type !== DEBUG_TYPE) {
    void vscode.window.showInformationMessage('No guest is being debugged.');
    return;
  }
  try {
    const { lines } = await ask(session);
    await documents.open(title, lines);
  } catch (error) {
    void vscode.window.showInformationMessage(error instanceof Error ? error.message : String(error));
  }
}

function askAddress(): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title: 'Translate Address',
    prompt: 'A guest-virtual address; or a guest-physical or host address with gpa or hpa before it',
    placeHolder: '0x80200000, gpa 0x80200000, hpa 0x88200000',
    validateInput: (text) =>
      text.trim() === '' || parseTypedAddress(text) ? undefined : 'An address such as 0x80200000 or gpa 0x80200000.',
  });
}
