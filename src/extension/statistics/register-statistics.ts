/** The view "VM Exits": how much has run, and why the guests left to the hypervisor. Read at each stop. */
import * as vscode from 'vscode';
import { DEBUG_TYPE } from '../../protocol/launch-configuration';
import type { SourceLine, StatisticsResponse } from '../../protocol/statistics';
import type { GuestStates } from '../guests/guest-states';
import { request } from '../request';
import { LATE } from '../session-watch';
import type { SessionWatch } from '../session-watch';
import { presentStatistics } from './presentation';
import type { StatisticsRow } from './presentation';

const VIEW = 'hypocaust.vmExits';

export function registerStatistics(sessions: SessionWatch, guests: GuestStates): vscode.Disposable {
  const changed = new vscode.EventEmitter<void>();
  let rows: readonly StatisticsRow[] = [];
  /** What is shown, and what was shown at the stop before. */
  let shown:
    { readonly session: string; readonly now: StatisticsResponse; readonly before?: StatisticsResponse } | undefined;

  const view = vscode.window.createTreeView<StatisticsRow>(VIEW, {
    treeDataProvider: {
      onDidChangeTreeData: changed.event,
      getTreeItem: toItem,
      getChildren: (row) => [...(row?.children ?? rows)],
    },
  });

  const update = async (): Promise<void> => {
    const session = vscode.debug.activeDebugSession;
    const isLate = session && sessions.stateOf(session) === 'running' && shown?.session === session.id;
    view.message = isLate ? LATE : undefined;
    if (session?.type !== DEBUG_TYPE || sessions.stateOf(session) === 'ended') {
      rows = [];
    } else if (sessions.stateOf(session) === 'stopped') {
      try {
        const now = await request(session, 'hypocaust/statistics', undefined);
        const last = shown?.session === session.id ? shown : undefined;
        // Asked twice at one stop, the answer still tells what came since the stop before.
        const before = last?.now.instructions === now.instructions ? last.before : last?.now;
        shown = { session: session.id, now, before };
        rows = presentStatistics(now, before, guests.of(session));
      } catch {
        rows = []; // The session ended meanwhile.
      }
    }
    changed.fire();
  };

  return vscode.Disposable.from(
    changed,
    view,
    sessions.onDidChange((session) => {
      if (session === vscode.debug.activeDebugSession) void update();
    }),
    guests.onDidChange((session) => {
      if (session !== vscode.debug.activeDebugSession || shown?.session !== session.id || rows.length === 0) return;
      rows = presentStatistics(shown.now, shown.before, guests.of(session));
      changed.fire();
    }),
    vscode.debug.onDidChangeActiveDebugSession(() => void update()),
  );
}

function toItem({
  id,
  label,
  description,
  icon,
  tooltip,
  source,
  offers,
  isOpen,
  children,
}: StatisticsRow): vscode.TreeItem {
  const { None, Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
  const item = new vscode.TreeItem(label, children.length === 0 ? None : isOpen ? Expanded : Collapsed);
  item.id = id;
  item.description = description;
  if (tooltip !== undefined) item.tooltip = new vscode.MarkdownString(tooltip);
  item.iconPath = new vscode.ThemeIcon(icon);
  if (offers) item.contextValue = offers;
  if (source) item.command = openSource(source);
  return item;
}

function openSource({ path, line }: SourceLine): vscode.Command {
  const selection = new vscode.Range(line - 1, 0, line - 1, 0);
  return { command: 'vscode.open', title: 'Open Source', arguments: [vscode.Uri.file(path), { selection }] };
}
