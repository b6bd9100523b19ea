/** Starting, watching and ending debug sessions through VS Code's interface. */
import * as vscode from 'vscode';
import type { DebugProtocol } from '@vscode/debugprotocol';

/** Longest time that a test waits for anything. */
const PATIENCE_MS = 30_000;

/** Every event that a debug adapter of ours sent, in order; a test takes what it waits for. */
export class Sessions implements vscode.Disposable {
  private readonly events: { session: vscode.DebugSession; event: DebugProtocol.Event }[] = [];
  private wake = (): void => {};
  /** Identities of the sessions that run; VS Code's active session may be one that has ended. */
  private readonly running = new Set<string>();
  private readonly registrations = vscode.Disposable.from(
    vscode.debug.onDidStartDebugSession(({ id }) => void this.running.add(id)),
    vscode.debug.onDidTerminateDebugSession(({ id }) => void this.running.delete(id)),
    vscode.debug.registerDebugAdapterTrackerFactory('hypocaust', {
      createDebugAdapterTracker: (session) => ({
        onDidSendMessage: (message: DebugProtocol.ProtocolMessage) => {
          if (message.type !== 'event') return;
          this.events.push({ session, event: message as DebugProtocol.Event });
          this.wake();
        },
      }),
    }),
  );

  /** The next event of this name that no other call took, with its session. */
  async take<Event extends DebugProtocol.Event>(
    name: Event['event'],
    fits: (event: Event) => boolean = () => true,
  ): Promise<{ session: vscode.DebugSession; event: Event }> {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      const index = this.events.findIndex(({ event }) => event.event === name && fits(event as Event));
      if (index >= 0) return this.events.splice(index, 1)[0] as { session: vscode.DebugSession; event: Event };
      if (Date.now() > until) {
        const seen = this.events.map(({ event }) => event.event).join(', ');
        throw new Error(`No event "${name}" came within ${PATIENCE_MS / 1000} s; there were: ${seen || 'none'}`);
      }
      await new Promise<void>((done) => {
        this.wake = done;
        setTimeout(done, 200);
      });
    }
  }

  /** Ends whatever runs, and forgets breakpoints and events. */
  async reset(): Promise<void> {
    await vscode.debug.stopDebugging();
    await eventually('the session has ended', () => this.running.size === 0);
    vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
    this.events.length = 0;
  }

  dispose(): void {
    this.registrations.dispose();
  }
}

/** Waits until something is true. */
export async function eventually(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  while (!(await isTrue())) {
    if (Date.now() > until) throw new Error(`Not within ${PATIENCE_MS / 1000} s: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Puts `stand-in` in the place of a function of VS Code's interface until the returned function is called. */
export function replace<T extends object, K extends keyof T>(object: T, name: K, standIn: T[K]): () => void {
  const original = object[name];
  object[name] = standIn;
  return () => {
    object[name] = original;
  };
}
