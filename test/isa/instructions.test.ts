// Every instruction of the table, executed by the engine with operands at the edges, against formulas of its own.
import assert from 'node:assert/strict';
import { compressedInstructions, instructions } from '../../src/isa/table';
import { checkAll } from './check';
import { compressedEncodings } from './encodings';
import { formulas } from './expected/index';
import { casesOf, compressedCasesOf } from './operand-cases';

describe('every instruction does what the specification says', () => {
  for (const entry of instructions) it(entry.name, () => checkAll(casesOf(entry)));

  for (const entry of compressedInstructions) {
    it(entry.name, () => checkAll(compressedCasesOf(entry, compressedEncodings[entry.name])));
  }

  it('and has an expected value', () => {
    const names = (entries: readonly { readonly name: string }[]) => entries.map(({ name }) => name).sort();
    assert.deepEqual([...formulas.keys()].sort(), names(instructions));
    assert.deepEqual(Object.keys(compressedEncodings).sort(), names(compressedInstructions));
  });
});
