/** Watches a console for a pattern, in pieces as they come. */

/** Console text kept for matching: a pattern that needs more is not recognised. */
const KEPT = 1 << 20;

export class Expectation {
  private text = '';
  private readonly decoder = new TextDecoder('latin1');
  private found = false;

  constructor(private readonly pattern: RegExp) {}

  get met(): boolean {
    return this.found;
  }

  /** Takes the next piece of output. */
  add(bytes: Uint8Array): void {
    if (this.found) return;
    this.text += this.decoder.decode(bytes).replaceAll('\r', '');
    this.found = this.pattern.test(this.text);
    if (this.text.length > KEPT) this.text = this.text.slice(-KEPT / 2);
  }
}
