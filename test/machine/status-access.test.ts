/** sstatus in generated code, interpreted and translated: what instructions read and leave, beside the CSR file's own rules. */
import assert from 'node:assert/strict';
import { assembleSource } from '../../src/isa/assemble';
import { CSR } from '../../src/machine/csr-numbers';
import { Machine } from '../../src/machine/machine';

const BASE = 0x80200000n;

function start(source: string, translator: 'off' | 'eager') {
  const machine = new Machine({ memoryBytes: 16 << 20, translator });
  const { bytes } = assembleSource(source, BASE);
  const segments = [{ address: Number(BASE), data: bytes, memorySize: bytes.length }];
  machine.boot({ program: { entry: BASE, segments }, mode: 'supervisor' });
  return { machine, hart: machine.harts[0] };
}

/** In a loop, so that it is translated, too; the values of the last round. */
const loop = (body: string): string => `li s11, 40\n1: ${body}\naddi s11, s11, -1\nbnez s11, 1b\n2: j 2b`;

for (const translator of ['off', 'eager'] as const) {
  describe(`sstatus, with the translator ${translator}`, () => {
    it('reads as the CSR file reads it, with FS and SD', () => {
      for (const [fs, sd] of [
        [0n, 0n],
        [1n << 13n, 0n],
        [3n << 13n, 1n << 63n],
      ]) {
        const { machine, hart } = start(loop('csrr a0, sstatus'), translator);
        hart.csrs.write(CSR.sstatus, fs | 0x40122n);
        machine.run(500);
        assert.equal(hart.state.x(10), hart.csrs.read(CSR.sstatus));
        assert.equal(hart.state.x(10), sd | (2n << 32n) | fs | 0x40122n);
      }
    });

    it('is locked and unlocked as Linux does it', () => {
      const body = `
        csrrci a0, sstatus, 2
        csrr a1, sstatus
        andi a2, a0, 2
        csrrs a3, sstatus, a2
        csrr a4, sstatus
        li a5, 2
        csrrc a6, sstatus, a5
        csrrsi a7, sstatus, 2`;
      const { machine, hart } = start(loop(body), translator);
      hart.csrs.write(CSR.sstatus, 2n);
      machine.run(1000);
      const bits = [10, 11, 12, 13, 14, 16, 17].map((x) => hart.state.x(x) & 0xffffn);
      assert.deepEqual(bits, [2n, 0n, 2n, 0n, 2n, 2n, 0n]);
      assert.equal(hart.csrs.read(CSR.sstatus) & 2n, 2n);
    });

    it('changes other bits with all their effects', () => {
      const body = 'li a5, 0x46000\ncsrrs a0, sstatus, a5\ncsrr a1, sstatus\ncsrrc a2, sstatus, a5\ncsrr a3, sstatus';
      const { machine, hart } = start(loop(body), translator);
      machine.run(1000);
      const low = [10, 11, 12, 13].map((x) => hart.state.x(x) & 0xfffff002n);
      assert.deepEqual(low, [0n, 0x46000n, 0x46000n, 0n]);
    });

    it('lets an interrupt that pends come at once', () => {
      const body = 'csrsi sstatus, 2\ncsrci sstatus, 2';
      const { machine, hart } = start(
        `la t0, handler
         csrw stvec, t0
         csrwi sie, 2
         ${loop(body)}
         .balign 4
         handler: csrci sip, 2
         addi s0, s0, 1
         sret`,
        translator,
      );
      machine.run(200);
      assert.equal(hart.state.x(8), 0n);
      hart.state.pc = BASE;
      machine.run(20);
      hart.csrs.write(CSR.sip, 2n);
      machine.run(200);
      assert.equal(hart.state.x(8), 1n);
    });

    it('is none of a user program’s', () => {
      const { machine, hart } = start(
        `la t0, handler
         csrw stvec, t0
         la t0, user
         csrw sepc, t0
         sret
         user: csrr a0, sstatus
         handler: j handler`,
        translator,
      );
      machine.run(100);
      assert.equal(hart.csrs.read(CSR.scause), 2n);
    });
  });
}
