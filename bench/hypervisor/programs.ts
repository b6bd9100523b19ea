/** Kernels in assembly, for 0x80200000 in S-mode: they do one thing that leaves a guest, many times, and power off. */

/** One kind of exit, repeated. */
export interface ExitProgram {
  readonly name: string;
  /** What is repeated. */
  readonly code: string;
  /** VM exits that it leads to. */
  readonly exits: number;
}

/** A kernel's work, to be run bare as well. */
export interface StormProgram {
  readonly name: string;
  readonly meaning: string;
  source(rounds: number): string;
}

/** How often `code` stands in the loop. */
const COPIES = 8;

export const exitPrograms: readonly ExitProgram[] = [
  { name: 'csr-read', code: 'csrr t1, sscratch', exits: 1 },
  { name: 'csr-write', code: 'csrw sscratch, t1', exits: 1 },
  { name: 'csr-status', code: 'csrc sstatus, s2', exits: 1 },
  { name: 'trap', code: 'ebreak', exits: 4 },
  { name: 'fence', code: 'sfence.vma s1', exits: 1 },
  { name: 'fill', code: 'sfence.vma s1\n lb t1, (s1)', exits: 2 },
  { name: 'whole-fence', code: 'sfence.vma', exits: 3 },
  { name: 'sbi-call', code: 'li a7, 0x10\n li a6, 0\n ecall', exits: 1 },
  { name: 'device', code: 'lb t1, 5(s3)', exits: 1 },
];

/** Sv39 with the kernel one to one by a leaf of 1 GiB, the same for user programs at 0x40000000, devices, a page at 0xc0000000. */
const PAGING = `
  la t0, root
  li t1, 0x200000cf
  sd t1, 16(t0)
  li t1, 0x200000df
  sd t1, 8(t0)
  li t1, 0xcf
  sd t1, (t0)
  la t2, middle
  srli t1, t2, 2
  ori t1, t1, 1
  sd t1, 24(t0)
  la t3, low
  srli t1, t3, 2
  ori t1, t1, 1
  sd t1, (t2)
  la t1, frame
  srli t1, t1, 2
  ori t1, t1, 0xcf
  sd t1, (t3)
  srli t0, t0, 12
  li t1, 0x8000000000000000
  or t0, t0, t1
  csrw satp, t0`;

const TABLES = `
  .align 12
  root: .skip 4096
  middle: .skip 4096
  low: .skip 4096
  frame: .skip 4096
  spaces: .skip 32768`;

/** @returns assembly in which `code` is executed about so many times */
export function exitSource({ code }: ExitProgram, times: number): string {
  return `
    la t0, handler
    csrw stvec, t0
    ${PAGING}
    li s0, ${Math.ceil(times / COPIES)}
    li s1, 0xc0000000
    li s2, 2
    li s3, 0x10000000
    loop: ${`${code}\n`.repeat(COPIES)}
    addi s0, s0, -1
    bnez s0, loop
    li a7, 8
    ecall
    .align 2
    handler: csrr t0, sepc
    addi t0, t0, 4
    csrw sepc, t0
    sret
    ${TABLES}`;
}

const registers = Array.from({ length: 31 }, (_, i) => i + 1);
const eachRegister = (operation: 'sd' | 'ld'): string =>
  registers
    .filter((number) => number !== 31)
    .map((number) => `${operation} x${number}, ${8 * number}(x31)`)
    .join('\n');

/** A user program that calls the kernel so many times; the kernel saves and loads all registers, and does `work`. */
function callingSource(rounds: number, prepare: string, work: string): string {
  return `
    la t0, handler
    csrw stvec, t0
    ${PAGING}
    ${prepare}
    la t0, frame
    csrw sscratch, t0
    la t0, user
    li t1, 0x40000000
    sub t0, t0, t1
    csrw sepc, t0
    li t1, 0x100
    csrc sstatus, t1
    sret
    user: li s0, ${rounds}
    again: ecall
    addi s0, s0, -1
    bnez s0, again
    li s0, -1
    ecall
    .align 2
    handler: csrrw x31, sscratch, x31
    ${eachRegister('sd')}
    csrr t0, sscratch
    sd t0, 248(x31)
    csrw sscratch, x31
    csrr t1, scause
    bltz s0, finished
    csrr t1, sepc
    addi t1, t1, 4
    csrw sepc, t1
    ${work}
    csrr x31, sscratch
    ld t0, 248(x31)
    csrw sscratch, t0
    ${eachRegister('ld')}
    csrrw x31, sscratch, x31
    sret
    finished: li a7, 8
    ecall
    ${TABLES}`;
}

/** Eight roots like the first one; their values for satp, with these bits, in the frame's second half. */
const makeSpaces = (asidStep: bigint): string => `
    la t0, root
    la t1, spaces
    la t2, frame
    li t3, 8
    li t4, 0x8000000000000000
    li t5, ${asidStep}
    space: add t4, t4, t5
    ${[0, 8, 16].map((offset) => `ld t6, ${offset}(t0)\n sd t6, ${offset}(t1)`).join('\n')}
    srli t6, t1, 12
    or t6, t6, t4
    sd t6, 2040(t2)
    addi t2, t2, 8
    li t6, 4096
    add t1, t1, t6
    addi t3, t3, -1
    bnez t3, space`;

/** To the address space after this one. */
const nextSpace = `
    ld t0, 1024(x31)
    addi t0, t0, 8
    andi t0, t0, 63
    sd t0, 1024(x31)
    add t0, t0, x31
    ld t0, 2040(t0)
    csrw satp, t0`;

const ASID = 1n << 44n;

export const stormPrograms: readonly StormProgram[] = [
  {
    name: 'system-calls',
    meaning: 'system calls that save and load all registers',
    source: (rounds) => callingSource(rounds, '', ''),
  },
  {
    name: 'switches-asid',
    meaning: 'the same, with a switch between eight address spaces with ASIDs in each',
    source: (rounds) => callingSource(rounds, makeSpaces(ASID), nextSpace),
  },
  {
    name: 'switches-fence',
    meaning: 'the same without ASIDs, and with sfence.vma at each switch',
    source: (rounds) => callingSource(rounds, makeSpaces(0n), `${nextSpace}\n sfence.vma`),
  },
];
