/** The terminal as a guest's console: raw input with QEMU's escape key, and output that waits for nobody. */
import { fstatSync, statSync, writeSync } from 'node:fs';
import { OutputCollector } from '../adapter/output-collector';

const CONTROL_A = 0x01;

/** Splits input into what goes to the guest and the escape commands that start with Ctrl-A, as in QEMU. */
export class EscapeFilter {
  private escaped = false;

  /**
   * @returns the bytes for the guest, and whether Ctrl-A X was typed; what follows that is dropped
   */
  filter(input: Uint8Array): { readonly bytes: Uint8Array; readonly quit: boolean } {
    const bytes: number[] = [];
    for (const byte of input) {
      if (!this.escaped) {
        if (byte === CONTROL_A) this.escaped = true;
        else bytes.push(byte);
        continue;
      }
      this.escaped = false;
      const key = String.fromCharCode(byte).toLowerCase();
      if (key === 'x') return { bytes: Uint8Array.from(bytes), quit: true };
      if (byte === CONTROL_A || key === 'a') bytes.push(CONTROL_A);
    }
    return { bytes: Uint8Array.from(bytes), quit: false };
  }
}

export interface TerminalEvents {
  /** The terminal's size in characters, at first and when it changes. */
  resized(columns: number, rows: number): void;
  input(bytes: Uint8Array): void;
  quit(): void;
  /** Nobody reads standard output any more. What is written from now on is dropped. */
  outputClosed(): void;
}

const STDIN = 0;
const STDOUT = 1;
/**
 * Milliseconds until standard input is looked at: to open it takes Node.js longer than most kernels need for their first
 * line. What is typed meanwhile waits.
 */
const INPUT_DELAY = 50;

/** Connects standard input and output until `close` is called. */
export class Terminal {
  private readonly filter = new EscapeFilter();
  private readonly timer: NodeJS.Timeout;
  private listener: ((data: Buffer) => void) | undefined;
  private isOutputClosed = false;
  private isInputHeld = false;
  private readonly output = new OutputCollector((bytes) => this.writeNow(bytes), { atOnce: true });
  /** The stream that queues what cannot be written at once; Windows' console wants one. */
  private stream: NodeJS.WriteStream | undefined;

  constructor(private readonly events: TerminalEvents) {
    if (process.platform === 'win32') this.stream = this.openStream();
    this.timer = setTimeout(() => {
      if (!isNothing(STDIN)) this.listen();
    }, INPUT_DELAY);
  }

  /** True when a person may be typing, so that time shall pass as on a clock. */
  get interactive(): boolean {
    return process.stdin.isTTY;
  }

  /** What comes within a few milliseconds is written together. */
  write(bytes: Uint8Array): void {
    this.output.write(bytes);
  }

  /** Writes what was collected: to be called before anything else is written to the terminal. */
  flush(): void {
    this.output.flush();
  }

  /** Whether input waits outside, because enough waits inside. Not on a terminal, where Ctrl-A X must always get through. */
  holdInput(hold: boolean): void {
    if (hold === this.isInputHeld || !this.listener || process.stdin.isTTY) return;
    this.isInputHeld = hold;
    if (hold) process.stdin.pause();
    else process.stdin.resume();
  }

  private writeNow(bytes: Uint8Array): void {
    if (this.isOutputClosed) return;
    let written = 0;
    try {
      while (!this.stream && written < bytes.length) written += writeSync(STDOUT, bytes, written);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') return this.closeOutput();
      if (code !== 'EAGAIN') throw error;
      // The other side of the pipe made it one that does not wait.
      this.stream = this.openStream();
    }
    if (written < bytes.length) this.stream?.write(bytes.subarray(written));
  }

  close(): void {
    this.flush();
    clearTimeout(this.timer);
    // To name process.stdin or process.stdout is to open them.
    if (!this.listener) return;
    const { stdin } = process;
    stdin.off('data', this.listener);
    if (stdin.isTTY) {
      stdin.setRawMode(false);
      process.stdout.off('resize', this.tellSize);
    }
    stdin.pause();
    stdin.unref?.();
  }

  private listen(): void {
    const { stdin } = process;
    const isTerminal = stdin.isTTY;
    this.listener = (data) => {
      // What comes from a file or another program goes to the guest as it is.
      const { bytes, quit } = isTerminal ? this.filter.filter(data) : { bytes: data, quit: false };
      if (bytes.length > 0) this.events.input(bytes);
      if (quit) this.events.quit();
    };
    if (isTerminal) stdin.setRawMode(true);
    if (isTerminal && process.stdout.isTTY) {
      process.stdout.on('resize', this.tellSize);
      this.tellSize();
    }
    stdin.on('data', this.listener);
    stdin.on('error', () => undefined);
    stdin.resume();
  }

  private readonly tellSize = (): void => {
    this.events.resized(process.stdout.columns, process.stdout.rows);
  };

  private openStream(): NodeJS.WriteStream {
    const { stdout } = process;
    stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      this.closeOutput();
    });
    return stdout;
  }

  private closeOutput(): void {
    this.isOutputClosed = true;
    this.events.outputClosed();
  }
}

/** Whether nothing ever comes from the descriptor, since it is `/dev/null`. */
function isNothing(descriptor: number): boolean {
  try {
    const { rdev } = fstatSync(descriptor);
    return rdev !== 0 && rdev === statSync('/dev/null').rdev;
  } catch {
    return false;
  }
}
