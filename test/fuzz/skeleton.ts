/**
 * The assembly around fuzzed programs: it prepares the machine for each, handles their traps, and prints what they left
 * behind. M-mode handles every trap; traps delegated to S-mode make an ECALL from there at once, so that M-mode sees them
 * too. A trapping instruction is skipped.
 */
import { implementedExtensions } from '../../src/isa/extensions';
import { STATUS_SHOWN } from './ingredients/csrs';
import * as at from './layout';
import { hex } from './unit';

/** Whether programs have floating-point registers. */
export const hasFloat = implementedExtensions.has('D');

/** Traps after which a program is ended. */
const MOST_TRAPS = 500;

const saved = Array.from({ length: 31 }, (_, i) => i + 1);
const others = saved.filter((x) => x !== 2);

/** Registers that are cleared before each program. */
const CLEARED = [
  'mcause',
  'mtval',
  'mepc',
  'scause',
  'stval',
  'sepc',
  'sscratch',
  'medeleg',
  'mideleg',
  'mie',
  'mip',
].concat(
  ['satp', 'pmpcfg0', 'mcounteren', 'scounteren', 'mcountinhibit', 'mstatus'],
  Array.from({ length: 8 }, (_, n) => `pmpaddr${n}`),
);

/** What is printed of a program: names, in the order of the columns after the number of the program. */
export const SUMMARY = ['registers', 'CSRs', 'memory', 'traps'] as const;

/** CSRs of the final state, each with the bits that are compared. */
export const FINAL_CSRS: readonly (readonly [name: string, mask: bigint])[] = [
  ['mstatus', STATUS_SHOWN],
  ['mtval', -1n],
  ['mcause', -1n],
  ['scause', -1n],
  ['stval', -1n],
  ['sepc', -1n],
  ['stvec', -1n],
  ['sscratch', -1n],
  ['satp', -1n],
  ['medeleg', -1n],
  ['mideleg', 0x222n],
  ['mie', 0xaaan],
  ['mip', 0x22n],
  ['mcounteren', -1n],
  ['scounteren', -1n],
  ['mcountinhibit', 5n],
  ['pmpcfg0', -1n],
  ...Array.from({ length: 8 }, (_, n): [string, bigint] => [`pmpaddr${n}`, -1n]),
];

const poke = (address: bigint, value: bigint): string => `li t0, ${hex(address)}\nli t1, ${hex(value)}\nsd t1, 0(t0)\n`;
const pointer = (table: bigint): bigint => ((table >> 12n) << 10n) | 1n;

/** Adds the register to the sum at the label, so that order counts. Destroys t5 and t6. */
const mix = (register: string, sum: string): string => `
  la t6, ${sum}
  ld t5, 0(t6)
  xor t5, t5, ${register}
  sd t5, 0(t6)
  slli ${register}, t5, 13
  srli t5, t5, 51
  or t5, t5, ${register}
  li ${register}, 0x9e3779b97f4a7c15
  add t5, t5, ${register}
  sd t5, 0(t6)
`;

const handlers = `
.balign 4
machine_handler:
  csrrw sp, mscratch, sp
  ${others.map((x) => `sd x${x}, ${8 * x}(sp)`).join('\n  ')}
  csrrw t0, mscratch, sp
  sd t0, 16(sp)
  csrr s0, mcause
  csrr s1, mtval
  csrr s2, mepc
  csrr s3, mstatus
  li t0, 0x20000
  csrc mstatus, t0
  # An ECALL of the handlers in S-mode stands for the trap that was delegated there.
  li s5, 0
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
1: ori t0, s0, 2
  li t1, 7
  bne t0, t1, 1f
  andi s1, s1, -8
  beqz s5, 2f
  csrw stval, s1
  j 1f
2: csrw mtval, s1
  # Where the program stood, if it stood in its own code.
1: slli t0, s2, 34
  srli t0, t0, 34
  li t1, 0x80000000
  or s6, t0, t1
  la t0, current
  ld t1, 0(t0)
  bltu s6, t1, outside
  ld t1, 8(t0)
  bgeu s6, t1, outside
  blt s0, zero, taken
  lhu s7, 0(s6)
  andi s8, s7, 3
  addi s8, s8, -3
  seqz s8, s8
  slli s8, s8, 1
  addi s8, s8, 2
  # Calls of the program: ECALL from U-, S- or M-mode with a number in a7.
  li t0, 0x73
  bne s7, t0, 2f
  lhu t0, 2(s6)
  bnez t0, 2f
  la t0, save
  ld t0, ${8 * 17}(t0)
  li t1, ${at.CALL_FINISH}
  beq t0, t1, finish
  li t1, ${at.CALL_MACHINE}
  bne t0, t1, 2f
  li t0, 0x1800
  csrs mstatus, t0
  addi s2, s6, 4
  j resume
  # Faults of AMOs are a load's or a store's: QEMU and the specification differ.
2: andi t0, s7, 0x7f
  li t1, 0x2f
  bne t0, t1, 3f
  li t0, 4
  beq s0, t0, atomic
  li t0, 5
  beq s0, t0, atomic
  li t0, 13
  bne s0, t0, 3f
atomic:
  addi s0, s0, 2
  csrw mcause, s0
  beqz s5, 3f
  csrw scause, s0
  li t0, 9
  csrw mcause, t0
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
  ld s2, 8(t0)
  slli t0, s2, 34
  srli t0, t0, 34
  li t1, 0x80000000
  or t0, t0, t1
  la t2, current
  ld t1, 0(t2)
  bltu t0, t1, finish
  ld t1, 8(t2)
  bgeu t0, t1, finish
  j resume
  # An interrupt is over when nothing is pending.
quiet:
  li t0, 0x2000000
  sw zero, 0(t0)
  li t0, 0x2004000
  li t1, -1
  sd t1, 0(t0)
  csrw mip, zero
resume:
  la t0, traps_left
  ld t1, 0(t0)
  addi t1, t1, -1
  sd t1, 0(t0)
  beqz t1, finish
  csrw mepc, s2
  la sp, save
  csrw mscratch, sp
  ${saved
    .filter((x) => x !== 2)
    .map((x) => `ld x${x}, ${8 * x}(sp)`)
    .join('\n  ')}
  ld sp, 16(sp)
  mret
# Adds the trap (s0 cause, s1 value, s2 address, s3 status, s5 slot of the handler in S-mode) to the sum of traps.
note:
  mv s10, ra
  li t0, ${STATUS_SHOWN}
  and s3, s3, t0
  la t0, verbose
  ld t0, 0(t0)
  beqz t0, 1f
  li a0, 84
  call put
  ${['s0', 's1', 's2', 's3', 's5'].map((register) => `mv a0, ${register}\n  call print`).join('\n  ')}
  li a0, 10
  call put
1: ${['s0', 's1', 's2', 's3', 's5'].map((register) => `mv a0, ${register}\n${mix('a0', 'trap_sum')}`).join('\n')}
  jr s10

# One ECALL per slot: mepc tells which was entered.
.balign 256
supervisor_handler:
  ${'ecall\n'.repeat(64)}
`;

const reset = `
reset:
  mv s11, ra
  la t0, machine_handler
  csrw mtvec, t0
  la t0, supervisor_handler
  csrw stvec, t0
  ${CLEARED.map((csr) => `csrw ${csr}, x0`).join('\n  ')}
  li t0, 0x3fffffffffffff
  csrw pmpaddr15, t0
  li t0, 0x1f00000000000000
  csrw pmpcfg2, t0
  li t0, 0x2000000
  sw zero, 0(t0)
  li t0, 0x2004000
  li t1, -1
  sd t1, 0(t0)
  # Data: a pattern; code: returns, one of them across the two pages.
  li t0, ${at.FRAMES}
  li t1, ${at.FRAMES + BigInt(at.DATA_FRAMES) * at.PAGE}
1: slli t2, t0, 40
  sd t2, 0(t0)
  addi t0, t0, 8
  bltu t0, t1, 1b
  li t1, ${at.FRAMES + BigInt(at.DATA_FRAMES + at.CODE_FRAMES) * at.PAGE}
  li t2, 0x8067
1: sw t2, 0(t0)
  addi t0, t0, 4
  bltu t0, t1, 1b
  li t0, ${at.FRAMES + BigInt(at.DATA_FRAMES + 1) * at.PAGE - 2n}
  sh t2, 0(t0)
  sh zero, 2(t0)
  # Tables.
  li t0, ${at.ROOT}
  li t1, ${at.ROOT + 3n * at.PAGE}
1: sd zero, 0(t0)
  addi t0, t0, 8
  bltu t0, t1, 1b
  ${poke(at.ROOT + 16n, (0x80000n << 10n) | 0xcfn)}
  ${poke(at.ROOT + 24n, (0x80000n << 10n) | 0xdfn)}
  ${poke(at.MIDDLE_POINTER, pointer(at.MIDDLE))}
  ${poke(at.LAST_POINTER, pointer(at.LAST))}
  sfence.vma
  la t0, traps_left
  li t1, ${MOST_TRAPS}
  sd t1, 0(t0)
  la t0, trap_sum
  sd zero, 0(t0)
  la t0, save
  csrw mscratch, t0
  # No reservation is left over.
  sc.d t1, zero, (t0)
  jr s11
`;

const finish = `
finish:
  li a0, 80
  call put
  la t0, current
  ld a0, 16(t0)
  call print
  csrw satp, zero
  li s4, 0
  la s0, save
  li s1, 31
1: addi s0, s0, 8
  ld a0, 0(s0)
  call account
  addi s1, s1, -1
  bnez s1, 1b
  call total
  ${FINAL_CSRS.map(([name, mask]) => `csrr a0, ${name}\n${mask === -1n ? '' : `li t0, ${mask}\nand a0, a0, t0\n`}call account`).join('\n  ')}
  call total
  # An entry of four bytes would forbid doublewords even to M-mode.
  csrw pmpcfg0, zero
  li s0, ${at.FRAMES}
  li s1, ${at.FRAMES + BigInt(at.DATA_FRAMES) * at.PAGE}
  call region
  li s0, ${at.ROOT}
  li s1, ${at.ROOT + 3n * at.PAGE}
  call region
  call total
  la t0, trap_sum
  ld a0, 0(t0)
  call print
  li a0, 10
  call put
  la t0, current
  ld t0, 24(t0)
  jr t0
# Adds a0 to the sum of this part of the state; prints it when everything is wanted.
account:
  slli t1, s4, 7
  srli t2, s4, 57
  or s4, t1, t2
  xor s4, s4, a0
  li t1, 0x9e3779b97f4a7c15
  add s4, s4, t1
  la t0, verbose
  ld t0, 0(t0)
  beqz t0, 1f
  j print
1: ret
# Prints the sum of a part, and begins the next.
total:
  mv a0, s4
  li s4, 0
  j print
# Accounts for the memory from s0 to s1; wanted in detail, by doublewords that are not zero.
region:
  mv s10, ra
1: ld a0, 0(s0)
  slli t1, s4, 7
  srli t2, s4, 57
  or s4, t1, t2
  xor s4, s4, a0
  addi s4, s4, 0x5b
  la t0, verbose
  ld t0, 0(t0)
  beqz t0, 2f
  slli t1, s0, 40
  beq t1, a0, 2f
  mv s2, a0
  mv a0, s0
  call print
  mv a0, s2
  call print
2: addi s0, s0, 8
  bltu s0, s1, 1b
  jr s10
print:
  li t1, 0x10000000
  li t2, 60
1: srl t0, a0, t2
  andi t0, t0, 15
  addi t0, t0, 48
  li t3, 58
  blt t0, t3, 2f
  addi t0, t0, 39
2: sb t0, 0(t1)
  addi t2, t2, -4
  bgez t2, 1b
  li t0, 32
  sb t0, 0(t1)
  ret
put:
  li t1, 0x10000000
  sb a0, 0(t1)
  ret
`;

const data = (verbose: boolean): string => `
.balign 8
# Beginning and end of the current program's code, its number, and where to go on after it.
current: .skip 32
traps_left: .dword 0
trap_sum: .dword 0
verbose: .dword ${verbose ? 1 : 0}
save: .skip 256
.equ middle, ${at.MIDDLE_OF_DATA}
`;

const floats = Array.from({ length: 32 }, (_, n) => n);

/** What prepares program n, before its own lines. */
export function before(n: number): string {
  const loadFloats = hasFloat
    ? ['li t0, 0x6000', 'csrs mstatus, t0', 'la t0, values_N', ...floats.map((f) => `fld f${f}, ${8 * f}(t0)`)]
    : [];
  return `
program_N:
  call reset
  la t0, current
  la t1, code_N
  sd t1, 0(t0)
  la t1, end_N
  sd t1, 8(t0)
  li t1, ${n}
  sd t1, 16(t0)
  la t1, program_M
  sd t1, 24(t0)
  ${loadFloats.join('\n  ')}
  la x31, values_N
  ${saved
    .filter((x) => x !== 2)
    .map((x) => `ld x${x}, ${8 * x}(x31)`)
    .join('\n  ')}
  li sp, ${at.MIDDLE_OF_DATA}
  j code_N
.balign 8
values_N:
`
    .replaceAll('_N', `_${n}`)
    .replaceAll('_M', `_${n + 1}`);
}

export const prologue = 'j program_0\n' + handlers + reset + finish;

/** What ends the machine after `count` programs. */
export const epilogue = (count: number, verbose: boolean): string => `
program_${count}:
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
1: j 1b
${data(verbose)}`;
