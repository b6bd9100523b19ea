/** How numbers are written for the user. */

/** A 64-bit value in hexadecimal, `0x` and as many digits as it needs, at least `digits`. Negative values wrap at 64 bits. */
export function hex(value: bigint | number, digits = 1): string {
  const unsigned = BigInt.asUintN(64, BigInt(value));
  return '0x' + unsigned.toString(16).padStart(digits, '0');
}

/** A whole 64-bit value: all sixteen digits. */
export function hex64(value: bigint | number): string {
  return hex(value, 16);
}

/** A number of bytes as people say it: `4 KiB`, `2 MiB`, `128 MiB`. */
export function byteCount(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB'];
  let amount = bytes;
  let unit = 0;
  while (unit < units.length - 1 && amount >= 1024 && Number.isInteger(amount / 1024)) {
    amount /= 1024;
    unit++;
  }
  return `${amount} ${units[unit]}`;
}

/** A list of words with a comma between them and `or` before the last. */
export function oneOf(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} or ${words[words.length - 1]}`;
}
