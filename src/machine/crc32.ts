/** CRC-32 (ISO 3309, the one of gzip and PNG), eight bytes at a time. */

const POLYNOMIAL = 0xedb8_8320;
const AT_ONCE = 8;

/** For each of eight places and each value of a byte there: what it does to the sum. */
const TABLES = makeTables();

type Tables = readonly [Table, Table, Table, Table, Table, Table, Table, Table];
type Table = Int32Array;

function makeTables(): Tables {
  const tables = Array.from({ length: AT_ONCE }, () => new Int32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let sum = byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ POLYNOMIAL : sum >>> 1;
    tables[0][byte] = sum;
  }
  for (let place = 1; place < AT_ONCE; place++) {
    for (let byte = 0; byte < 256; byte++) {
      const before = tables[place - 1][byte];
      tables[place][byte] = (before >>> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables as unknown as Tables;
}

/** The sum over bytes that may come in pieces. */
export class Crc32 {
  private sum = -1;

  /** Unsigned 32 bits. */
  get value(): number {
    return ~this.sum >>> 0;
  }

  add(bytes: Uint8Array): void {
    const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES;
    const whole = bytes.length - (bytes.length % AT_ONCE);
    let sum = this.sum;
    for (let i = 0; i < whole; i += AT_ONCE) {
      sum ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
      sum =
        t7[sum & 0xff] ^
        t6[(sum >>> 8) & 0xff] ^
        t5[(sum >>> 16) & 0xff] ^
        t4[sum >>> 24] ^
        t3[bytes[i + 4]] ^
        t2[bytes[i + 5]] ^
        t1[bytes[i + 6]] ^
        t0[bytes[i + 7]];
    }
    for (let i = whole; i < bytes.length; i++) sum = (sum >>> 8) ^ t0[(sum ^ bytes[i]) & 0xff];
    this.sum = sum;
  }
}
