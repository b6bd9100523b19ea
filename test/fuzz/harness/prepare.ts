/** The assembly that prepares the machine for each program: as if it had been reset, with memory that has a pattern. */
import * as at from '../layout';
import { PROTECTION_ENTRIES } from './state';
import { FLOATS, notSp } from './registers';
import type { Extension } from '../../../src/isa/extensions';
import { hex } from '../unit';

/** Traps after which a program is ended. */
const MOST_TRAPS = 500;

/** The header of a program: its doublewords in order. Registers follow: x0 to x31, f0 to f31. */
export const HEADER = {
  code: 0,
  end: 8,
  number: 16,
  next: 24,
  environment: 32,
  delegated: 40,
  rounds: 48,
  fcsr: 56,
  status: 64,
  registers: 72,
} as const;

const CLEARED = [
  ...['mcause', 'mtval', 'mepc', 'scause', 'stval', 'sepc', 'sscratch', 'medeleg', 'mie', 'satp', 'pmpcfg0'],
  ...['mcounteren', 'scounteren', 'mcountinhibit', 'menvcfg', 'senvcfg'],
  ...Array.from({ length: PROTECTION_ENTRIES }, (_, n) => `pmpaddr${n}`),
];

const poke = (address: bigint, value: bigint): string => `li t0, ${hex(address)}\nli t1, ${hex(value)}\nsd t1, 0(t0)\n`;

/** Stores t2, which grows by t3, to all doublewords from t0 to t1. */
const fill = (label: string): string => `
${label}:
  ${Array.from({ length: 8 }, (_, i) => `sd t2, ${8 * i}(t0)\n  add t2, t2, t3`).join('\n  ')}
  addi t0, t0, 64
  bltu t0, t1, ${label}
`;

/** The parts of a table that are in use: its first and its last entries. */
export const usedParts = (table: bigint): [start: bigint, end: bigint][] => [
  [table, table + 128n],
  [table + 0xfc0n, table + 0x1000n],
];

const memory = `
  # Data: a pattern; code: returns, one of them across the two pages.
  li t0, ${at.FRAMES}
  li t1, ${at.CODE}
  slli t2, t0, 40
  li t3, ${hex(8n << 40n)}
  ${fill('fill_data')}
  li t1, ${at.END_OF_FRAMES}
  li t2, 0x806700008067
  li t3, 0
  ${fill('fill_code')}
  # The last one of the first page has 16 bits, to make room for it.
  li t0, ${at.CODE + at.PAGE - 2n}
  li t2, 0x8082
  sh t2, -2(t0)
  li t2, 0x8067
  sh t2, 0(t0)
  sh zero, 2(t0)
  # Tables.
  li t2, 0
  ${at.tables
    .flatMap(usedParts)
    .map(([start, end], i) => `li t0, ${start}\nli t1, ${end}\n${fill(`fill_table_${i}`)}`)
    .join('\n')}
  ${at.spaces.flatMap((one) => at.initialEntries(one).map(([entry, value]) => poke(entry, value))).join('\n')}
`;

export const prepare = (extensions: ReadonlySet<Extension>): string => `
# Goes to the program whose header is at a0.
prepare:
  la t0, current
  sd a0, 0(t0)
  la t0, machine_vectors
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
  ${extensions.has('Sstc') ? 'csrw stimecmp, t1' : ''}
  csrw mip, zero
  ld t0, ${HEADER.environment}(a0)
  csrw menvcfg, t0
  ld t0, ${HEADER.delegated}(a0)
  csrw mideleg, t0
  ${memory}
  sfence.vma
  la t0, traps_left
  li t1, ${MOST_TRAPS}
  sd t1, 0(t0)
  la t0, rounds_left
  ld t1, ${HEADER.rounds}(a0)
  sd t1, 0(t0)
  la t0, trap_sum
  sd zero, 0(t0)
  la t0, save
  csrw mscratch, t0
  # No reservation is left over.
  sc.d t1, zero, (t0)
  li t0, 0x6000
  csrw mstatus, t0
  ld t0, ${HEADER.fcsr}(a0)
  csrw fcsr, t0
  ld t0, ${HEADER.code}(a0)
  csrw mepc, t0
  addi sp, a0, ${HEADER.registers}
  ${FLOATS.map((f) => `fld f${f}, ${8 * (32 + f)}(sp)`).join('\n  ')}
  # The unit's state, and M-mode to return to.
  ld t0, ${HEADER.status}(a0)
  csrw mstatus, t0
  ${notSp.map((x) => `ld x${x}, ${8 * x}(sp)`).join('\n  ')}
  li sp, ${at.MIDDLE_OF_DATA}
  mret
`;
