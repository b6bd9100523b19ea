// Where execution can leave a line: read from its code.
import assert from 'node:assert/strict';
import { assembleProgram } from '../../isa/assemble';
import type { Target } from '../target';
import { lineExits } from './line-exits';

const BASE = 0x80200000n;

/** The exits of a line that is this code, as distances from its start; undefined when it must be stepped through. */
function exits(code: string, stopsAtCalls = false): number[] | undefined {
  const bytes = assembleProgram(code, BASE);
  const read = (address: bigint, size: number) => {
    const start = Number(address - BASE);
    return start + size <= bytes.length ? bytes.subarray(start, start + size) : undefined;
  };
  const target: Partial<Target> = { memory: () => ({ read, write: () => {} }) };
  const found = lineExits(target as Target, [{ low: BASE, high: BASE + BigInt(bytes.length) }], stopsAtCalls);
  return found && [...found].map((address) => Number(address - BASE)).sort((a, b) => a - b);
}

describe('line exits', () => {
  it('are its end, and where its branches and jumps lead', () => {
    assert.deepEqual(exits('addi a0, a0, 1\naddi a1, a1, 1'), [8]);
    assert.deepEqual(exits('beqz a0, 0x80200100\naddi a0, a0, 1'), [8, 0x100]);
    assert.deepEqual(exits('1: addi a0, a0, -1\nbnez a0, 1b\nj 0x80200040'), [12, 0x40]);
  });

  it('are its returns and indirect jumps, and its calls when those are stepped into', () => {
    assert.deepEqual(exits('addi a0, a0, 1\nret'), [4, 8]);
    assert.deepEqual(exits('jal ra, 0x80200800\nnop'), [8]);
    assert.deepEqual(exits('jal ra, 0x80200800\necall', true), [0, 4, 8]);
    assert.deepEqual(exits('nop\nsret'), [4, 8]);
  });

  it('are not to be told where the stack pointer is moved', () => {
    for (const code of ['addi sp, sp, -16', 'c.addi16sp sp, 32', 'ld sp, 0(a0)', 'csrrw sp, sscratch, sp']) {
      assert.equal(exits(code), undefined, code);
    }
    assert.equal(exits('fcvt.w.s sp, ft2'), undefined);
  });

  it('are told where only register 2 of the float unit is, or a constant has its number', () => {
    for (const code of [
      'flw ft2, 0(a0)',
      'fadd.d ft2, ft2, ft3',
      'fmv.d.x ft2, a0',
      'fsw ft0, 2(a0)',
      'sw a0, 2(a1)',
    ]) {
      assert.deepEqual(exits(code), [4], code);
    }
  });
});
