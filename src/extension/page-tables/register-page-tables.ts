/** The view "Shadow Page Tables" and its commands. */
import * as vscode from 'vscode';
import { DEBUG_TYPE } from '../../protocol/launch-configuration';
import type { LaunchConfiguration } from '../../protocol/launch-fields';
import type { PageTableNode } from '../../protocol/page-table';
import type { GuestStates } from '../guests/guest-states';
import type { MemoryDocuments } from '../memory/memory-documents';
import { LATE } from '../session-watch';
import type { SessionWatch } from '../session-watch';
import { describeTranslation, findAddress, hex, parseAddress } from './find-address';
import { PageTableTree } from './page-table-tree';

const VIEW = 'hypocaust.shadowPageTables';
/** As in package.json. */
const TITLE = 'Shadow Page Tables';

export function registerPageTables(
  sessions: SessionWatch,
  guests: GuestStates,
  memory: MemoryDocuments,
): vscode.Disposable {
  const tree = new PageTableTree(guests);
  const view = vscode.window.createTreeView(VIEW, { treeDataProvider: tree, showCollapseAll: true });
  let shown: vscode.DebugSession | undefined;

  /** Reads anew at a stop; while the guest runs, what the last stop showed stays, and the view says so. */
  const update = (session: vscode.DebugSession | undefined): void => {
    const state = session && sessions.stateOf(session);
    if (session && state === 'running' && shown === session) {
      view.message = LATE;
      return;
    }
    view.message = undefined;
    view.title = isBare(session) ? 'Page Tables' : TITLE;
    shown = state === 'stopped' ? session : undefined;
    tree.show(shown);
  };
  const active = (): vscode.DebugSession | undefined => {
    const session = vscode.debug.activeDebugSession;
    return session?.type === DEBUG_TYPE ? session : undefined;
  };

  const goTo = async (typed?: string): Promise<void> => {
    const text = typed ?? (await askAddress());
    const gva = text === undefined ? undefined : parseAddress(text);
    if (gva === undefined) return;
    const path = await findAddress(gva, (node) => tree.getChildren(node));
    const last = path.at(-1);
    if (last) await view.reveal(last, { select: true, focus: true, expand: last.kind !== 'leaf' });
    if (last?.kind === 'leaf') {
      view.message = describeTranslation(gva, last);
    } else {
      void vscode.window.showInformationMessage(
        `The guest maps nothing at ${hex(gva)} in the address space it uses now.`,
      );
    }
  };
  const copy = (address: (node: PageTableNode) => string | undefined) => async (node: PageTableNode) => {
    const text = address(node);
    if (text === undefined) return;
    await vscode.env.clipboard.writeText(text);
    vscode.window.setStatusBarMessage(`Copied ${text}`, 2000);
  };

  return vscode.Disposable.from(
    tree,
    view,
    sessions.onDidChange((session) => {
      if (session === active() || session === shown) update(session);
    }),
    guests.onDidChange(() => tree.refresh()),
    vscode.debug.onDidChangeActiveDebugSession(() => update(active())),
    vscode.commands.registerCommand('hypocaust.goToAddress', goTo),
    vscode.commands.registerCommand('hypocaust.refreshPageTables', () => update(active())),
    vscode.commands.registerCommand(
      'hypocaust.copyGva',
      copy((node) => ('gva' in node ? node.gva.first : undefined)),
    ),
    vscode.commands.registerCommand(
      'hypocaust.copyGpa',
      copy((node) => ('gpa' in node ? node.gpa : undefined)),
    ),
    vscode.commands.registerCommand(
      'hypocaust.copyHva',
      copy((node) => ('hva' in node ? node.hva : undefined)),
    ),
    vscode.commands.registerCommand('hypocaust.openMemory', async (node: PageTableNode) => {
      const session = active();
      if (!session || node.kind !== 'leaf' || node.hva === undefined) return;
      const { first } = node.gva;
      // By its host address: the leaf may belong to an address space that the guest does not use now.
      await memory.open(session, { title: `Memory ${first}`, reference: `hpa:${node.hva}`, address: BigInt(first) });
    }),
  );
}

/** Without the hypervisor there are no shadow page tables, only the kernel's own. */
function isBare(session: vscode.DebugSession | undefined): boolean {
  const { mode = 'hypervisor' } = (session?.configuration ?? {}) as LaunchConfiguration;
  return mode !== 'hypervisor';
}

function askAddress(): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title: 'Go to Guest-Virtual Address',
    prompt: 'An address of the address space that the guest uses now',
    placeHolder: '0xffffffc000000000',
    validateInput: (text) =>
      text.trim() === '' || parseAddress(text) !== undefined ? undefined : 'An address such as 0x80200000.',
  });
}
