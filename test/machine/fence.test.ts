/** SFENCE.VMA for one address, which generated code does: translations of that page end at once, of whatever kind, and others stay. */
import assert from 'node:assert/strict';
import type { TranslatorMode } from '../../src/engine/engine';
import { assembleSource } from '../../src/isa/assemble';
import { CSR } from '../../src/machine/csr-numbers';
import type { Machine } from '../../src/machine/machine';
import { makeSatp, sv39 } from '../../src/machine/paging';
import { makeEntry, PTE_A, PTE_D, PTE_R, PTE_V, PTE_W, PTE_X } from '../../src/machine/pte';
import { MSTATUS } from '../../src/machine/status';
import { assembledMachine } from '../support/flat-program';

const TABLES = 0x80100000;
const LEAVES = TABLES + 0x2000;
const [OLD, NEW] = [0x80200000, 0x80201000];
const RWX = PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D;
const VA = 0x40005000;
const entryOf = (va: number): number => LEAVES + ((va >>> 12) & 511) * 8;

/** Starts in S-mode, with RAM mapped to itself by a superpage, and VA and the page behind it to OLD. */
function start(
  source: string,
  translator: TranslatorMode,
  status = 0,
): { machine: Machine; at: (name: string) => bigint } {
  const program = `
    la t0, trap
    csrw mtvec, t0
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    li t0, ${makeSatp(sv39, TABLES)}
    csrw satp, t0
    la t0, begin
    csrw mepc, t0
    li t0, ${(1 << 11) | status}
    csrs mstatus, t0
    li s0, ${VA}
    li s1, ${entryOf(VA)}
    li s2, ${makeEntry(NEW, RWX)}
    mret
  begin:
    ${source}
  end: j end
  .balign 4
  trap: j trap
  .balign 4`;
  const { machine, label } = assembledMachine(program, { translator });
  const { memory } = machine;
  memory.write64(TABLES + 2 * 8, makeEntry(0x80000000, RWX));
  memory.write64(TABLES + 8, makeEntry(TABLES + 0x1000, PTE_V));
  memory.write64(TABLES + 0x1000, makeEntry(LEAVES, PTE_V));
  for (const va of [VA, VA + 0x1000]) memory.write64(entryOf(va), makeEntry(OLD, RWX));
  memory.write64(OLD + 0x100, 0x1111n);
  memory.write64(NEW + 0x100, 0x2222n);
  return { machine, at: label };
}

function run(source: string, translator: TranslatorMode): bigint[] {
  const { machine, at } = start(source, translator);
  machine.run(2000);
  const { state } = machine.harts[0];
  assert.equal(state.pc, at('end'));
  return [10, 11, 12].map((register) => state.x(register));
}

/** Puts code at both physical pages. */
function load(machine: Machine, old: string, other: string): void {
  for (const [hpa, source] of [
    [OLD, old],
    [NEW, other],
  ] as const) {
    machine.memory.load(hpa, assembleSource(source, BigInt(VA)).bytes);
  }
}

describe('SFENCE.VMA for one address', () => {
  for (const mode of ['off', 'eager'] as const) {
    it(`ends translations for loads and stores (translator ${mode})`, () => {
      const access = `
        ld a0, 0x100(s0)
        sd a0, 0x108(s0)
        sd s2, 0(s1)`;
      const again = `
        ld a1, 0x100(s0)
        sd a1, 0x110(s0)
        ld a2, 0x108(s0)`;
      assert.deepEqual(run(`${access}\nsfence.vma s0\n${again}`, mode), [0x1111n, 0x2222n, 0n]);
      assert.deepEqual(run(`${access}\naddi t0, s0, 0x7ff\nsfence.vma t0, s2\n${again}`, mode), [0x1111n, 0x2222n, 0n]);
      assert.deepEqual(run(`${access}\nli t0, ${VA + 0x1000}\nsfence.vma t0\n${again}`, mode), [
        0x1111n,
        0x1111n,
        0x1111n,
      ]);
    });

    it(`ends translations for fetches (translator ${mode})`, () => {
      const source = (between: string) => `
        li s4, 30
      1: jalr s0
        addi s4, s4, -1
        bnez s4, 1b
        mv a1, a0
        sd s2, 0(s1)
        ${between}
        jalr s0
        mv a2, a0`;
      for (const [between, expected] of [
        ['sfence.vma s0', 2n],
        ['nop', 1n],
      ] as const) {
        const { machine, at } = start(source(between), mode);
        load(machine, 'li a0, 1\nret', 'li a0, 2\nret');
        machine.run(2000);
        const { state } = machine.harts[0];
        assert.deepEqual([state.pc, state.x(11), state.x(12)], [at('end'), 1n, expected]);
      }
    });

    it(`ends that of the page that it stands in (translator ${mode})`, () => {
      const { machine } = start('jr s0', mode);
      const code = (value: number) => `
        addi a0, a0, 1
        sd s2, 0(s1)
        sfence.vma s0
        li a1, ${value}
      1: j 1b`;
      load(machine, code(1), code(2));
      machine.run(200);
      assert.deepEqual([machine.harts[0].state.x(10), machine.harts[0].state.x(11)], [1n, 2n]);
    });

    it(`is illegal in S-mode where TVM says so (translator ${mode})`, () => {
      const { machine, at } = start('sfence.vma s0', mode, MSTATUS.TVM);
      machine.run(200);
      const { state, csrs } = machine.harts[0];
      assert.deepEqual([state.pc, csrs.read(CSR.mcause), csrs.read(CSR.mepc)], [at('trap'), 2n, at('begin')]);
    });
  }
});
