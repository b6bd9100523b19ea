/** Encodings of instructions from the table, with random operands. */
import type { Instruction } from '../../../src/isa/instruction';
import type { Random } from '../../support/random';
import { word } from '../unit';

/** A value for the bits from `low` on. */
export type Field = readonly [value: number, low: number, bits: number];

const field = (value: number, low: number, bits: number): number => (value & (2 ** bits - 1)) << low;

/** The instruction with these fields (where they are not part of its encoding) and all others random. */
export function encode(instruction: Instruction, random: Random, fields: readonly Field[]): string {
  let encoded = (instruction.match | (random.next() & ~instruction.mask)) >>> 0;
  for (const [value, low, bits] of fields) {
    const mask = field(-1, low, bits) & ~instruction.mask;
    encoded = (encoded & ~mask) | (field(value, low, bits) & mask);
  }
  return word(encoded);
}
