/** Values to write to a CSR: each value of each small field, the edges of the others, with the rest clear and set. */
import { bitRange } from '../../src/isa/csr-description';
import type { CsrDescription } from '../../src/isa/csrs';

const ALL = bitRange(63, 0);
/** Fields of more bits are tried by their edges and by single bits. */
const SMALL = 5;

function fieldValues(width: number): bigint[] {
  if (width <= SMALL) return Array.from({ length: 1 << width }, (_, value) => BigInt(value));
  const most = bitRange(width - 1, 0);
  const bits = Array.from({ length: width }, (_, bit) => 1n << BigInt(bit));
  return [0n, most, most >> 1n, 0x5555_5555_5555_5555n & most, 0xaaaa_aaaa_aaaa_aaaan & most, ...bits];
}

/** Without doubles, in the order in which they are to be written. */
export function valuesFor({ fields }: Pick<CsrDescription, 'fields'>): readonly bigint[] {
  const ofFields = fields.flatMap(({ high, low }) =>
    fieldValues(high - low + 1).flatMap((value) => {
      const placed = value << BigInt(low);
      return [placed, placed | (ALL & ~bitRange(high, low))];
    }),
  );
  return [...new Set([0n, ALL, ...ofFields])];
}
