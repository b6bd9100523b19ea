/** One guest's console as a VS Code terminal. */
import * as vscode from 'vscode';
import { InputStream } from './input-stream';
import { OutputStream } from './output-stream';

/** Output kept while VS Code has not opened the terminal yet; beyond, the oldest goes. */
const MOST_WAITING = 1_000_000;

/** A terminal that shows what the guest writes and sends what the user types. It outlives its session, to be read. */
export class GuestTerminal implements vscode.Disposable {
  readonly terminal: vscode.Terminal;
  private readonly stream = new OutputStream();
  private readonly input = new InputStream();
  private readonly write = new vscode.EventEmitter<string>();
  private readonly rename = new vscode.EventEmitter<string>();
  private readonly close = new vscode.EventEmitter<void>();
  /** Text to write when the terminal opens; undefined since then. */
  private waiting: string | undefined = '';
  private state: 'open' | 'ended' | 'closed' = 'open';
  private toldOpen: () => void = () => undefined;
  /** When VS Code has made it. */
  readonly opened = new Promise<void>((resolve) => {
    this.toldOpen = resolve;
  });

  /**
   * @param type sends what the user typed to the guest
   * @param resize tells the guest the terminal's size
   */
  constructor(
    readonly name: string,
    type: (bytes: Uint8Array) => void,
    resize: (size: vscode.TerminalDimensions) => void,
  ) {
    const pty: vscode.Pseudoterminal = {
      onDidWrite: this.write.event,
      onDidChangeName: this.rename.event,
      onDidClose: this.close.event,
      open: (size) => {
        if (size) resize(size);
        this.flush();
        this.toldOpen();
      },
      setDimensions: (size) => {
        if (this.state === 'open') resize(size);
      },
      close: () => {
        this.state = 'closed';
      },
      handleInput: (data) => {
        if (this.state === 'open') type(this.input.take(data));
        else if (this.state === 'ended' && data === '\r') this.close.fire();
      },
    };
    this.terminal = vscode.window.createTerminal({
      name,
      pty,
      iconPath: new vscode.ThemeIcon('chip'),
      isTransient: true, // A guest cannot be brought back by reloading the window.
    });
  }

  /** The user closed it. */
  get isClosed(): boolean {
    return this.state === 'closed';
  }

  /** See {@link OutputStream.take}. */
  take(offset: number, bytes: Uint8Array): void {
    const { missing, text } = this.stream.take(offset, bytes);
    if (missing > 0) this.put(remark(`${missing} bytes of earlier output are not shown.`));
    this.put(text);
  }

  /** The session is over: says so, and takes no more input for the guest. */
  end(): void {
    if (this.state !== 'open') return;
    this.state = 'ended';
    this.put(remark('The debug session has ended. Press Enter to close this terminal.'));
    this.rename.fire(`${this.name} (ended)`);
  }

  show(): void {
    this.terminal.show(true);
  }

  dispose(): void {
    this.state = 'closed';
    this.terminal.dispose();
    for (const emitter of [this.write, this.rename, this.close]) emitter.dispose();
  }

  private flush(): void {
    const text = this.waiting ?? '';
    this.waiting = undefined;
    this.write.fire(text);
  }

  private put(text: string): void {
    if (text === '') return;
    if (this.waiting === undefined) this.write.fire(text);
    else this.waiting = (this.waiting + text).slice(-MOST_WAITING);
  }
}

/** Our own words in the guest's terminal, on a line of their own, told apart by their look. */
function remark(text: string): string {
  return `\r\n\x1b[2;3m[${text}]\x1b[0m\r\n`;
}
