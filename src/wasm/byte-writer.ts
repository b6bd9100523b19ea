/** Bytes in the making, with the variable-length numbers of the WebAssembly binary format (LEB128, Core 5.2.2). */

const FIRST_CAPACITY = 256;

export class ByteWriter {
  /** Bytes written so far. */
  length = 0;
  private buffer: Uint8Array<ArrayBuffer>;

  constructor(capacity = FIRST_CAPACITY) {
    this.buffer = new Uint8Array(capacity);
  }

  /** The bytes written; valid until more are written. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.buffer.subarray(0, this.length);
  }

  byte(value: number): void {
    if (this.length === this.buffer.length) this.reserve(1);
    this.buffer[this.length++] = value;
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** An unsigned number below 2^53. */
  unsigned(value: number): void {
    while (value >= 0x80) {
      this.byte((value % 0x80) | 0x80);
      value = Math.floor(value / 0x80);
    }
    this.byte(value);
  }

  /** A signed 32-bit number. */
  signed32(value: number): void {
    // Seven bits hold -64 to 63.
    while (value < -0x40 || value >= 0x40) {
      this.byte((value & 0x7f) | 0x80);
      value >>= 7;
    }
    this.byte(value & 0x7f);
  }

  /** A 64-bit number, taken as signed. */
  signed64(value: bigint): void {
    let rest = BigInt.asIntN(64, value);
    // Most are small, and numbers are faster than bigints.
    for (let number = Number(rest); number < -0x8000_0000 || number > 0x7fff_ffff; number = Number(rest)) {
      this.byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.signed32(Number(rest));
  }

  /** A string in UTF-8, after its length. */
  name(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.unsigned(bytes.length);
    this.append(bytes);
  }

  private reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    larger.set(this.buffer);
    this.buffer = larger;
  }
}

/** How many bytes `unsigned` writes for a number below 2^32. */
export function unsignedLength(value: number): number {
  let length = 1;
  for (; value >= 0x80; value = Math.floor(value / 0x80)) length++;
  return length;
}
