/** Sequence numbers of TCP: 32 bits that wrap around (RFC 9293, 3.4). */

export const MOST_SEQUENCE = 0xffff_ffff;

export function advance(sequence: number, count: number): number {
  return (sequence + count) >>> 0;
}

/** How far `a` is behind `b`; negative when it is before it. Numbers are compared within half of the space. */
export function distance(a: number, b: number): number {
  return (a - b) | 0;
}
