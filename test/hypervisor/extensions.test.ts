// A guest has the machine's extensions: what U-mode does not do by itself, the hypervisor does.
import assert from 'node:assert/strict';
import type { ExtensionSwitches } from '../../src/isa/extensions';
import { switchableExtensions } from '../../src/isa/extensions';
import { cpuNode } from '../support/fdt';
import { GuestLab } from '../support/guest-lab';

const [A1, S2] = [11, 18];
const ILLEGAL = 2n;
const MIB = 1024 * 1024;

const everything: ExtensionSwitches = Object.fromEntries(switchableExtensions.map((name) => [name, true]));
const nothing: ExtensionSwitches = Object.fromEntries(switchableExtensions.map((name) => [name, false]));

/** The cause of the trap that the instruction leads to in the guest's kernel; 0 when it is executed. */
function causeOf(code: string, extensions: ExtensionSwitches): bigint {
  const lab = new GuestLab(
    `la t0, handler
     csrw stvec, t0
     li s2, 0
     la a1, block
     ${code}
     j shutdown
   .align 2
   handler: csrr s2, scause
     csrw satp, zero
     j shutdown
   .align 12
   block: .skip 4096
   root: .skip 16
     .dword 0x200000cf
     .skip 4072
   middle: .skip 4096
   low: .skip 4096`,
    { extensions },
  );
  lab.finish();
  return lab.x(S2);
}

describe('extensions of a guest', () => {
  for (const code of ['sh2add a0, a1, a2', 'clz a0, a1', 'bset a0, a1, a2', 'czero.eqz a0, a1, a2']) {
    it(`${code}: as the machine has it`, () => {
      assert.equal(causeOf(code, everything), 0n);
      assert.equal(causeOf(code, nothing), ILLEGAL);
    });
  }

  it('pause is a hint, which every guest executes', () => {
    assert.equal(causeOf('pause', everything), 0n);
    assert.equal(causeOf('pause', nothing), 0n);
  });

  for (const code of ['cbo.zero (a1)', 'cbo.flush (a1)', 'sinval.vma a1, zero', 'csrr a0, stimecmp']) {
    it(`${code}: as the machine has it, in the guest's kernel`, () => {
      assert.equal(causeOf(code, everything), 0n);
      assert.equal(causeOf(code, nothing), ILLEGAL);
    });
  }

  it('have the instructions on cache blocks in user mode as senvcfg says', () => {
    const inUserMode = (senvcfg: number, code: string): bigint =>
      causeOf(
        `li t0, ${senvcfg}
         csrw senvcfg, t0
         la t0, user
         csrw sepc, t0
         li t0, 0x100
         csrc sstatus, t0
         sret
         user: ${code}
         ecall`,
        everything,
      );
    const ECALL = 8n;
    assert.equal(inUserMode(0, 'cbo.zero (a1)'), ILLEGAL);
    assert.equal(inUserMode(0x80, 'cbo.zero (a1)'), ECALL);
    assert.equal(inUserMode(0x80, 'cbo.clean (a1)'), ILLEGAL);
    assert.equal(inUserMode(0x40, 'cbo.clean (a1)'), ECALL);
    assert.equal(inUserMode(0x10, 'cbo.inval (a1)'), ECALL);
    assert.equal(inUserMode(0xf1, 'sinval.vma a1, zero'), ILLEGAL);
  });

  it('clean cache blocks that can be read, and zero those that can be written', () => {
    const PTE = { V: 1, R: 2, X: 8 };
    const cause = (bits: number, code: string) =>
      causeOf(
        `la s0, root
         la s1, middle
         la s3, low
         srli t0, s1, 2
         ori t0, t0, 1
         sd t0, (s0)
         srli t0, s3, 2
         ori t0, t0, 1
         sd t0, (s1)
         srli t0, a1, 2
         ori t0, t0, ${bits}
         sd t0, (s3)
         srli s0, s0, 12
         li t0, 0x8000000000000000
         or s0, s0, t0
         csrw satp, s0
         li a1, 0
         ${code}
         csrw satp, zero`,
        { ...everything, Svade: false },
      );
    const STORE_PAGE_FAULT = 15n;
    assert.equal(cause(PTE.V | PTE.R, 'cbo.clean (a1)'), 0n);
    assert.equal(cause(PTE.V | PTE.X, 'cbo.clean (a1)'), STORE_PAGE_FAULT);
    assert.equal(cause(PTE.V | PTE.R, 'cbo.zero (a1)'), STORE_PAGE_FAULT);
  });

  it('keep time by stimecmp', () => {
    const lab = new GuestLab(
      `csrr s2, stimecmp
       li t0, 0x20
       csrw sie, t0
       rdtime t1
       addi t1, t1, 1000
       csrw stimecmp, t1
       csrr s3, sip
       wfi
       csrr s4, sip
       rdtime t2
       sub s5, t2, t1
       li t0, -1
       csrw stimecmp, t0
       csrr s6, sip
       csrr s7, stimecmp`,
      { extensions: { Sstc: true } },
    );
    while (lab.run().kind === 'waiting');
    assert.deepEqual([lab.x(S2), lab.x(19), lab.x(20), lab.x(22), lab.x(23)], [-1n, 0n, 0x20n, 0n, -1n]);
    assert.ok(lab.x(21) >= 0n && lab.x(21) < 10n);
  });

  it('stand in its device tree', () => {
    for (const [extensions, isa] of [
      [
        everything,
        /_zicntr_zihpm_zicbom_zicboz_zicond_zihintpause(_zb[a-z]+)+_sstc_svade_svadu_svinval_svnapot_svpbmt$/,
      ],
      [nothing, /_zicntr_zihpm$/],
    ] as const) {
      const lab = new GuestLab('', { extensions });
      const address = lab.guest.memory.toHpa(Number(lab.x(A1))) ?? assert.fail('the tree lies in the guest');
      const cpu = cpuNode(lab.machine.memory.bytes(address, MIB));
      assert.match(cpu('riscv,isa'), isa);
      assert.equal(cpu('mmu-type'), 'riscv,sv57');
    }
  });

  it('A and D bits fault where the machine has Svade, and not where it sets them', () => {
    const source = (bits: string) =>
      `la t0, handler
       csrw stvec, t0
       li s2, 0
       la s0, root
       li t1, ${bits}
       sd t1, 16(s0)
       srli s0, s0, 12
       li t0, 0x8000000000000000
       or s0, s0, t0
       csrw satp, s0
       la t1, value
       ld a2, (t1)
       sd a2, 8(t1)
       csrw satp, zero
       handler: csrr s2, scause
       csrw satp, zero
       la t1, root
       ld a4, 16(t1)
       j shutdown
     .align 12
     root: .skip 4096
     value: .dword 77, 0`;
    for (const [extensions, bits, cause, after] of [
      [{ Svade: false }, '0x2000000f', 0n, 0x2000_00cfn],
      [{ Svade: true }, '0x2000004f', 15n, 0x2000_004fn],
      [{ Svade: true }, '0x200000cf', 0n, 0x2000_00cfn],
    ] as const) {
      const lab = new GuestLab(source(bits), { extensions });
      lab.finish();
      assert.deepEqual([lab.x(S2), lab.x(14)], [cause, after]);
    }
  });
});
