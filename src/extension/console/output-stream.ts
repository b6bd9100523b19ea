/** Turns the pieces of a guest's output, which may overlap or be missing, into the text that a terminal shows. */

/** What a piece of output means for the terminal. */
export interface Output {
  /** Bytes that were never received. */
  readonly missing: number;
  /** What to write, line ends ready for a terminal. */
  readonly text: string;
}

/** A line feed alone also returns to the first column, as in QEMU's terminal; one return more does no harm. */
const LINE_END = /\r?\n/g;

/** One console's output, in order, each byte once. */
export class OutputStream {
  private next = 0;
  private readonly decoder = new TextDecoder();

  /** Takes bytes that are number `offset` and following of all that the console wrote. Those seen already are left out. */
  take(offset: number, bytes: Uint8Array): Output {
    const seen = Math.min(Math.max(this.next - offset, 0), bytes.length);
    const missing = Math.max(offset - this.next, 0);
    this.next = Math.max(this.next, offset + bytes.length);
    // A character may be split between pieces: the decoder keeps its beginning.
    const text = this.decoder.decode(bytes.subarray(seen), { stream: true });
    return { missing, text: text.replace(LINE_END, '\r\n') };
  }
}
