/** Turns what a terminal says was typed into bytes for the guest: UTF-8, of characters that may come in two pieces. */

const isFirstHalf = (text: string): boolean => /[\ud800-\udbff]$/.test(text);

export class InputStream {
  private readonly encoder = new TextEncoder();
  /** The first half of a character whose other half has not come. */
  private half = '';

  take(text: string): Uint8Array {
    const all = this.half + text;
    this.half = isFirstHalf(all) ? all.slice(-1) : '';
    return this.encoder.encode(all.slice(0, all.length - this.half.length));
  }
}
