// Words that are no instruction raise the illegal-instruction exception, with the word in mtval.
import assert from 'node:assert/strict';
import { decode } from '../../src/isa/decode';
import type { Instruction as Entry } from '../../src/isa/instruction';
import { switchableExtensions } from '../../src/isa/extensions';
import { compressedInstructions, instructions } from '../../src/isa/table';
import { extract, place } from './bit-patterns';
import { compressedEncodings, wordPatterns } from './encodings';
import type { ExecuteOptions } from './execute';
import { execute } from './execute';
import { CAUSE } from './reference-hart';
import type { Instruction } from './reference-hart';
import { plainState } from './operand-values';

const HALFWORDS = 0x10000;
const isHalf = (word: number): boolean => (word & 3) !== 3;

const alone = (word: number): Instruction => ({
  name: '',
  word,
  length: isHalf(word) ? 2 : 4,
  rd: 0,
  rs1: 0,
  rs2: 0,
  rs3: 0,
  rm: 0,
  imm: 0n,
});

function expectIllegal(word: number, extensions: ExecuteOptions['extensions']): void {
  const { trap, pc } = execute([alone(word)], plainState, { engine: 'interpreter', pace: 'counted', extensions });
  assert.deepEqual({ ...trap, pc }, { cause: CAUSE.illegal, tval: BigInt(word), pc: plainState.pc }, word.toString(16));
}

/** Whether the specification has a 16-bit instruction in this word; written without the product's table. */
function isCompressedInstruction(word: number): boolean {
  return Object.values(compressedEncodings).some(({ pattern, isReserved }) => {
    const fits = ((word ^ pattern.match) & pattern.mask) === 0;
    return fits && !isReserved?.(extract(pattern, word));
  });
}

/** Rounding modes 5 and 6 are reserved where the format has one. */
function isReservedRounding({ format }: Entry, word: number): boolean {
  const pattern = wordPatterns[format];
  const rounds = pattern.pieces.some(({ field }) => field === 'r');
  const { r } = extract(pattern, word);
  return rounds && (r === 5 || r === 6);
}

const isInstruction = (word: number): boolean =>
  isHalf(word)
    ? isCompressedInstruction(word & 0xffff)
    : instructions.some((entry) => ((word ^ entry.match) & entry.mask) === 0 && !isReservedRounding(entry, word));

/** Operand bits that are all zero, all one, and between. */
const operandBits = [0, 0xffffffff, 0x5a5a5a5a, 0x00b50513];

describe('reserved encodings are illegal', () => {
  for (const entry of instructions) {
    it(`around ${entry.name}`, () => {
      let [checked, legal] = [0, 0];
      for (const operands of operandBits) {
        const base = (entry.match | (operands & ~entry.mask)) >>> 0;
        for (let bit = 0; bit < 32; bit++) {
          if (((entry.mask >>> bit) & 1) === 0) continue;
          const changed = (base ^ (1 << bit)) >>> 0;
          const word = isHalf(changed) ? changed & 0xffff : changed;
          if (isInstruction(word)) {
            legal++;
            assert.ok(decode(word), word.toString(16));
          } else {
            checked++;
            expectIllegal(word, 'all');
          }
        }
      }
      assert.ok(checked + legal > 0);
    });
  }

  it('rounding modes 5 and 6', () => {
    for (const entry of instructions) {
      const pattern = wordPatterns[entry.format];
      if (!pattern.pieces.some(({ field }) => field === 'r')) continue;
      for (const r of [5, 6]) {
        expectIllegal((entry.match | place(pattern, { d: 10, s: 11, t: 12, u: 13, r, i: 0 })) >>> 0, 'all');
      }
    }
  });

  it('16-bit words: the tables agree with the specification on every one', () => {
    for (let word = 0; word < HALFWORDS; word++) {
      if (isHalf(word)) assert.equal(decode(word) !== undefined, isCompressedInstruction(word), word.toString(16));
    }
  });

  it('16-bit words that are none, all but those that are zero', () => {
    let count = 0;
    for (let word = 1; word < HALFWORDS; word++) {
      if (!isHalf(word) || isCompressedInstruction(word)) continue;
      expectIllegal(word, 'all');
      count++;
    }
    assert.ok(count > 2000, `${count}`);
  });

  it('words longer than 32 bits', () => {
    for (const word of [0x0000001f, 0x0000003f, 0x0000007f, 0xffffffff, 0x1234567f]) expectIllegal(word, 'all');
  });

  for (const extension of switchableExtensions) {
    const entries = instructions.filter((entry) => entry.extension === extension);
    if (entries.length === 0) continue;
    it(`everything of ${extension}, on a machine without it`, () => {
      for (const { match, mask } of entries) {
        for (const operands of operandBits) expectIllegal((match | (operands & ~mask)) >>> 0, 'none');
      }
    });
  }

  it('no 16-bit instruction stands for one that can be switched off', () => {
    for (const { expandsTo } of compressedInstructions) {
      assert.ok(!(switchableExtensions as readonly string[]).includes(expandsTo.extension), expandsTo.name);
    }
  });
});
