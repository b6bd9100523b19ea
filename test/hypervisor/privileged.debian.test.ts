/**
 * Random kernels as guests, compared with QEMU's real S-mode: every trap with its cause, value, address and status,
 * the kernel's registers, and all that it wrote, page tables with their A and D bits included.
 */
import assert from 'node:assert/strict';
import { assembleSource } from '../../src/isa/assemble';
import { Hypervisor } from '../../src/hypervisor/hypervisor';
import type { Synchronization } from '../../src/hypervisor/shadow/shadow-page-tables';
import { Machine } from '../../src/machine/machine';
import { FLAT_BASE, runFlatInQemu } from '../support/flat-program';
import { Random } from '../support/random';
import { COMPARED, RandomKernel } from '../support/random-kernel';
import { requireTool } from '../support/tools';

const ENTRY = 0x8020_0000;
const MIB = 1 << 20;
const OPERATIONS = 300;
const MOST_INSTRUCTIONS = 50_000_000;
const KERNELS = Number(process.env.RANDOM_KERNELS ?? 9);
const FIRST_SEED = Number(process.env.FIRST_SEED ?? 1);
const BEGIN = '#';
const MACHINE_MODE = `
  la t0, machine_trap
  csrw mtvec, t0
  li t0, -1
  csrw pmpaddr0, t0
  csrw mcounteren, t0
  li t0, 0x1f
  csrw pmpcfg0, t0
  li t0, 0xfdff
  csrw medeleg, t0
  li t0, 0x222
  csrw mideleg, t0
  li t0, 7
  csrw scounteren, t0
  li t0, 0x8000000000000000
  csrw menvcfg, t0
  li t0, -1
  csrw stimecmp, t0
  li t0, 0x6800
  csrw mstatus, t0
  li t0, ${ENTRY}
  csrw mepc, t0
  mret
  .align 2
  machine_trap: li t0, 0x100000
  li t1, 0x5555
  sw t1, (t0)
  j machine_trap`;
/** Registers that the print routine needs, or that hold addresses of the boot, are not printed. */
const PRINTED = [4, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27].map((index) => `x${index}`);

/** Prints the log of traps, some registers and a sum of memory; then powers off. */
const REPORT = `
  .align 2
  shutdown: csrw satp, x0
  csrw sie, x0
  li a0, ${BEGIN.charCodeAt(0)}
  call put
  ${PRINTED.map((register) => `mv a0, ${register}\n call print`).join('\n')}
  li s7, ${COMPARED.start}
  each: bgeu s7, s0, logged
  ld a0, (s7)
  call print
  addi s7, s7, 8
  andi a0, s7, 31
  bnez a0, each
  li a0, 10
  call put
  j each
  logged: li s7, ${COMPARED.start}
  li s8, ${COMPARED.end}
  li s9, 0
  li s10, 0x9e3779b97f4a7c15
  sum: ld a0, (s7)
  mul s9, s9, s10
  add s9, s9, a0
  addi s7, s7, 8
  bltu s7, s8, sum
  mv a0, s9
  call print
  li a0, 10
  call put
  li a7, 8
  ecall
  print: mv s5, ra
  mv s4, a0
  li s6, 60
  digit: srl a0, s4, s6
  andi a0, a0, 15
  addi a0, a0, 48
  li t0, 58
  blt a0, t0, decimal
  addi a0, a0, 39
  decimal: call put
  addi s6, s6, -4
  bgez s6, digit
  li a0, 32
  call put
  jr s5
  put: li t1, 0x10000000
  sb a0, (t1)
  ret`;

function asGuest(bytes: Uint8Array, synchronization: Synchronization): string {
  const machine = new Machine({ memoryBytes: 256 * MIB });
  const segments = [{ address: ENTRY, data: bytes, memorySize: bytes.length }];
  const program = { entry: BigInt(ENTRY), segments };
  const { guests } = new Hypervisor(machine, {
    guests: [{ name: 'random', program, memoryBytes: 16 * MIB }],
    synchronization,
  });
  let output = '';
  guests[0].console.onOutput = (printed) => (output += Buffer.from(printed).toString('latin1'));
  while (machine.instructions < MOST_INSTRUCTIONS && machine.run(1_000_000).kind === 'limit');
  assert.deepEqual(guests[0].ended, { reason: 'shutdown', code: 0 });
  return output;
}

/** The same with what firmware does before S-mode: everything is delegated that can be. */
function flatImage(kernel: Uint8Array): Uint8Array {
  const { bytes } = assembleSource(MACHINE_MODE, FLAT_BASE);
  const image = new Uint8Array(ENTRY - Number(FLAT_BASE) + kernel.length);
  image.set(bytes);
  image.set(kernel, ENTRY - Number(FLAT_BASE));
  return image;
}

const reported = (output: string): string[] => output.slice(output.indexOf(BEGIN)).split('\n');

describe('random kernels as guests', function () {
  this.timeout(60_000);

  for (let seed = FIRST_SEED; seed < FIRST_SEED + KERNELS; seed++) {
    it(`do what they do in QEMU's S-mode (seed ${seed})`, function () {
      const executable = requireTool('qemu-system-riscv64', this);
      const levels = ([3, 4, 5] as const)[seed % 3];
      const kernel = new RandomKernel(new Random(seed), OPERATIONS, { levels, suitsQemu: true });
      const { bytes } = assembleSource(kernel.source() + REPORT, BigInt(ENTRY));
      const expected = reported(runFlatInQemu(executable, flatImage(bytes), 'rv64,h=false,zbc=false'));
      assert.ok(expected.length > 20);
      for (const synchronization of ['sfence', 'write-protect'] as const) {
        assert.deepEqual(reported(asGuest(bytes, synchronization)), expected, synchronization);
      }
    });
  }
});
