/** F5 on the sample kernel, as far as VS Code's interface shows it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { PageTableNode, PageTableResponse } from '../../../src/protocol/page-table';
import { findMarker } from '../../support/markers';
import type { MarkedLine } from '../../support/markers';
import { eventually, Sessions } from './sessions';

const CONFIGURATION = 'Teaching kernel under Hypocaust';

export function define(): void {
  describe('debugging the sample kernel', () => {
    const folder = vscode.workspace.workspaceFolders![0];
    const sessions = new Sessions();

    afterEach(() => sessions.reset());
    after(() => sessions.dispose());

    function breakAt(marker: string): MarkedLine {
      const place = findMarker(folder.uri.fsPath, marker);
      const location = new vscode.Location(vscode.Uri.file(place.path), new vscode.Position(place.line - 1, 0));
      vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(location)]);
      return place;
    }

    async function start(): Promise<void> {
      assert.equal(await vscode.debug.startDebugging(folder, CONFIGURATION), true);
    }

    const stopped = (): Promise<{ session: vscode.DebugSession; event: DebugProtocol.StoppedEvent }> =>
      sessions.take<DebugProtocol.StoppedEvent>('stopped');

    async function stackOf(
      session: vscode.DebugSession,
      threadId: number | undefined,
    ): Promise<DebugProtocol.StackFrame[]> {
      return ((await session.customRequest('stackTrace', { threadId })) as DebugProtocol.StackTraceResponse['body'])
        .stackFrames;
    }

    it('stops at a breakpoint in C, with the stack, the registers and the variables', async () => {
      const { path, line } = breakAt('syscall');
      await start();
      const { session, event } = await stopped();
      assert.equal(event.body.reason, 'breakpoint');

      const [top, ...callers] = await stackOf(session, event.body.threadId);
      assert.match(top.name, /system_call_handler/);
      assert.equal(top.line, line);
      // On a server, VS Code puts the address of the machine in front.
      assert.ok(top.source?.path?.endsWith(path), top.source?.path);
      assert.ok(callers.length > 0, 'there are callers');

      const { scopes } = (await session.customRequest('scopes', {
        frameId: top.id,
      })) as DebugProtocol.ScopesResponse['body'];
      const registers = scopes.find(({ presentationHint }) => presentationHint === 'registers');
      assert.ok(registers, 'there is a scope of registers');
      const { variables } = (await session.customRequest('variables', {
        variablesReference: registers.variablesReference,
      })) as DebugProtocol.VariablesResponse['body'];
      assert.ok(variables.some(({ name }) => name === 'sp' || name.startsWith('sp ')));
    });

    it('selects the frame of a stop without source, so that its registers are shown', async () => {
      const program = join(folder.uri.fsPath, '..', '..', 'test', 'fixtures', 'stripped.elf');
      const configuration = { type: 'hypocaust', request: 'launch', name: 'stripped', program, stopOnEntry: true };
      assert.equal(await vscode.debug.startDebugging(folder, configuration), true);
      await stopped();
      await eventually('a frame is selected', () => vscode.debug.activeStackItem instanceof vscode.DebugStackFrame);
    });

    it('explains an address in a document that asks for no saving', async () => {
      breakAt('syscall');
      await start();
      await stopped();
      await vscode.commands.executeCommand('hypocaust.translateAddress', '0x80200000');
      const document = vscode.window.activeTextEditor?.document;
      assert.match(document?.getText() ?? '', /GPA 0x80200000 lies at HVA 0x88200000/);
      assert.equal(document?.isUntitled, false);
      assert.equal(document?.isDirty, false);
    });

    it('shows the guest as a terminal, which says when the session has ended', async () => {
      breakAt('syscall');
      await start();
      const { session } = await stopped();
      await eventually('there is a terminal', () => vscode.window.terminals.some(({ name }) => name === 'kernel'));
      await vscode.debug.stopDebugging(session);
      await eventually('its title says that it has ended', () =>
        vscode.window.terminals.some(({ name }) => name === 'kernel (ended)'),
      );
      assert.equal(vscode.window.terminals.filter(({ name }) => name.startsWith('kernel')).length, 1);
    });

    it('holds one of two guests, which the thread tells, and has the first guest in front', async () => {
      const program = join(folder.uri.fsPath, 'kernel.elf');
      const guests = ['left', 'right'].map((name) => ({ name, program }));
      const configuration = { type: 'hypocaust', request: 'launch', name: 'two', guests };
      assert.equal(await vscode.debug.startDebugging(folder, configuration), true);
      await eventually('the first terminal is in front', () => vscode.window.activeTerminal?.name === 'left');
      const session = vscode.debug.activeDebugSession!;
      const names = async (): Promise<string> =>
        ((await session.customRequest('threads')) as DebugProtocol.ThreadsResponse['body']).threads
          .map(({ name }) => name)
          .join();
      // As the menu of the Call Stack calls it.
      await vscode.commands.executeCommand('hypocaust.holdGuest', 2, {
        sessionId: session.id,
        threadId: `thread:${session.id}:2`,
      });
      assert.equal(await names(), 'left,right (held)');
      await vscode.commands.executeCommand('hypocaust.releaseGuest');
      assert.equal(await names(), 'left,right');
    });

    it('reads the page tables level by level, and finds the one in use', async () => {
      breakAt('syscall');
      await start();
      const { session } = await stopped();
      const children = async (node?: PageTableNode): Promise<readonly PageTableNode[]> =>
        ((await session.customRequest('hypocaust/pageTable', node ? { node: node.id } : {})) as PageTableResponse)
          .nodes;

      const [guest] = await children();
      assert.equal(guest.kind, 'guest');
      const spaces = await children(guest);
      const current = spaces.filter((node) => node.kind === 'addressSpace' && node.isCurrent);
      assert.equal(current.length, 1);
      const leaves: PageTableNode[] = [];
      const gather = async (node: PageTableNode): Promise<void> => {
        if (node.kind === 'leaf') leaves.push(node);
        else if (node.hasChildren) for (const child of await children(node)) await gather(child);
      };
      await gather(current[0]);
      assert.ok(leaves.some((leaf) => leaf.kind === 'leaf' && leaf.agreement === 'agrees' && leaf.shadow.length > 0));
    });

    it('stops where the hypervisor emulates a write to satp, with its own frame on top', async () => {
      vscode.debug.addBreakpoints([new vscode.FunctionBreakpoint('hypervisor.csrWrite', true, 'csr == "satp"')]);
      await start();
      const { session, event } = await stopped();
      const [hypervisor, guest] = await stackOf(session, event.body.threadId);
      assert.match(hypervisor.name, /^hypervisor: csrWrite satp/);
      assert.match(guest.source?.path ?? '', /paging\.c$|csr\.h$/);
    });

    it('runs on, takes what is typed, pauses, and ends when the guest powers off', async () => {
      const { line } = breakAt('prompt');
      await start();
      const { session, event } = await stopped();
      assert.equal((await stackOf(session, event.body.threadId))[0].line, line);
      vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
      await session.customRequest('continue', { threadId: event.body.threadId });

      await session.customRequest('pause', { threadId: event.body.threadId });
      assert.equal((await stopped()).event.body.reason, 'pause');
      await session.customRequest('continue', { threadId: event.body.threadId });

      const terminal = vscode.window.terminals.find(({ name }) => name === 'kernel');
      assert.ok(terminal);
      terminal.sendText('q\r', false);
      await sessions.take('terminated');
      await eventually('the session is over', () => vscode.debug.activeDebugSession === undefined);
    });
  });
}
