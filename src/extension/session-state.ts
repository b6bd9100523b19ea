/** Whether a debug session's guest runs, told by the protocol's messages. Without VS Code, so that it can be tested alone. */

export type SessionState = 'starting' | 'running' | 'stopped' | 'ended';

/** Requests after which the guest runs; there may be no `continued` event. */
const RUNS_ON: ReadonlySet<string> = new Set(['continue', 'next', 'stepIn', 'stepOut', 'configurationDone', 'restart']);

export class SessionStateMachine {
  state: SessionState = 'starting';
  /** What it was when it was asked to run on. */
  private before: SessionState = 'starting';

  /**
   * Follows a message, whichever way it goes.
   * @returns whether there is something new to be seen
   */
  read(message: unknown): boolean {
    const { type, event, command, success } = message as Partial<Record<string, unknown>>;
    const runsOn = RUNS_ON.has(String(command));
    if (type === 'event') return this.follow(event);
    // Not the answer, which may come behind the next stop.
    if (type === 'request' && runsOn) {
      this.before = this.state;
      this.state = 'running';
      return true;
    }
    if (type !== 'response' || success !== false || !runsOn || this.state !== 'running') return false;
    this.state = this.before;
    return true;
  }

  private follow(event: unknown): boolean {
    if (event === 'stopped') this.state = 'stopped';
    else if (event === 'continued') this.state = 'running';
    // Registers and memory that the user changes show in the page tables too.
    else return event === 'invalidated' || event === 'memory';
    return true;
  }
}
