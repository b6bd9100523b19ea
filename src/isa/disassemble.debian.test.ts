// The disassembler against GNU objdump: every 16-bit word, and random operands of every 32-bit instruction.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool } from '../../test/support/tools';
import { aliases } from './aliases';
import { csrs } from './csrs';
import { isCompressed } from './decode';
import { formats } from './formats';
import { disassembleWord } from './disassemble';
import type { Instruction } from './instruction';
import { orderings } from './syntax';
import { compressedInstructions, instructions } from './table';

const OBJDUMP = 'riscv64-unknown-elf-objdump';
const SAMPLES_PER_INSTRUCTION = 250;

/** A small reproducible generator of 32-bit numbers (xorshift). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Our names, as objdump prints them; what it prints under another name is of an extension that we lack. */
const ourNames = new Set([
  ...instructions.flatMap(({ name }) => orderings.map(({ suffix }) => name + suffix)),
  ...compressedInstructions.map(({ name }) => name),
  ...aliases.map(({ name }) => name),
]);

/** objdump reads this reserved word, c.addi16sp with a zero constant, as an instruction. */
const ACCEPTED_BY_OBJDUMP_ALONE = 0x6101;

/** A CSR that no specification names. */
const CUSTOM_CSR = 0x9cb;

/** The word with some of its register fields zero, ra or equal, so that aliases occur. */
function special(word: number, choice: number): number {
  switch (choice % 9) {
    case 8:
      return (word & ~(31 << 20)) | (((word >>> 15) & 31) << 20);
    case 0:
      return word & ~(31 << 7);
    case 1:
      return (word & ~(31 << 7)) | (1 << 7);
    case 2:
      return word & ~(31 << 15);
    case 3:
      return word & ~(31 << 20);
    case 4:
      return word & 0x000fffff;
    case 5:
      return word & 0xfff0707f;
    case 6:
      return (word & 0x000fffff) | ([1, 255, 0xfff][choice % 3] << 20);
    default:
      return word;
  }
}

/** Words of this instruction that leave reserved fields zero. */
function samples(instruction: Instruction, random: () => number): number[] {
  const { match, mask, format, name } = instruction;
  return Array.from({ length: SAMPLES_PER_INSTRUCTION }, () => {
    const free = ~mask & special(random(), random() >>> 8);
    if (format === 'csr' || format === 'csri') {
      const number = random() % 8 === 0 ? CUSTOM_CSR : csrs[random() % csrs.length].number;
      return (match | (free & 0xfffff) | (number << 20)) >>> 0;
    }
    if (name === 'fence') {
      const sets = random() % 5 === 0 ? 0xff : ((random() % 15) + 1) * 16 + (random() % 15) + 1;
      return (match | (sets << 20)) >>> 0;
    }
    if (format.endsWith('-exact')) {
      // objdump knows these conversions, which never round, with a zero rounding mode alone.
      return (match | (free & ~0x7000)) >>> 0;
    }
    if (formats[format].isReserved?.(formats[format].immediate(free))) {
      return (match | (free & ~0x5000)) >>> 0;
    }
    return name === 'fence.i' ? match : (match | free) >>> 0;
  });
}

/** Words one after another, from address 0 on. */
function image(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(words.reduce((sum, word) => sum + (isCompressed(word) ? 2 : 4), 0));
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const word of words) {
    if (isCompressed(word)) {
      view.setUint16(offset, word, true);
      offset += 2;
    } else {
      view.setUint32(offset, word, true);
      offset += 4;
    }
  }
  return bytes;
}

/** objdump's text by address, without its guesses of addresses made up of two instructions. */
function objdump(tool: string, words: readonly number[], options: readonly string[]): Map<bigint, string> {
  const folder = mkdtempSync(join(tmpdir(), 'disassemble-'));
  try {
    const file = join(folder, 'words.bin');
    writeFileSync(file, image(words));
    const output = execFileSync(tool, ['-D', '-z', '-b', 'binary', '-m', 'riscv:rv64', ...options, file], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    const lines = output.matchAll(/^ *([0-9a-f]+):\t[0-9a-f]+ +\t(.*)$/gm);
    return new Map(
      Array.from(lines, ([, address, text]) => [
        BigInt(`0x${address}`),
        text
          .replace(/ # 0x[0-9a-f]+$/, '')
          .replace('\t', ' ')
          .trim(),
      ]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Compares every word, and says how many objdump knows and we do not. */
function compare(tool: string, words: readonly number[], wantAliases: boolean): number {
  const theirs = objdump(tool, words, wantAliases ? [] : ['-M', 'no-aliases']);
  const differences: string[] = [];
  let foreign = 0;
  let address = 0n;
  for (const word of words) {
    const { text, mnemonic, length } = disassembleWord(word, address, { aliases: wantAliases });
    const expected = theirs.get(address);
    if (expected !== text) {
      const unknownToUs = mnemonic.startsWith('.') && expected !== undefined && !ourNames.has(expected.split(' ')[0]);
      if (unknownToUs) {
        foreign++;
      } else if (word !== ACCEPTED_BY_OBJDUMP_ALONE) {
        differences.push(`${word.toString(16)}: objdump "${expected}", we "${text}"`);
      }
    }
    address += BigInt(length);
  }
  assert.equal(differences.length, 0, `${differences.length} differences:\n${differences.slice(0, 40).join('\n')}`);
  return foreign;
}

for (const wantAliases of [true, false]) {
  describe(`disassembly and objdump, ${wantAliases ? 'with' : 'without'} aliases`, () => {
    it('agree on the whole 16-bit space', function () {
      const words = Array.from({ length: 0x10000 }, (_, word) => word).filter(isCompressed);
      const foreign = compare(requireTool(OBJDUMP, this), words, wantAliases);
      assert.equal(foreign, 0);
    });

    it('agree on every 32-bit instruction', function () {
      const random = generator(0x5eed);
      const words = instructions.flatMap((instruction) => samples(instruction, random));
      const foreign = compare(requireTool(OBJDUMP, this), words, wantAliases);
      assert.equal(foreign, 0);
    });
  });
}
