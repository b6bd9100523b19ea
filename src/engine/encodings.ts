/**
 * The instruction table in the engine's memory, for the generated code that makes records of words (`record-code.ts`): for each
 * bucket of the decoder a list of encodings, of which the first that matches a word says what it is.
 *
 * | byte | field |
 * |---|---|
 * | 0, 4 | match and mask (u32) |
 * | 8, 10 | operation, and that of a branch or jump within the page (u16) |
 * | 12 | where the operands are: an index of `layouts`, or `ILLEGAL` (u8) |
 * | 13 | length in bytes (0: no instruction), and the flags below (u8) |
 */
import { compressedFields, zeroMask } from '../isa/compressed';
import type { InstructionBuckets } from '../isa/decode';
import { formats, operandsIn } from '../isa/formats';
import type { CompressedInstruction, Format, Instruction, Operands } from '../isa/instruction';
import { compressedInstructions } from '../isa/table';
import * as at from './layout';
import { fusedOperations, kindOf } from './record';

export const ENCODING_SIZE = 16;
export const MATCH = 0;
export const MASK = 4;
export const OPERATION = 8;
export const NEAR_OPERATION = 10;
export const LAYOUT = 12;
export const KIND = 13;

export const LENGTH = 0x07;
export const ENDS = 0x08;
export const LEADS = 0x10;
export const WRITES_FLOAT = 0x20;
export const NEEDS_WORD = 0x40;

/** How operands lie in words of 16 or 32 bits. */
export interface WordLayout {
  readonly width: 16 | 32;
  readonly operands: (word: number) => Operands;
}

const formatNames = Object.keys(formats) as Format[];
/** Those of 32-bit instructions by format, then those of 16-bit instructions, each its own. */
export const layouts: readonly WordLayout[] = [
  ...formatNames.map((name): WordLayout => ({ width: 32, operands: (word) => operandsIn(word, formats[name]) })),
  ...compressedInstructions.map(({ layout }): WordLayout => ({
    width: 16,
    operands: (word) => compressedFields(word, layout),
  })),
];
export const ILLEGAL = layouts.length;

/** The number of the first bucket of 16-bit instructions. */
export const SHORT_BUCKETS = 32 * 8;
export const BUCKETS = SHORT_BUCKETS + 4 * 8;

/** Pairs of operations: each has a number among the first ones, and among the second ones; 0: it is none of them. */
export const PAIR_NUMBERS = 64;

/**
 * Writes a machine's table.
 * @param fuses whether pairs of instructions are done in one step
 * @returns where its encodings end
 */
export function writeEncodings(
  buffer: ArrayBuffer,
  { buckets32, buckets16 }: InstructionBuckets,
  fuses: boolean,
): number {
  const table = new EncodingTable(buffer);
  const formatNumbers = new Map(formatNames.map((name, number) => [name, number]));
  buckets32.forEach((bucket, number) => {
    table.begin(number);
    for (const instruction of bucket) table.addWhole(instruction, number, formatNumbers.get(instruction.format)!);
    table.end();
  });
  const shortNumbers = new Map(compressedInstructions.map((entry, number) => [entry, formatNames.length + number]));
  buckets16.forEach((bucket, number) => {
    table.begin(SHORT_BUCKETS + number);
    for (const entry of bucket) table.addShort(entry, shortNumbers.get(entry)!);
    table.end();
  });
  if (fuses) writePairs(buffer);
  return table.next;
}

class EncodingTable {
  private readonly words: Int32Array;
  next = at.ENCODINGS;

  constructor(buffer: ArrayBuffer) {
    this.words = new Int32Array(buffer, 0, at.RECORDS / 4);
  }

  begin(bucket: number): void {
    this.words[at.ENCODING_BUCKETS / 4 + bucket] = this.next;
  }

  /** What no encoding matches is illegal. */
  end(): void {
    this.addIllegal(0, 0);
  }

  /** @param bucket its number, of which funct3 is a part */
  addWhole(instruction: Instruction, bucket: number, layout: number): void {
    const { isReserved, immediate } = formats[instruction.format];
    // Reserved are rounding modes, which stand in funct3's place.
    if (isReserved?.(immediate((bucket >> 5) << 12))) return;
    this.add(instruction.match, instruction.mask, instruction, 4, layout);
  }

  addShort(entry: CompressedInstruction, layout: number): void {
    for (const name of entry.layout.nonzero) {
      const zeros = zeroMask(name, entry.layout);
      if (zeros !== 0) this.addIllegal(entry.match, entry.mask | zeros);
    }
    this.add(entry.match, entry.mask, entry.expandsTo, 2, layout);
  }

  private add(match: number, mask: number, instruction: Instruction, length: number, layout: number): void {
    const { operation, nearOperation, writesFloat, needsWord, ends, leads } = kindOf(instruction);
    const kind =
      length |
      (ends ? ENDS : 0) |
      (leads ? LEADS : 0) |
      (writesFloat ? WRITES_FLOAT : 0) |
      (needsWord ? NEEDS_WORD : 0);
    this.write(match, mask, operation | (nearOperation << 16), layout | (kind << 8));
  }

  private addIllegal(match: number, mask: number): void {
    this.write(match, mask, 0, ILLEGAL | (ENDS << 8));
  }

  private write(match: number, mask: number, operations: number, kind: number): void {
    const { words } = this;
    const first = this.next / 4;
    words[first] = match;
    words[first + 1] = mask;
    words[first + 2] = operations;
    words[first + 3] = kind;
    this.next += ENCODING_SIZE;
  }
}

/** Writes the numbers of operations that are fused, and for each two numbers the operation of both. */
function writePairs(buffer: ArrayBuffer): void {
  const firsts = new PairNumbers(new Uint8Array(buffer, at.PAIR_FIRSTS, at.PAIR_SECONDS - at.PAIR_FIRSTS));
  const seconds = new PairNumbers(new Uint8Array(buffer, at.PAIR_SECONDS, at.PAIR_SECONDS - at.PAIR_FIRSTS));
  const fused = new Uint16Array(buffer, at.PAIRS, PAIR_NUMBERS * PAIR_NUMBERS);
  for (const { first, second, number } of fusedOperations) {
    fused[firsts.numberOf(first) * PAIR_NUMBERS + seconds.numberOf(second)] = number;
  }
}

class PairNumbers {
  private last = 0;

  constructor(private readonly numbers: Uint8Array) {}

  numberOf(operation: number): number {
    return (this.numbers[operation] ||= ++this.last);
  }
}
