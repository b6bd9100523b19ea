/**
 * Instruction words as the specification's tables draw them: fields from the highest bit to the lowest, separated by spaces.
 * `0` and `1` are themselves, `x7` seven bits that the instruction's entry gives, `d s t u` five-bit registers (rd, rs1, rs2,
 * rs3), `D S T` three-bit ones that begin with x8, `r` a rounding mode, and `i11:5|3` the immediate's bits 11 to 5 and 3.
 */

export interface Fields {
  readonly d: number;
  readonly s: number;
  readonly t: number;
  readonly u: number;
  readonly r: number;
  /** The immediate: a signed 32-bit number to write, and unsigned when read. */
  readonly i: number;
}

export const noFields: Fields = { d: 0, s: 0, t: 0, u: 0, r: 0, i: 0 };

interface Piece {
  readonly field: keyof Fields;
  /** The piece's lowest bit in the word, and in the field's value. */
  readonly low: number;
  readonly from: number;
  readonly width: number;
  /** What the field's value is above the bits. */
  readonly base: number;
}

export interface Pattern {
  /** The bits that the pattern itself fixes, and their values. */
  readonly mask: number;
  readonly match: number;
  readonly pieces: readonly Piece[];
}

/** The pieces of one immediate field, such as `i12|10:5`. */
function immediatePieces(list: string): { width: number; from: number }[] {
  return list.split('|').map((range) => {
    const [high, low = high] = range.split(':').map(Number);
    return { width: high - low + 1, from: low };
  });
}

/** @throws Error when the fields do not add up to the width in bits */
export function parsePattern(text: string, width: 16 | 32): Pattern {
  let low: number = width;
  let [mask, match] = [0, 0];
  const pieces: Piece[] = [];
  const take = (bits: number): number => (low -= bits);
  for (const token of text.split(' ')) {
    if (/^[01]+$/.test(token)) {
      const at = take(token.length);
      mask |= ((1 << token.length) - 1) << at;
      match |= parseInt(token, 2) << at;
    } else if (token.startsWith('x')) {
      take(Number(token.slice(1)));
    } else if (token.startsWith('i')) {
      for (const { width: bits, from } of immediatePieces(token.slice(1))) {
        pieces.push({ field: 'i', low: take(bits), from, width: bits, base: 0 });
      }
    } else {
      const short = token === token.toUpperCase();
      const bits = short || token === 'r' ? 3 : 5;
      pieces.push({
        field: token.toLowerCase() as keyof Fields,
        low: take(bits),
        from: 0,
        width: bits,
        base: short ? 8 : 0,
      });
    }
  }
  if (low !== 0) throw new Error(`The pattern "${text}" does not have ${width} bits.`);
  return { mask: mask >>> 0, match: match >>> 0, pieces };
}

const ones = (width: number): number => (width === 32 ? -1 : (1 << width) - 1);

/** The word with these fields, unsigned; bits that the pattern leaves open are zero. */
export function place({ match, pieces }: Pattern, fields: Fields): number {
  let word = match;
  for (const { field, low, from, width, base } of pieces)
    word |= (((fields[field] - base) >> from) & ones(width)) << low;
  return word >>> 0;
}

/** The fields of a word. */
export function extract({ pieces }: Pattern, word: number): Fields {
  const fields = { ...noFields };
  for (const { field, low, from, width, base } of pieces) {
    fields[field] |= (((word >>> low) & ones(width)) << from) + base;
  }
  return fields;
}
