/**
 * The output of several guests on one terminal: each line begins with the name of the guest that it is of, and with `+` where it goes
 * on with one that another guest interrupted.
 */

const NEWLINE = 10;
const encoder = new TextEncoder();

export class GuestLines {
  /** Who wrote last, if not to the end of a line. */
  private writing: string | undefined;
  /** Guests whose last line was ended by another one. */
  private readonly interrupted = new Set<string>();

  /** @param write takes what is to be shown */
  constructor(private readonly write: (bytes: Uint8Array) => void) {}

  /** What a guest's console prints. */
  add(guest: string, bytes: Uint8Array): void {
    for (let start = 0; start < bytes.length;) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline < 0 ? bytes.length : newline + 1;
      if (this.writing !== guest) {
        if (this.writing !== undefined) this.interrupted.add(this.writing);
        const separator = this.interrupted.delete(guest) ? '+' : '|';
        this.write(encoder.encode(`${this.writing === undefined ? '' : '\r\n'}${guest}${separator} `));
      }
      this.write(bytes.subarray(start, end));
      this.writing = newline < 0 ? guest : undefined;
      start = end;
    }
  }
}
