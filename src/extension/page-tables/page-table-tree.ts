/** The data of the view "Shadow Page Tables": reads each node's children from the adapter when it is opened. */
import * as vscode from 'vscode';
import type { PageTableNode } from '../../protocol/page-table';
import type { GuestStates } from '../guests/guest-states';
import { request } from '../request';
import { present } from './presentation';
import type { Presentation } from './presentation';

export class PageTableTree implements vscode.TreeDataProvider<PageTableNode>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  /** What was read since the last change, by node id ('' for the roots), so that nothing is read twice. */
  private readonly read = new Map<string, Promise<readonly PageTableNode[]>>();
  private readonly parents = new Map<string, PageTableNode | undefined>();
  private session: vscode.DebugSession | undefined;

  readonly onDidChangeTreeData = this.changed.event;

  constructor(private readonly guests: GuestStates) {}

  /** Shows this session's tables as they are now; none without a session. Open nodes stay open: their ids are the same. */
  show(session: vscode.DebugSession | undefined): void {
    this.session = session;
    this.read.clear();
    this.parents.clear();
    this.changed.fire();
  }

  /** Shows the same with the guests' states as they are now. */
  refresh(): void {
    this.changed.fire();
  }

  getTreeItem(node: PageTableNode): vscode.TreeItem {
    return toItem(node, present(node, this.guests.of(this.session)));
  }

  getChildren(node?: PageTableNode): Promise<readonly PageTableNode[]> & Promise<PageTableNode[]> {
    const key = node?.id ?? '';
    let children = this.read.get(key);
    if (!children) {
      children = this.ask(node);
      this.read.set(key, children);
    }
    return children as Promise<PageTableNode[]>;
  }

  getParent(node: PageTableNode): PageTableNode | undefined {
    return this.parents.get(node.id);
  }

  dispose(): void {
    this.changed.dispose();
  }

  private async ask(node: PageTableNode | undefined): Promise<readonly PageTableNode[]> {
    if (!this.session) return [];
    try {
      const { nodes } = await request(this.session, 'hypocaust/pageTable', node ? { node: node.id } : {});
      for (const child of nodes) this.parents.set(child.id, node);
      return nodes;
    } catch (error) {
      return [unreadable(node, error)];
    }
  }
}

/** Stands in the tree where the adapter could not answer. */
function unreadable(parent: PageTableNode | undefined, error: unknown): PageTableNode {
  const problem = error instanceof Error ? error.message : String(error);
  return {
    kind: 'note',
    id: `${parent?.id ?? ''}/unreadable`,
    label: 'Cannot be read now',
    description: problem,
    tooltip: problem,
    hasChildren: false,
  };
}

function toItem(node: PageTableNode, look: Presentation): vscode.TreeItem {
  const { None, Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
  const item = new vscode.TreeItem(look.label, node.hasChildren ? (look.openAtFirst ? Expanded : Collapsed) : None);
  item.id = node.id;
  item.description = look.description;
  item.tooltip = new vscode.MarkdownString(look.tooltip);
  item.iconPath = new vscode.ThemeIcon(
    look.icon.name,
    look.icon.color ? new vscode.ThemeColor(look.icon.color) : undefined,
  );
  item.contextValue = look.offers;
  item.accessibilityInformation = { label: look.spoken };
  return item;
}
