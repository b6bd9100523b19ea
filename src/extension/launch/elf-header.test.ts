// Which files are offered as kernels.
import assert from 'node:assert/strict';
import { isRiscvProgram } from './elf-header';

/** The first 20 bytes of an ELF file. */
function header({ bits = 2, order = 1, type = 2, machine = 243 } = {}): Uint8Array {
  const bytes = new Uint8Array(20);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, bits, order, 1]);
  bytes.set([type, 0, machine, 0], 16);
  return bytes;
}

describe('recognising kernels', () => {
  it('takes RISC-V executables, also position-independent ones', () => {
    assert.equal(isRiscvProgram(header()), true);
    assert.equal(isRiscvProgram(header({ type: 3 })), true);
  });

  it('leaves out object files, 32-bit, big-endian and other machines', () => {
    assert.equal(isRiscvProgram(header({ type: 1 })), false);
    assert.equal(isRiscvProgram(header({ bits: 1 })), false);
    assert.equal(isRiscvProgram(header({ order: 2 })), false);
    assert.equal(isRiscvProgram(header({ machine: 62 })), false);
  });

  it('leaves out files that are too short or no ELF at all', () => {
    assert.equal(isRiscvProgram(header().subarray(0, 19)), false);
    assert.equal(isRiscvProgram(new Uint8Array(0)), false);
    assert.equal(isRiscvProgram(new TextEncoder().encode('#!/bin/sh and so on, a script')), false);
  });
});
