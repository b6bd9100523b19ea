/** CSR instructions that generated code does by itself: the same results in interpreted and translated code. */
import assert from 'node:assert/strict';
import type { TranslatorMode } from '../../src/engine/engine';
import { CSR } from '../../src/machine/csr-numbers';
import type { Machine } from '../../src/machine/machine';
import { assembledMachine, FLAT_BASE } from '../support/flat-program';

const start = (source: string, translator: TranslatorMode) => assembledMachine(source, { translator });

/** Runs to the loop at `end`. */
function finish(source: string, translator: TranslatorMode): Machine {
  const { machine, label } = start(source, translator);
  machine.run(20_000);
  assert.equal(machine.harts[0].state.pc, label('end'));
  return machine;
}

/** Each kind of access, ten times over; the sums depend on every value read. */
const ACCESSES = `
  li s0, 10
  li a0, 0
again:
  li t0, 0x123456789
  csrrw t1, mscratch, t0
  add a0, a0, t1
  csrrs t0, mscratch, t0     # rd is rs1
  add a0, a0, t0
  li t0, 0x00ff0f0f0
  csrrc t1, mscratch, t0
  add a0, a0, t1
  csrrwi t1, mepc, 31        # bit 0 stays zero
  csrrsi t2, mepc, 8
  add a0, a0, t2
  csrrci t2, mepc, 4
  add a0, a0, t2
  csrr t2, mepc
  add a0, a0, t2
  csrrw x0, sscratch, a0
  csrrsi t2, sscratch, 0
  add a0, a0, t2
  csrr t2, misa              # read-only fields
  csrw misa, x0
  csrr t3, misa
  sub t2, t2, t3
  add a0, a0, t2
  slli a0, a0, 1
  addi s0, s0, -1
  bnez s0, again
end:
  j end`;

/** Code that reads a CSR, called in M-mode until it is hot and then in U-mode, where that is illegal. */
const MODES = `
  la t0, trap
  csrw mtvec, t0
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 0x1f
  csrw pmpcfg0, t0
  li s0, 20
1: call read
  addi s0, s0, -1
  bnez s0, 1b
  la t0, user
  csrw mepc, t0
  li t0, 0x1800
  csrc mstatus, t0
  mret
user:
  call read
  j end
read:
  li a0, 1
  csrr a0, mscratch
  csrw mscratch, a0
  ret
.balign 4
trap:
  csrr s1, mcause
  csrr s2, mtval
  csrr s3, mepc
end:
  j end
.balign 4`;

describe('CSRs that are stored values', () => {
  it('are read and written alike in both ways of execution', () => {
    const [interpreted, translated] = (['off', 'eager'] as const).map((mode) => finish(ACCESSES, mode));
    const [here, there] = [interpreted, translated].map(({ harts: [{ state, csrs }] }) => [
      state.x(10),
      ...[CSR.mscratch, CSR.mepc, CSR.sscratch].map((csr) => csrs.read(csr)),
    ]);
    assert.deepEqual(here, there);
    assert.equal(here[1], 0x123456789n & ~0xff0f0f0n);
    assert.equal(here[2], 0x1an);
    assert.notEqual(here[0], 0n);
  });

  for (const mode of ['off', 'eager'] as const) {
    it(`are out of reach of a less privileged mode (translator ${mode})`, () => {
      const { state } = finish(MODES, mode).harts[0];
      assert.equal(state.x(9), 2n);
      assert.equal(state.x(18), 0x34002573n);
      assert.equal(state.x(10), 1n);
    });
  }

  it('reach the machine: a trap handler read by the debugger, and one set by it', () => {
    const { machine, label } = start('again:\n csrr a0, mscratch\n csrw sscratch, a0\n j again', 'eager');
    machine.run(300);
    const [{ csrs }] = machine.harts;
    csrs.write(CSR.mscratch, 0xfedc_ba98_7654_3210n);
    machine.run(300);
    assert.equal(csrs.read(CSR.sscratch), 0xfedc_ba98_7654_3210n);
    assert.equal(label('again'), FLAT_BASE);
  });
});
