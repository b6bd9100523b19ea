// A bare machine with M-mode code of the user's in place of the built-in firmware.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assembleSource } from '../../isa/assemble';
import type { SessionOptions } from '../session-options';
import { createSystem } from './create-system';

const KERNEL = join(__dirname, '..', '..', '..', 'samples', 'teaching-kernel', 'kernel.elf');
const FIRMWARE = `
    ld t0, 16(a2)
    csrw mepc, t0
    li t0, 0x800
    csrw mstatus, t0
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    mret`;

function options(firmware: Uint8Array): SessionOptions {
  return {
    mode: 'bare',
    memoryBytes: 64 << 20,
    guests: [{ name: 'kernel', program: { path: KERNEL, bytes: readFileSync(KERNEL) } }],
    firmware: { path: 'fw.bin', bytes: firmware },
  };
}

describe('a system with firmware', () => {
  it('starts in the boot ROM, and firmware starts the kernel', () => {
    const system = createSystem(options(assembleSource(FIRMWARE, 0x80000000n).bytes));
    assert.equal(system.current.pc, 0x1000n);
    system.run(6 + 10);
    assert.equal(system.current.pc, 0x80200000n);
  });

  it('names the firmware that cannot be used', () => {
    assert.throws(() => createSystem(options(Uint8Array.of(0x1f, 0x8b, 8, 0))), /^FileError: fw\.bin: .*gzip/);
  });
});
