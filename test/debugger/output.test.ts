// What a guest writes ends the slice, where the run loop asks for that: nothing slow comes between it and its reader.
import assert from 'node:assert/strict';
import { BareSystem } from '../../src/debugger/systems/bare-system';
import { HypervisedSystem } from '../../src/debugger/systems/hypervised-system';
import type { System } from '../../src/debugger/systems/system';
import { assembleSource } from '../../src/isa/assemble';

const ENTRY = 0x8020_0000;
/** Writes a byte after 5003 instructions, and from then on reads a device all the time. */
const { bytes } = assembleSource(
  `
    li s0, 0x10000000
    li t0, 2500
 1: addi t0, t0, -1
    bnez t0, 1b
    sb t0, 0(s0)
 2: lb t1, 5(s0)
    j 2b`,
  BigInt(ENTRY),
);
const WRITTEN = 5003;
const program = { entry: BigInt(ENTRY), segments: [{ address: ENTRY, data: bytes, memorySize: bytes.length }] };
const options = { memoryBytes: 512 << 20 };

const systems: Readonly<Record<string, () => System>> = {
  'on the bare machine': () => new BareSystem(options, 'bare', { program, mode: 'supervisor' }),
  'under the hypervisor': () => new HypervisedSystem(options, { guests: [{ name: 'guest', program }] }),
};

describe('endSlice, when a guest has written', () => {
  for (const [where, make] of Object.entries(systems)) {
    it(`ends the slice behind the instruction, ${where}`, () => {
      const system = make();
      let written = 0;
      system.consoles[0]!.onOutput = () => {
        written = system.instructions;
        system.endSlice();
      };
      while (written === 0) assert.equal(system.run(1_000_000).kind, 'limit');
      assert.ok(written >= WRITTEN && system.instructions <= written + 1, `${system.instructions} after ${written}`);
      const before = system.instructions;
      system.run(20);
      assert.equal(system.instructions, before + 20, 'and not the next one');
    });

    it(`changes nothing when nothing runs, ${where}`, () => {
      const system = make();
      system.endSlice();
      system.step(system.current);
      const { pc } = system.current;
      system.endSlice();
      system.step(system.current);
      assert.equal(system.current.pc, pc + 4n);
    });
  }
});
