/** The terminal as a guest's console: raw input with QEMU's escape key, and output that waits for nobody. */

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
  input(bytes: Uint8Array): void;
  quit(): void;
}

/** Connects standard input until `close` is called. */
export class Terminal {
  private readonly filter = new EscapeFilter();
  private readonly listener: (data: Buffer) => void;

  constructor(events: TerminalEvents) {
    const { stdin } = process;
    this.listener = (data) => {
      const { bytes, quit } = this.filter.filter(data);
      if (bytes.length > 0) events.input(bytes);
      if (quit) events.quit();
    };
    if (stdin.isTTY) stdin.setRawMode(true);
    stdin.on('data', this.listener);
    stdin.on('error', () => undefined);
    stdin.resume();
  }

  /** True when a person may be typing, so that time shall pass as on a clock. */
  get interactive(): boolean {
    return process.stdin.isTTY;
  }

  write(bytes: Uint8Array): void {
    process.stdout.write(bytes);
  }

  close(): void {
    const { stdin } = process;
    stdin.off('data', this.listener);
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
    stdin.unref?.();
  }
}
