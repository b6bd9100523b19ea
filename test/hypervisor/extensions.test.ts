// What a guest has of the machine's extensions: the instructions that U-mode runs by itself, and no others.
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
     la a1, shutdown
     ${code}
     j shutdown
   .align 2
   handler: csrr s2, scause
     j shutdown`,
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
    it(`${code}: not in a guest, whatever the machine has`, () => assert.equal(causeOf(code, everything), ILLEGAL));
  }

  it('stand in its device tree, with Sv39', () => {
    for (const [extensions, isa] of [
      [everything, /_zicntr_zihpm_zicond_zihintpause(_zb[a-z]+)+$/],
      [nothing, /_zicntr_zihpm$/],
    ] as const) {
      const lab = new GuestLab('', { extensions });
      const address = lab.guest.memory.toHpa(Number(lab.x(A1))) ?? assert.fail('the tree lies in the guest');
      const cpu = cpuNode(lab.machine.memory.bytes(address, MIB));
      assert.match(cpu('riscv,isa'), isa);
      assert.equal(cpu('mmu-type'), 'riscv,sv39');
    }
  });

  it("A and D bits are the hypervisor's to keep where the machine does not set them", () => {
    const lab = new GuestLab(
      `la s0, root
       srli s0, s0, 12
       li t0, 0x8000000000000000
       or s0, s0, t0
       csrw satp, s0
       la t1, value
       ld a2, (t1)
       sd a2, 8(t1)
       ld a3, 8(t1)
       csrw satp, zero
       la t1, root
       ld a4, 16(t1)
       j shutdown
     .align 12
     root: .dword 0, 0, 0x2000000f
     .skip 4072
     value: .dword 77, 0`,
      { extensions: { Svade: true } },
    );
    lab.finish();
    assert.deepEqual([lab.x(12), lab.x(13), lab.x(14)], [77n, 77n, 0x200000cfn]);
  });
});
