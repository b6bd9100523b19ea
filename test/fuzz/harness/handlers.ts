/**
 * The assembly that handles the traps of fuzzed programs. M-mode handles every trap; traps delegated to S-mode make an
 * ECALL from there at once, so that M-mode sees them too. A trapping instruction is skipped.
 */
import type { Extension } from '../../../src/isa/extensions';
import * as at from '../layout';
import { HEADER } from './prepare';
import { SAVED, notSp, register } from './registers';
import { STATUS_SHOWN } from './state';

/** Entries of the vector of M-mode: causes of interrupts go up to 11. */
const VECTORS = 16;
/** How a trap's slot is printed: 1 + the number of the entry in S-mode; the number of the one in M-mode, and this. */
const MACHINE_SLOT = 0x100;

/** Adds the register to the sum at the label, so that order counts. Destroys t5 and t6. */
const mix = (added: string, sum: string): string => `
  la t6, ${sum}
  ld t5, 0(t6)
  xor t5, t5, ${added}
  sd t5, 0(t6)
  slli ${added}, t5, 13
  srli t5, t5, 51
  or t5, t5, ${added}
  li ${added}, 0x9e3779b97f4a7c15
  add t5, t5, ${added}
  sd t5, 0(t6)
`;

const NOTED = ['s0', 's1', 's2', 's3', 's5'];

const vectors = `
.balign 256
machine_vectors:
${Array.from({ length: VECTORS }, (_, k) => `j vector_${k}`).join('\n')}
${Array.from(
  { length: VECTORS },
  (_, k) => `vector_${k}:
  csrrw sp, mscratch, sp
  sd t6, ${SAVED('t6')}(sp)
  li t6, ${MACHINE_SLOT + k}
  j machine_handler`,
).join('\n')}
# One ECALL per slot: mepc tells which was entered.
.balign 256
supervisor_handler:
  ${'ecall\n'.repeat(64)}
`;

/** Saves the registers, and finds out what has happened and where. */
const entry = `
machine_handler:
  ${notSp
    .filter((x) => x !== register('t6'))
    .map((x) => `sd x${x}, ${8 * x}(sp)`)
    .join('\n  ')}
  mv s5, t6
  csrrw t0, mscratch, sp
  sd t0, ${SAVED('sp')}(sp)
  csrr s0, mcause
  csrr s1, mtval
  csrr s2, mepc
  csrr s3, mstatus
  li t0, 0x20000
  csrc mstatus, t0
  # An ECALL of the handlers in S-mode stands for the trap that was delegated there.
  li t0, 9
  bne s0, t0, 1f
  la t0, supervisor_handler
  sub t1, s2, t0
  li t0, 256
  bgeu t1, t0, 1f
  addi s5, t1, 1
  csrr s0, scause
  csrr s1, stval
  csrr s2, sepc
  csrr s3, sstatus
  # Back to the mode from which the trap came.
  li t0, 0x1800
  csrc mstatus, t0
  andi t0, s3, 0x100
  slli t0, t0, 3
  csrs mstatus, t0
  # The address of an access fault is compared without its lowest bits: QEMU gives a misaligned access's, rounded down.
1: andi s6, s5, ${MACHINE_SLOT}
  ori t0, s0, 2
  li t1, 7
  bne t0, t1, 1f
  andi s1, s1, -8
  beqz s6, 2f
  csrw mtval, s1
  j 1f
2: csrw stval, s1
1: mv s9, s6
  # Where the program stood, if it stood in its own code: there, or where U-mode sees it.
  srli t0, s2, 31
  li t1, 1
  bne t0, t1, outside
  slli t0, s2, 34
  srli t0, t0, 34
  li t1, 0x80000000
  or s6, t0, t1
  la t0, current
  ld t0, 0(t0)
  ld t1, ${HEADER.code}(t0)
  bltu s6, t1, outside
  ld t1, ${HEADER.end}(t0)
  bgeu s6, t1, outside
  blt s0, zero, taken
  lhu s7, 0(s6)
  andi s8, s7, 3
  addi s8, s8, -3
  seqz s8, s8
  slli s8, s8, 1
  addi s8, s8, 2
`;

const treatment = `
  # Calls of the program: ECALL from U-, S- or M-mode with a number in a7.
  andi t0, s0, -4
  li t1, 8
  bne t0, t1, 2f
  la t0, save
  ld t0, ${SAVED('a7')}(t0)
  li t1, ${at.CALL_FINISH}
  beq t0, t1, next_round
  li t1, ${at.CALL_MACHINE}
  bne t0, t1, 2f
  li t0, 0x1800
  csrs mstatus, t0
  addi s2, s6, 4
  j resume
  # Code that may not be fetched goes on in M-mode.
2: li t0, 12
  beq s0, t0, 1f
  li t0, 1
  bne s0, t0, 2f
1: call note
  li t0, 0x1800
  csrs mstatus, t0
  mv s2, s6
  j resume
  # Faults of AMOs, but not of LR, are a load's or a store's: QEMU and the specification differ.
2: andi t0, s7, 0x7f
  li t1, 0x2f
  bne t0, t1, 3f
  lhu t0, 2(s6)
  srli t0, t0, 11
  addi t0, t0, -2
  beqz t0, 3f
  li t0, 4
  beq s0, t0, atomic
  li t0, 5
  beq s0, t0, atomic
  li t0, 13
  bne s0, t0, 3f
atomic:
  addi s0, s0, 2
  bnez s9, 4f
  csrw scause, s0
  j 3f
4: csrw mcause, s0
3: call note
  add s2, s2, s8
  j resume
taken:
  call note
  j quiet
outside:
  call note
  blt s0, zero, quiet
  # Outside its code a program goes on where the last call came from, if that is inside.
  la t0, save
  ld s2, ${SAVED('ra')}(t0)
  andi s2, s2, -2
  srli t0, s2, 31
  li t1, 1
  bne t0, t1, ended
  slli t0, s2, 34
  srli t0, t0, 34
  li t1, 0x80000000
  or t0, t0, t1
  la t2, current
  ld t2, 0(t2)
  ld t1, ${HEADER.code}(t2)
  bltu t0, t1, ended
  ld t1, ${HEADER.end}(t2)
  bgeu t0, t1, ended
  j resume
next_round:
  la t0, rounds_left
  ld t1, 0(t0)
  addi t1, t1, -1
  sd t1, 0(t0)
  beqz t1, ended
  li t0, 0x1800
  csrs mstatus, t0
  la t0, current
  ld t0, 0(t0)
  ld s2, ${HEADER.code}(t0)
  j resume
ended:
  j finish
`;

/** An interrupt is over when nothing is pending. */
const quiet = (extensions: ReadonlySet<Extension>): string => `
quiet:
  li t0, 0x2000000
  sw zero, 0(t0)
  li t0, 0x2004000
  li t1, -1
  sd t1, 0(t0)
  ${extensions.has('Sstc') ? 'csrw stimecmp, t1' : ''}
  csrw mip, zero
`;

const exit = `
resume:
  la t0, traps_left
  ld t1, 0(t0)
  addi t1, t1, -1
  sd t1, 0(t0)
  beqz t1, ended
  csrw mepc, s2
  la sp, save
  csrw mscratch, sp
  ${notSp.map((x) => `ld x${x}, ${8 * x}(sp)`).join('\n  ')}
  ld sp, ${SAVED('sp')}(sp)
  mret
# Adds the trap (s0 cause, s1 value, s2 address, s3 status, s5 slot of the handler) to the sum of traps.
note:
  mv s10, ra
  li t0, ${STATUS_SHOWN}
  and s3, s3, t0
  la t0, verbose
  ld t0, 0(t0)
  beqz t0, 1f
  li a0, 84
  call put
  ${NOTED.map((noted) => `mv a0, ${noted}\n  call print`).join('\n  ')}
  li a0, 10
  call put
1: ${NOTED.map((noted) => `mv a0, ${noted}\n${mix('a0', 'trap_sum')}`).join('\n')}
  jr s10
`;

export const handlers = (extensions: ReadonlySet<Extension>): string =>
  vectors + entry + treatment + quiet(extensions) + exit;
