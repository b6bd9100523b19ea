/**
 * A program that provokes traps, one scenario after another, and prints for each what the hart shows afterwards. It runs
 * on our machine and in QEMU, which must print the same.
 *
 * Memory: the program at the start of RAM; page tables at 1 MiB; pages for tests after them. With paging, supervisor
 * addresses are mapped one to one, the same gigabyte lies at USER for U-mode, and PAGES has single pages.
 */
import { PRINT } from '../support/print-routine';
import { assembleProgram } from '../../src/isa/assemble';
import { FLAT_BASE } from '../support/flat-program';

const ROOT = 0x80100000n;
const MIDDLE = ROOT + 0x1000n;
const LAST = ROOT + 0x2000n;
const FRAMES = ROOT + 0x10000n;
/** The supervisor's gigabyte, for U-mode. */
const USER = 0xc0000000n;
/** Virtual address of page 0 of the tests; page n's frame is FRAMES + n × 4096. */
export const PAGES = 0x1_0000_0000n;
export const NOWHERE = 0x90000000n;
const SATP = (8n << 60n) | (ROOT >> 12n);
/** A table entry without permissions, for `poke`; ROOT's entry 4 and MIDDLE's entry 0 lead to PAGES. */
export const TABLES = { root4: ROOT + 32n, middle0: MIDDLE };

export interface Scenario {
  readonly name: string;
  readonly mode: 'M' | 'S' | 'U';
  /** Translation is on. */
  readonly paging?: boolean;
  /** Runs in M-mode before. */
  readonly setup?: string;
  /** What is tried; without a trap it ends in an ecall. Its value in a0 is printed. */
  readonly code: string;
}

/** Stores a doubleword. */
export const poke = (address: bigint, value: bigint): string => `li t0, ${value}\nli t1, ${address}\nsd t0, 0(t1)\n`;
/** Maps test page n with these low bits (and high ones), to its frame unless said otherwise. */
export const map = (n: bigint, bits: bigint, frame = FRAMES + n * 4096n): string =>
  poke(LAST + 8n * n, ((frame >> 12n) << 10n) | bits);
export const frame = (n: bigint): bigint => FRAMES + n * 4096n;
export const csrw = (csr: string, value: bigint): string => `li t0, ${value}\ncsrw ${csr}, t0\n`;
export const csrs = (csr: string, value: bigint): string => `li t0, ${value}\ncsrs ${csr}, t0\n`;

/** Bits of mstatus that both machines have. */
const STATUS_SHOWN = 0x7e19aan;
const MPP = { M: 3n, S: 1n, U: 0n };

/** What is printed after each scenario: instructions that leave it in a0. */
const shown = [
  'csrr a0, mcause',
  'csrr a0, mtval',
  'csrr a0, mepc',
  `csrr a0, mstatus; li t0, ${STATUS_SHOWN}; and a0, a0, t0`,
  'csrr a0, scause',
  'csrr a0, stval',
  'csrr a0, sepc',
  'mv a0, s2',
  `li a0, ${LAST}; ld a0, 0(a0)`,
];

const prologue = `
  j start
.balign 4
machine_handler:
  mv s2, a0
  ${shown.map((instructions) => `${instructions.replaceAll('; ', '\n')}\ncall print`).join('\n')}
  li a0, 10
  call put
  jr s11
# One ecall per slot: mepc tells which was entered.
.balign 256
supervisor_handler:
  ${'ecall\n'.repeat(16)}
${PRINT}put:
  li t0, 0x10000000
1: lbu t1, 5(t0)
  andi t1, t1, 32
  beqz t1, 1b
  sb a0, 0(t0)
  ret
reset:
  la t0, machine_handler
  csrw mtvec, t0
  la t0, supervisor_handler
  csrw stvec, t0
  ${['mcause', 'mtval', 'mepc', 'scause', 'stval', 'sepc', 'medeleg', 'mideleg', 'mie', 'mip', 'satp', 'pmpcfg0']
    .concat(['mcounteren', 'scounteren', 'mstatus'])
    .map((csr) => `csrw ${csr}, x0\n`)
    .join('')}
  ${csrw('pmpaddr15', (1n << 54n) - 1n)}
  ${csrw('pmpcfg2', 0x1fn << 56n)}
  ${Array.from({ length: 8 }, (_, n) => poke(LAST + 8n * BigInt(n), 0n)).join('')}
  ${poke(ROOT + 16n, (0x80000n << 10n) | 0xcfn)}
  ${poke(ROOT + 24n, (0x80000n << 10n) | 0xdfn)}
  ${poke(TABLES.root4, ((MIDDLE >> 12n) << 10n) | 1n)}
  ${poke(TABLES.middle0, ((LAST >> 12n) << 10n) | 1n)}
  sfence.vma
  li a0, 0
  ret
start:
`;

function scenarioCode({ mode, paging, setup = '', code }: Scenario, n: number): string {
  const offset = mode === 'U' && paging ? USER - FLAT_BASE : 0n;
  const enter = `
    la t0, code_${n}
    li t1, ${offset}
    add t0, t0, t1
    csrw mepc, t0
    li t0, ${3n << 11n}
    csrc mstatus, t0
    li t0, ${MPP[mode] << 11n}
    csrs mstatus, t0
    mret`;
  return `
    la s11, next_${n}
    call reset
    ${setup}
    ${paging ? csrw('satp', SATP) : ''}
    ${mode === 'M' ? '' : enter}
  .balign 4
  code_${n}:
    ${code}
    ecall
  .balign 4
  next_${n}:`;
}

export function trapProgram(scenarios: readonly Scenario[]): Uint8Array {
  const end = 'li t0, 0x100000\nli t1, 0x5555\nsw t1, 0(t0)\n1: j 1b\n';
  return assembleProgram(prologue + scenarios.map(scenarioCode).join('\n') + '\n' + end, FLAT_BASE);
}
