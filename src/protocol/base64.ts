/** Base64 (RFC 4648, section 4) without Node's Buffer and without the limits of `btoa` on long arrays. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUES = new Map([...ALPHABET].map((character, index) => [character, index]));

export function encodeBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 3) {
    const present = Math.min(3, bytes.length - at);
    const group = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    for (let index = 0; index < 4; index++) {
      parts.push(index <= present ? ALPHABET[(group >> (18 - 6 * index)) & 63]! : '=');
    }
  }
  return parts.join('');
}

/** @throws RangeError when the text is not base64 */
export function decodeBase64(encoded: string): Uint8Array {
  const digits = encoded.replace(/=+$/, '');
  if (digits.length % 4 === 1) throw new RangeError('The text is not base64: its length is wrong.');
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let group = 0;
  let bits = 0;
  let at = 0;
  for (const digit of digits) {
    const value = VALUES.get(digit);
    if (value === undefined) throw new RangeError(`The text is not base64: it contains "${digit}".`);
    group = ((group << 6) | value) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (group >> bits) & 0xff;
    }
  }
  return bytes;
}
