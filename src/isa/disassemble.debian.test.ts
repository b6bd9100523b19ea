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
import { switchableTables } from './switchable-extensions';
import { compressedInstructions, instructions } from './table';

const ASSEMBLER = 'riscv64-unknown-elf-as';
const OBJDUMP = 'riscv64-unknown-elf-objdump';
/** Instructions that came after binutils 2.40. */
const NEWER = ['Zicond'];
/** objdump knows the instructions of the extensions that the object file says it uses. */
const ARCHITECTURE = [
  'rv64gc',
  'zihintpause',
  ...switchableTables
    .filter(({ name, instructions }) => instructions.length > 0 && !NEWER.includes(name))
    .map(({ name }) => name.toLowerCase()),
].join('_');
const SAMPLES_PER_INSTRUCTION = 250;
const RANDOM_WORDS = 200_000;

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

/** objdump's text by address, without its guesses of addresses made up of two instructions. */
function objdump(
  { assembler, dumper }: Tools,
  words: readonly number[],
  options: readonly string[],
): Map<bigint, string> {
  const folder = mkdtempSync(join(tmpdir(), 'disassemble-'));
  try {
    const [source, file] = [join(folder, 'words.s'), join(folder, 'words.o')];
    const lines = words.map((word) => `.insn ${isCompressed(word) ? 2 : 4}, 0x${word.toString(16)}`);
    writeFileSync(source, lines.join('\n') + '\n');
    execFileSync(assembler, [`-march=${ARCHITECTURE}`, '-o', file, source]);
    const output = execFileSync(dumper, ['-d', '-z', ...options, file], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    const printed = output.matchAll(/^ *([0-9a-f]+):\t[0-9a-f]+ +\t(.*)$/gm);
    return new Map(
      Array.from(printed, ([, address, text]) => [
        BigInt(`0x${address}`),
        text
          .replace(/ # .*$/, '')
          .replace(/([0-9a-f]+) <\.text.*>$/, '0x$1')
          .replace('\t', ' ')
          .trim(),
      ]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Reserved rounding modes, with which the instruction is illegal. */
const RESERVED_ROUNDING = /,unknown$/;
/**
 * What only we know: fences whose reserved fields are not zero, which are to be ignored (Unprivileged 2.7, 3.1); exact
 * conversions with a rounding mode; and what is newer than objdump.
 */
const OURS_ALONE = /^(fence|fcvt\.d\.(s|w|wu) .*,r|czero\.)/;

/** Whether one of the two does not know the word, as it should be. */
function isKnownToOne(ours: string, theirs: string): boolean {
  if (ours.startsWith('.')) return !ourNames.has(theirs.split(' ')[0]) || RESERVED_ROUNDING.test(theirs);
  return theirs.startsWith('.') && OURS_ALONE.test(ours);
}

/** Compares every word, and says how many only one of the two knows. */
function compare(tools: Tools, words: readonly number[], wantAliases: boolean): number {
  const theirs = objdump(tools, words, wantAliases ? [] : ['-M', 'no-aliases']);
  const differences: string[] = [];
  let foreign = 0;
  let address = 0n;
  for (const word of words) {
    const { text, length } = disassembleWord(word, address, { aliases: wantAliases });
    const expected = theirs.get(address);
    if (expected !== text) {
      if (expected !== undefined && isKnownToOne(text, expected)) {
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

/** The paths of the programs. */
interface Tools {
  readonly assembler: string;
  readonly dumper: string;
}

const requireTools = (test: Mocha.Context): Tools => ({
  assembler: requireTool(ASSEMBLER, test),
  dumper: requireTool(OBJDUMP, test),
});

for (const wantAliases of [true, false]) {
  describe(`disassembly and objdump, ${wantAliases ? 'with' : 'without'} aliases`, () => {
    it('agree on the whole 16-bit space', function () {
      const words = Array.from({ length: 0x10000 }, (_, word) => word).filter(isCompressed);
      const foreign = compare(requireTools(this), words, wantAliases);
      assert.equal(foreign, 0);
    });

    it('agree on every CSR number', function () {
      const words = Array.from({ length: 4096 }, (_, number) => (0x2573 | (number << 20)) >>> 0);
      assert.equal(compare(requireTools(this), words, wantAliases), 0);
    });

    it('agree on random words, of which objdump knows some of other extensions', function () {
      const random = generator(0x0dd5);
      const words = Array.from({ length: RANDOM_WORDS }, () => (random() | 3) >>> 0).filter(
        (word) => (word & 31) !== 31,
      );
      compare(requireTools(this), words, wantAliases);
    });

    it('agree on every 32-bit instruction', function () {
      const random = generator(0x5eed);
      const known = instructions.filter(({ extension }) => !NEWER.includes(extension));
      const words = known.flatMap((instruction) => samples(instruction, random));
      const foreign = compare(requireTools(this), words, wantAliases);
      assert.equal(foreign, 0);
    });
  });
}
