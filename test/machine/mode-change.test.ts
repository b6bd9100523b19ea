/** Changes of mode that generated code makes by itself, with SUM and SRET: TLBs of another mode, address space or hart never serve. */
import assert from 'node:assert/strict';
import type { TranslatorMode } from '../../src/engine/engine';
import { assembleSource } from '../../src/isa/assemble';
import type { Machine } from '../../src/machine/machine';
import { makeSatp, sv39 } from '../../src/machine/paging';
import { makeEntry, PTE_A, PTE_D, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X } from '../../src/machine/pte';
import { MSTATUS } from '../../src/machine/status';
import { assembledMachine } from '../support/flat-program';

const ROOTS = [0x80100000, 0x80110000] as const;
/** The user page's memory in each address space. */
const PAGES = [0x80200000, 0x80201000] as const;
const ALL = PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D;
/** Where the user page is. */
const USER = 0x40000000;
const ROUNDS = 40;

/** A machine with two address spaces: RAM mapped to itself by a superpage, and a user page. */
function start(
  source: string,
  translator: TranslatorMode,
  harts = 1,
): { machine: Machine; at: (name: string) => bigint } {
  const { machine, label } = assembledMachine(source, { translator, harts });
  const { memory } = machine;
  ROOTS.forEach((root, i) => {
    memory.write64(root + 2 * 8, makeEntry(0x80000000, ALL));
    memory.write64(root + 8, makeEntry(root + 0x1000, PTE_V));
    memory.write64(root + 0x1000, makeEntry(root + 0x2000, PTE_V));
    memory.write64(root + 0x2000, makeEntry(PAGES[i], ALL | PTE_U));
    memory.load(PAGES[i], assembleSource(`lw a0, 0x100(a1)\necall\n1: j 1b`, BigInt(USER)).bytes);
    memory.write32(PAGES[i] + 0x100, i === 0 ? 3 : 1000);
  });
  return { machine, at: label };
}

/** Enters S-mode at \`begin\` with a handler at \`trap\`; all exceptions are delegated. */
const enterSupervisor = (root: number): string => `
  la t0, end
  csrw mtvec, t0
  la t0, trap
  csrw stvec, t0
  li t0, 0xb1ff
  csrw medeleg, t0
  li t0, -1
  csrw pmpaddr0, t0
  csrw mideleg, t0
  li t0, 0x1f
  csrw pmpcfg0, t0
  li t0, ${makeSatp(sv39, root)}
  csrw satp, t0
  la t0, begin
  csrw mepc, t0
  li t0, 0x800
  csrs mstatus, t0
  mret`;

/**
 * In each round: the kernel reads the user page with SUM and without (a fault, which the handler counts in s3), and has the user
 * program read it (which ends with ECALL); s1 sums up what was read, and address spaces change in between.
 */
const KERNEL = `
  ${enterSupervisor(ROOTS[0])}
begin:
  li s0, ${ROUNDS}
  li s1, 0
  li s2, ${USER}
  li s3, 0
  li s4, ${MSTATUS.SUM}
  li s5, ${makeSatp(sv39, ROOTS[0])}
  li s6, ${makeSatp(sv39, ROOTS[1])}
round:
  csrs sstatus, s4
  lw a0, 0x100(s2)
  csrc sstatus, s4
  add s1, s1, a0
  li a0, 0
  lw a0, 0x100(s2)
  add s1, s1, a0
  li t0, ${MSTATUS.SPP}
  csrc sstatus, t0
  csrw sepc, s2
  mv a1, s2
  sret
back:
  add s1, s1, a0
  andi t0, s0, 7
  bnez t0, 1f
  xor s5, s5, s6
  xor s6, s5, s6
  xor s5, s5, s6
  csrw satp, s5
1:
  addi s0, s0, -1
  bnez s0, round
  j end
.balign 4
trap:
  csrr t1, scause
  li t2, 8
  beq t1, t2, 1f
  addi s3, s3, 1
  csrr t1, sepc
  addi t1, t1, 4
  csrw sepc, t1
  sret
1:
  la t1, back
  csrw sepc, t1
  li t1, ${MSTATUS.SPP}
  csrs sstatus, t1
  sret
.balign 4
end:
  j end`;

function expectedSum(): bigint {
  let sum = 0;
  let value = 3;
  for (let round = ROUNDS; round > 0; round--) {
    sum += 2 * value;
    if (round % 8 === 0) value = 1003 - value;
  }
  return BigInt(sum);
}

describe('changes of mode in generated code', () => {
  for (const mode of ['off', 'eager'] as const) {
    it(`lead to the right translations (translator ${mode})`, () => {
      const { machine, at } = start(KERNEL, mode);
      machine.run(20_000);
      const { state } = machine.harts[0];
      assert.equal(state.pc, at('end'));
      assert.equal(state.x(19), BigInt(ROUNDS));
      assert.equal(state.x(9), expectedSum());
    });

    it(`on several harts at once, each in its address space (translator ${mode})`, () => {
      const { machine, at } = start(KERNEL, mode, 3);
      // Turns of any length.
      for (let turn = 1; turn < 3000; turn++) machine.run((turn % 89) + 1);
      machine.run(200_000);
      for (const { state } of machine.harts) {
        assert.deepEqual([state.pc, state.x(19), state.x(9)], [at('end'), BigInt(ROUNDS), expectedSum()]);
      }
    });

    it(`take an interrupt that pends, at the instruction that SRET returns to (translator ${mode})`, () => {
      const source = `
        ${enterSupervisor(ROOTS[0])}
      begin:
        li s0, 30
        csrwi sie, 2
      round:
        csrci sstatus, 2
        li t0, ${MSTATUS.SPP | MSTATUS.SPIE}
        csrs sstatus, t0
        la t0, target
        csrw sepc, t0
        addi s0, s0, -1
        bnez s0, 1f
        csrsi sip, 2
      1:
        sret
        j end
      target:
        bnez s0, round
        j end
      .balign 4
      trap:
        csrr a0, scause
        csrr a1, sepc
        csrr a2, sstatus
      .balign 4
      end: j end`;
      const { machine, at } = start(source, mode);
      machine.run(2000);
      const { state } = machine.harts[0];
      assert.deepEqual([state.pc, state.x(10), state.x(11)], [at('end'), (1n << 63n) | 1n, at('target')]);
      assert.equal(Number(state.x(12)) & (MSTATUS.SPP | MSTATUS.SPIE | MSTATUS.SIE), MSTATUS.SPP | MSTATUS.SPIE);
    });

    it(`SRET is illegal in S-mode where TSR says so (translator ${mode})`, () => {
      const { machine, at } = start(
        `li t0, ${MSTATUS.TSR}
         csrs mstatus, t0
         ${enterSupervisor(ROOTS[0])}
         begin: sret
         .balign 4
         trap: csrr a0, scause
         csrr a1, sepc
         .balign 4
         end: j end`,
        mode,
      );
      machine.run(200);
      const { state } = machine.harts[0];
      assert.deepEqual([state.pc, state.x(10), state.x(11)], [at('end'), 2n, at('begin')]);
    });

    it(`the float unit goes off and on, and knows again what it accrued (translator ${mode})`, () => {
      const source = `
        ${enterSupervisor(ROOTS[0])}
      begin:
        li s0, 30
        li s1, ${MSTATUS.FS}
        li s2, 0
        li t0, 3
        li t1, 7
      round:
        csrs sstatus, s1
        fcvt.d.l fa0, t0
        fcvt.d.l fa1, t1
        csrw fflags, x0
        fdiv.d fa2, fa0, fa1
        csrr t2, fflags
        add s2, s2, t2
        fadd.d fa2, fa2, fa1
        csrc sstatus, s1
        fadd.d fa2, fa2, fa1
        j end
      next:
        csrr t2, sstatus
        and t2, t2, s1
        add s2, s2, t2
        addi s0, s0, -1
        bnez s0, round
        j end
      .balign 4
      trap:
        csrr a0, scause
        li a1, 2
        bne a0, a1, end
        la a1, next
        csrw sepc, a1
        sret
      .balign 4
      end: j end`;
      const { machine, at } = start(source, mode);
      machine.run(3000);
      const { state } = machine.harts[0];
      assert.deepEqual([state.pc, state.x(8), state.x(18)], [at('end'), 0n, 30n]);
      assert.equal(state.fcsr, 1);
    });
  }
});
