/** LEB128, the variable-length numbers of the WebAssembly binary format (Core 5.2.2). */

/** Appends an unsigned number below 2^53. */
export function pushUnsigned(out: number[], value: number): void {
  while (value >= 0x80) {
    out.push((value % 0x80) | 0x80);
    value = Math.floor(value / 0x80);
  }
  out.push(value);
}

/** Appends a signed 32-bit number. */
export function pushSigned32(out: number[], value: number): void {
  for (;;) {
    const low = value & 0x7f;
    value >>= 7;
    if ((value === 0 && (low & 0x40) === 0) || (value === -1 && (low & 0x40) !== 0)) {
      out.push(low);
      return;
    }
    out.push(low | 0x80);
  }
}

/** Appends a signed 64-bit number. */
export function pushSigned64(out: number[], value: bigint): void {
  value = BigInt.asIntN(64, value);
  for (;;) {
    const low = Number(value & 0x7fn);
    value >>= 7n;
    if ((value === 0n && (low & 0x40) === 0) || (value === -1n && (low & 0x40) !== 0)) {
      out.push(low);
      return;
    }
    out.push(low | 0x80);
  }
}
