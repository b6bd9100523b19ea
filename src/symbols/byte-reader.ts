/** A bounds-checked little-endian cursor over bytes, with the variable-length integers of DWARF (5, section 7.6). */
import { DwarfError } from './errors';

const MAX_LEB_BYTES = 32;
const decoder = new TextDecoder('utf-8');

/** Reads forward from `position` up to `end`; every read beyond throws DwarfError naming the section. */
export class ByteReader {
  private readonly view: DataView;
  position: number;
  readonly end: number;

  constructor(
    readonly bytes: Uint8Array,
    readonly what: string,
    position = 0,
    end = bytes.length,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = Math.min(end, bytes.length);
    this.position = 0;
    this.seek(position);
  }

  get isAtEnd(): boolean {
    return this.position >= this.end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  fail(problem: string): never {
    throw new DwarfError(`${this.what}: ${problem} at offset 0x${this.position.toString(16)}`);
  }

  /** Moves to an offset of the whole section. */
  seek(position: number): void {
    if (!(position >= 0 && position <= this.end)) {
      throw new DwarfError(`${this.what}: offset 0x${position.toString(16)} lies outside the section`);
    }
    this.position = position;
  }

  skip(count: number): void {
    if (!(count >= 0 && count <= this.end - this.position)) this.fail('the data ends too early');
    this.position += count;
  }

  /** A reader over the next `length` bytes, which this reader skips. Offsets stay those of the whole section. */
  sub(length: number): ByteReader {
    const start = this.position;
    this.skip(length);
    return new ByteReader(this.bytes, this.what, start, start + length);
  }

  /** A reader over what this one still has to read. */
  copy(): ByteReader {
    return new ByteReader(this.bytes, this.what, this.position, this.end);
  }

  private advance(count: number): number {
    const at = this.position;
    if (count > this.end - at) this.fail('the data ends too early');
    this.position = at + count;
    return at;
  }

  u8(): number {
    return this.view.getUint8(this.advance(1));
  }

  i8(): number {
    return this.view.getInt8(this.advance(1));
  }

  u16(): number {
    return this.view.getUint16(this.advance(2), true);
  }

  i16(): number {
    return this.view.getInt16(this.advance(2), true);
  }

  u24(): number {
    const at = this.advance(3);
    return this.view.getUint16(at, true) + this.view.getUint8(at + 2) * 0x10000;
  }

  u32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  i32(): number {
    return this.view.getInt32(this.advance(4), true);
  }

  u64(): bigint {
    return this.view.getBigUint64(this.advance(8), true);
  }

  i64(): bigint {
    return this.view.getBigInt64(this.advance(8), true);
  }

  /** A 64-bit value that must be usable as an offset or a count. */
  u64AsNumber(): number {
    const at = this.advance(8);
    const value = this.view.getUint32(at, true) + this.view.getUint32(at + 4, true) * 0x1_0000_0000;
    if (!Number.isSafeInteger(value)) this.fail('a length or offset is too large');
    return value;
  }

  /** An unsigned integer of `size` bytes (1, 2, 4 or 8). */
  unsigned(size: number): bigint {
    if (size === 8) return this.u64();
    if (size === 4) return BigInt(this.u32());
    if (size === 2) return BigInt(this.u16());
    if (size === 1) return BigInt(this.u8());
    return this.fail(`an integer of ${size} bytes is not supported`);
  }

  /** A signed integer of `size` bytes (1, 2, 4 or 8). */
  signed(size: number): bigint {
    return BigInt.asIntN(8 * size, this.unsigned(size));
  }

  /** An offset of the 32-bit or 64-bit DWARF format. */
  offset(is64: boolean): number {
    return is64 ? this.u64AsNumber() : this.u32();
  }

  bytesOf(length: number): Uint8Array {
    const at = this.position;
    this.skip(length);
    return this.bytes.subarray(at, at + length);
  }

  /** ULEB128 that must be usable as a number: a count, an index, a register, a code. */
  uleb(): number {
    let result = 0;
    let scale = 1;
    for (let count = 0; count < MAX_LEB_BYTES; count++) {
      const byte = this.u8();
      result += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(result)) this.fail('a number is too large');
        return result;
      }
      scale *= 128;
    }
    return this.fail('a number is too long');
  }

  /** SLEB128 that must be usable as a number. */
  sleb(): number {
    let result = 0;
    let scale = 1;
    for (let count = 0; count < MAX_LEB_BYTES; count++) {
      const byte = this.u8();
      result += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) {
        if (byte & 0x40) {
          if (scale > Number.MAX_SAFE_INTEGER) return this.slebAgain(count + 1);
          result -= scale;
        }
        if (!Number.isSafeInteger(result)) this.fail('a number is too large');
        return result;
      }
    }
    return this.fail('a number is too long');
  }

  private slebAgain(length: number): number {
    this.position -= length;
    const value = Number(this.slebBig());
    if (!Number.isSafeInteger(value)) this.fail('a number is too large');
    return value;
  }

  /** ULEB128 as a 64-bit value; bits above are dropped. */
  ulebBig(): bigint {
    return BigInt.asUintN(64, this.leb(false));
  }

  /** SLEB128 as a signed 64-bit value. */
  slebBig(): bigint {
    return BigInt.asIntN(64, this.leb(true));
  }

  private leb(isSigned: boolean): bigint {
    let result = 0n;
    let shift = 0n;
    for (let count = 0; count < MAX_LEB_BYTES; count++) {
      const byte = this.u8();
      result |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      if (byte < 0x80) return isSigned && byte & 0x40 ? result - (1n << shift) : result;
    }
    return this.fail('a number is too long');
  }

  skipLeb(): void {
    for (let count = 0; count < MAX_LEB_BYTES; count++) if (this.u8() < 0x80) return;
    this.fail('a number is too long');
  }

  /** A NUL-terminated UTF-8 string. */
  string(): string {
    const start = this.position;
    const stop = this.bytes.indexOf(0, start);
    if (stop < 0 || stop >= this.end) this.fail('a string has no end');
    this.position = stop + 1;
    return decodeText(this.bytes, start, stop);
  }

  skipString(): void {
    const stop = this.bytes.indexOf(0, this.position);
    if (stop < 0 || stop >= this.end) this.fail('a string has no end');
    this.position = stop + 1;
  }

  /** The start of a unit (DWARF 5, 7.5.1.1 `unit_length`): its length and offset size. */
  initialLength(): { length: number; is64: boolean } {
    const first = this.u32();
    if (first < 0xffff_fff0) return { length: first, is64: false };
    if (first !== 0xffff_ffff) this.fail('a unit has a reserved length');
    return { length: this.u64AsNumber(), is64: true };
  }
}

/** Text between two offsets; short plain ASCII, the usual case, without the cost of a TextDecoder. */
export function decodeText(bytes: Uint8Array, start: number, stop: number): string {
  if (stop - start <= 64) {
    let text = '';
    let at = start;
    for (; at < stop; at++) {
      const code = bytes[at] as number;
      if (code >= 0x80) break;
      text += String.fromCharCode(code);
    }
    if (at === stop) return text;
  }
  return decoder.decode(bytes.subarray(start, stop));
}

/** The NUL-terminated string at `offset` of a string section, or a DwarfError. */
export function stringAt(section: Uint8Array, offset: number, what: string): string {
  return new ByteReader(section, what, offset).string();
}
