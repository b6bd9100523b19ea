/** Messages of 9P: reading a request's fields, and putting an answer together (little-endian, strings with their length). */
import { FileError } from './file-system';

/** Size, type and tag. */
export const HEADER_SIZE = 7;
export const QID_SIZE = 13;

/** Reads fields one after the other. @throws FileError EPROTO where the message ends too early */
export class MessageReader {
  private readonly view: DataView;
  private at = HEADER_SIZE;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.view.getUint8(this.skip(1));
  }

  u16(): number {
    return this.view.getUint16(this.skip(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  u64(): bigint {
    return this.view.getBigUint64(this.skip(8), true);
  }

  text(): string {
    return TEXT.decode(this.data(this.u16()));
  }

  data(length: number): Uint8Array {
    const start = this.skip(length);
    return this.bytes.subarray(start, start + length);
  }

  private skip(length: number): number {
    const start = this.at;
    this.at += length;
    if (this.at > this.bytes.length) throw new FileError('EPROTO');
    return start;
  }
}

/** What is no UTF-8 becomes replacement characters, which no file's name will match. */
const TEXT = new TextDecoder();
const ENCODER = new TextEncoder();

export class MessageWriter {
  private buffer = new Uint8Array(256);
  private view = new DataView(this.buffer.buffer);
  private used = 0;

  u8(value: number): this {
    this.view.setUint8(this.reserve(1), value);
    return this;
  }

  u16(value: number): this {
    this.view.setUint16(this.reserve(2), value, true);
    return this;
  }

  u32(value: number): this {
    this.view.setUint32(this.reserve(4), value, true);
    return this;
  }

  u64(value: bigint): this {
    this.view.setBigUint64(this.reserve(8), value, true);
    return this;
  }

  text(value: string): this {
    const bytes = ENCODER.encode(value);
    return this.u16(bytes.length).data(bytes);
  }

  data(bytes: Uint8Array): this {
    const at = this.reserve(bytes.length);
    this.buffer.set(bytes, at);
    return this;
  }

  get length(): number {
    return this.used;
  }

  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.used);
  }

  /** Makes room. @returns where */
  private reserve(count: number): number {
    const at = this.used;
    this.used += count;
    if (this.used > this.buffer.length) {
      const larger = new Uint8Array(Math.max(2 * this.buffer.length, this.used));
      larger.set(this.buffer);
      this.buffer = larger;
      this.view = new DataView(larger.buffer);
    }
    return at;
  }
}
