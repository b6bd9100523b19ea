/** From an instruction word to its table entry and operands. */
import { formats, operandsIn } from './formats';
import type { CompressedInstruction, Decoded, Instruction } from './instruction';
import { switchableExtensions } from './extensions';
import { compressedInstructions, instructions } from './table';

/** The bucket of a 32-bit word: major opcode (bits 6:2), and funct3 (bits 14:12) from bit 5 upward. */
export const bucket32 = (word: number): number => ((word >>> 2) & 31) | ((word >>> 7) & 0xe0);
/** The bucket of a 16-bit word: quadrant, and funct3 (bits 15:13) from bit 2 upward. */
export const bucket16 = (word: number): number => (word & 3) | ((word >>> 11) & 0x1c);

/** A machine's instructions by bucket. In each the first one that matches a word decides. */
export interface InstructionBuckets {
  readonly buckets32: readonly (readonly Instruction[])[];
  readonly buckets16: readonly (readonly CompressedInstruction[])[];
}

/** Whether the instruction that starts with this word is 16 bits long. */
export const isCompressed = (word: number): boolean => (word & 3) !== 3;

/**
 * The instruction in `word`, or undefined when it is illegal, reserved or of an extension that the decoder leaves out. When
 * the lowest two bits are not both 1, the instruction is 16 bits long and the upper half of `word` is ignored
 * (Unprivileged 1.5). HINTs decode as the instructions they are encoded as.
 */
export type Decode = (word: number) => Decoded | undefined;

/** A decoder for a machine with these extensions: instructions of the others that can be switched off are illegal. */
export function makeDecoder(extensions: ReadonlySet<string>): Decode {
  const decoder = decoderFor(extensions);
  return (word) => decoder.decode(word);
}

/** The instructions of a machine with these extensions, as its decoder finds them. */
export function instructionBuckets(extensions: ReadonlySet<string>): InstructionBuckets {
  return decoderFor(extensions);
}

function decoderFor(extensions: ReadonlySet<string>): Decoder {
  const off = switchableExtensions.filter((extension) => !extensions.has(extension));
  const key = off.join();
  const known = decoders.get(key);
  if (known) return known;
  const has = ({ extension }: Instruction): boolean => !off.some((one) => one === extension);
  const decoder = new Decoder(
    instructions.filter(has),
    compressedInstructions.filter(({ expandsTo }) => has(expandsTo)),
  );
  decoders.set(key, decoder);
  return decoder;
}

class Decoder implements InstructionBuckets {
  readonly buckets32: readonly Instruction[][] = Array.from({ length: 32 * 8 }, () => []);
  readonly buckets16: readonly CompressedInstruction[][] = Array.from({ length: 4 * 8 }, () => []);
  /**
   * A 16-bit word always decodes alike, so that each is decoded once; null stands for an illegal one. By the word's high
   * byte and its low byte.
   */
  private readonly decoded16: (Decoded | null | undefined)[][] = Array.from({ length: 0x100 }, () => []);

  constructor(instructions: readonly Instruction[], compressed: readonly CompressedInstruction[]) {
    for (const instruction of instructions) {
      for (let funct3 = 0; funct3 < 8; funct3++) {
        const word = funct3 << 12;
        if (((instruction.match ^ word) & instruction.mask & 0x7000) === 0) {
          this.buckets32[bucket32((instruction.match & ~0x7000) | word)].push(instruction);
        }
      }
    }
    for (const instruction of compressed) {
      this.buckets16[bucket16(instruction.match)].push(instruction);
    }
  }

  decode(word: number): Decoded | undefined {
    return isCompressed(word) ? this.compressed(word & 0xffff) : this.whole(word);
  }

  private whole(word: number): Decoded | undefined {
    const bucket = this.buckets32[bucket32(word)];
    for (let i = 0; i < bucket.length; i++) {
      const instruction = bucket[i];
      if (((word ^ instruction.match) & instruction.mask) === 0) {
        const layout = formats[instruction.format];
        const { rd, rs1, rs2, imm } = operandsIn(word, layout);
        if (layout.isReserved?.(imm)) {
          return undefined;
        }
        return { instruction, compressed: undefined, length: 4, word: word >>> 0, rd, rs1, rs2, imm };
      }
    }
    return undefined;
  }

  private compressed(word: number): Decoded | undefined {
    const known = this.decoded16[word >> 8];
    let decoded = known[word & 0xff];
    if (decoded === undefined) {
      const compressed = this.buckets16[bucket16(word)].find((entry) => ((word ^ entry.match) & entry.mask) === 0);
      const operands = compressed?.operands(word);
      decoded =
        compressed === undefined || operands === undefined
          ? null
          : { instruction: compressed.expandsTo, compressed, length: 2, word, ...operands };
      known[word & 0xff] = decoded;
    }
    return decoded ?? undefined;
  }
}

const decoders = new Map<string, Decoder>();

/** Decodes every instruction of the tables, whichever extensions a machine has. */
export const decode: Decode = (word) => (decodeAll ??= makeDecoder(new Set(switchableExtensions)))(word);
let decodeAll: Decode | undefined;
