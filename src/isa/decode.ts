/** From an instruction word to its table entry and operands. */
import { formats } from './formats';
import type { CompressedInstruction, Decoded, Instruction } from './instruction';
import { compressedInstructions, instructions } from './table';

/** 32-bit entries by major opcode (bits 6:2) and funct3 (bits 14:12), 16-bit entries by quadrant and funct3. */
const buckets32: readonly Instruction[][] = Array.from({ length: 32 * 8 }, () => []);
const buckets16: readonly CompressedInstruction[][] = Array.from({ length: 4 * 8 }, () => []);

const bucket32 = (word: number): number => ((word >>> 2) & 31) | ((word >>> 7) & 0xe0);
const bucket16 = (word: number): number => (word & 3) | ((word >>> 11) & 0x1c);

for (const instruction of instructions) {
  for (let funct3 = 0; funct3 < 8; funct3++) {
    const word = funct3 << 12;
    if (((instruction.match ^ word) & instruction.mask & 0x7000) === 0) {
      buckets32[bucket32((instruction.match & ~0x7000) | word)].push(instruction);
    }
  }
}
for (const instruction of compressedInstructions) {
  buckets16[bucket16(instruction.match)].push(instruction);
}

/** A 16-bit word always decodes alike, so that each is decoded once; null stands for an illegal one. */
const decoded16: (Decoded | null | undefined)[] = new Array<undefined>(0x10000);

/** Whether the instruction that starts with this word is 16 bits long. */
export const isCompressed = (word: number): boolean => (word & 3) !== 3;

/**
 * The instruction in `word`, or undefined when it is illegal, reserved or of an extension that the machine lacks. When the
 * lowest two bits are not both 1, the instruction is 16 bits long and the upper half of `word` is ignored
 * (Unprivileged 1.5). HINTs decode as the instructions they are encoded as.
 */
export function decode(word: number): Decoded | undefined {
  return isCompressed(word) ? decodeCompressed(word & 0xffff) : decodeWord(word);
}

function decodeWord(word: number): Decoded | undefined {
  const bucket = buckets32[bucket32(word)];
  for (let i = 0; i < bucket.length; i++) {
    const instruction = bucket[i];
    if (((word ^ instruction.match) & instruction.mask) === 0) {
      const layout = formats[instruction.format];
      const imm = layout.immediate(word);
      if (layout.isReserved?.(imm)) {
        return undefined;
      }
      return {
        instruction,
        compressed: undefined,
        length: 4,
        word: word >>> 0,
        rd: layout.rd ? (word >>> 7) & 31 : 0,
        rs1: layout.rs1 ? (word >>> 15) & 31 : 0,
        rs2: layout.rs2 ? (word >>> 20) & 31 : 0,
        imm,
      };
    }
  }
  return undefined;
}

function decodeCompressed(word: number): Decoded | undefined {
  let decoded = decoded16[word];
  if (decoded === undefined) {
    const compressed = buckets16[bucket16(word)].find((entry) => ((word ^ entry.match) & entry.mask) === 0);
    const operands = compressed?.operands(word);
    decoded =
      compressed === undefined || operands === undefined
        ? null
        : { instruction: compressed.expandsTo, compressed, length: 2, word, ...operands };
    decoded16[word] = decoded;
  }
  return decoded ?? undefined;
}
