/**
 * Generated code for what is made of an instruction word's bits: fields and immediates. Where each bit goes is found by asking
 * the function that the decoder uses.
 */
import type { Code } from '../wasm/code';

/** The bits that go the same way: to the left by `shift` (right if negative), those of `mask`, as it is there. */
interface Piece {
  readonly shift: number;
  mask: number;
  /** The bit of the word that fills all bits from its place upward. */
  sign?: number;
}

/**
 * Pushes `f(word)` (i32).
 * @param word the local with the word
 * @param width of words in bits
 * @param f each bit of the word must change bits of its result of its own, whatever the others are
 */
export function pushWordBits(code: Code, word: number, width: 16 | 32, f: (word: number) => number): void {
  const base = f(0) | 0;
  code.i32(base);
  for (const piece of piecesOf(width, f)) {
    pushPiece(code, word, piece);
    code.op('i32.xor');
  }
}

function pushPiece(code: Code, word: number, { shift, mask, sign }: Piece): void {
  code.get(word);
  if (sign !== undefined) {
    const left = 31 - sign;
    if (left > 0) code.i32(left).op('i32.shl');
    if (left > shift) code.i32(left - shift).op('i32.shr_s');
  } else if (shift !== 0) {
    code.i32(Math.abs(shift)).op(shift > 0 ? 'i32.shl' : 'i32.shr_u');
  }
  if (mask !== -1) code.i32(mask).op('i32.and');
}

function piecesOf(width: number, f: (word: number) => number): Iterable<Piece> {
  const base = f(0) | 0;
  const pieces = new Map<number, Piece>();
  for (let bit = 0; bit < width; bit++) {
    const change = (f(1 << bit) ^ base) | 0;
    if (change === 0) continue;
    const lowest = change & -change;
    const isSign = change !== lowest;
    if (isSign && change !== -lowest) throw new Error('a bit of the word is neither one bit nor a sign');
    const shift = 31 - Math.clz32(lowest) - bit;
    const piece = pieces.get(shift) ?? { shift, mask: 0 };
    piece.mask |= change;
    if (isSign) piece.sign = bit;
    pieces.set(shift, piece);
  }
  return pieces.values();
}
