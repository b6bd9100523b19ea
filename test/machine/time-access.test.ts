/** `time` in generated code: the count of instructions in front of each read tells it, however the code is executed. */
import assert from 'node:assert/strict';
import type { TranslatorMode } from '../../src/engine/engine';
import { CSR } from '../../src/machine/csr-numbers';
import { INSTRUCTIONS_PER_TICK } from '../../src/machine/time';
import { assembledMachine, FLAT_BASE } from '../support/flat-program';

const start = (source: string, translator: TranslatorMode) => assembledMachine(source, { translator });

/** Sums up what it reads, in a loop of 7 instructions; in the second half of it, `mtime` was set back. */
const READS = `
  li s0, 400
  li s1, 200
  li s2, 0x200bff8
  li a0, 0
again:
  csrr t0, time
  add a0, a0, t0
  bne s0, s1, 1f
  sd x0, (s2)
1:
  nop
  addi s0, s0, -1
  bnez s0, again
end:
  j end`;

/** Reads it in S- and U-mode until that is hot, and again when mcounteren or scounteren forbids it. */
const MODES = (privilege: 0 | 1, forbids: 'mcounteren' | 'scounteren') => `
  la t0, trap
  csrw mtvec, t0
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 0x1f
  csrw pmpcfg0, t0
  li t0, 2
  csrw mcounteren, t0
  csrw scounteren, t0
  la t0, less
  csrw mepc, t0
  li t0, 0x1800
  csrc mstatus, t0
  li t0, ${privilege << 11}
  csrs mstatus, t0
  li s0, 20
  mret
less:
  call read
  addi s0, s0, -1
  bnez s0, less
  ecall
  call read
  j end
read:
  li a0, 1
  csrr a0, time
  ret
.balign 4
trap:
  csrr s1, mcause
  li t0, 2
  beq s1, t0, end
  csrw ${forbids}, x0
  csrr t0, mepc
  addi t0, t0, 4
  csrw mepc, t0
  mret
end:
  j end
.balign 4`;

describe('time in generated code', () => {
  for (const mode of ['off', 'eager'] as const) {
    it(`follows the count of instructions, and what is written to mtime (translator ${mode})`, () => {
      const { machine, label } = start(READS, mode);
      // In slices of any length, also of one instruction.
      for (let length = 1; machine.harts[0].state.pc !== label('end'); length = (length % 97) + 3) {
        if (length % 5 === 0) machine.step();
        else machine.run(length);
      }
      let sum = 0n;
      // All instructions have 32 bits.
      let executed = Number(label('again') - FLAT_BASE) / 4;
      let setBack = 0;
      for (let round = 400; round > 0; round--) {
        sum += BigInt(Math.floor(executed / INSTRUCTIONS_PER_TICK) - setBack);
        executed += 3;
        if (round === 200) {
          setBack = Math.floor(executed / INSTRUCTIONS_PER_TICK);
          executed += 1;
        }
        executed += 3;
      }
      assert.equal(machine.harts[0].state.x(10), sum);
    });

    for (const [privilege, forbids] of [
      [0, 'mcounteren'],
      [0, 'scounteren'],
      [1, 'mcounteren'],
    ] as const) {
      it(`is illegal where ${forbids} says so, for mode ${'US'[privilege]} (translator ${mode})`, () => {
        const { machine, label } = start(MODES(privilege, forbids), mode);
        machine.run(1000);
        const { state, csrs } = machine.harts[0];
        assert.equal(state.pc, label('end'));
        assert.equal(state.x(9), 2n);
        assert.equal(csrs.read(CSR.mepc), label('read') + 4n);
        assert.equal(state.x(10), 1n);
      });
    }

    it(`does not ask scounteren for S-mode (translator ${mode})`, () => {
      const { machine, label } = start(MODES(1, 'scounteren'), mode);
      machine.run(1000);
      const { state } = machine.harts[0];
      assert.deepEqual([state.pc, state.x(9)], [label('end'), 9n]);
      assert.equal(state.x(10) > 1n, true);
    });
  }
});
