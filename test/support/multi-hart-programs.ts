/** Programs for several harts whose results do not depend on how the harts' instructions interleave. */
import { PRINT } from './print-routine';
import { POWER_OFF, sbi } from './multi-hart';

const HSM = 0x48534d;
const RFENCE = 0x52464e43;

/** By label \`put\`, writes the character in a0 to the serial port. */
const PUT = `put:
  li t0, 0x10000000
  sb a0, 0(t0)
  ret
`;

/**
 * Every hart adds to counters in four ways: by AMOs, by LR and SC, by LR and SC of words, and by plain instructions under a
 * spinlock; then the first of them prints the counters. In M-mode, on all of the given harts.
 */
export function countingProgram(harts: number, rounds: number): string {
  return `
  csrr s0, mhartid
  li s1, ${rounds}
again:
  li a1, 1
  la a2, amo
  amoadd.d zero, a1, (a2)
  amoadd.w.aqrl zero, a1, (a2)
  la a2, pair
1: lr.d.aq a3, (a2)
  addi a3, a3, 3
  sc.d.rl a4, a3, (a2)
  bnez a4, 1b
  la a2, single
1: lr.w a3, (a2)
  addw a3, a3, s0
  sc.w a4, a3, (a2)
  bnez a4, 1b
  la a2, lock
1: amoswap.w.aq a3, a1, (a2)
  bnez a3, 1b
  la a4, plain
  ld a3, 0(a4)
  xor a5, s1, s0
  add a3, a3, a5
  sd a3, 0(a4)
  ld a3, 8(a4)
  addi a3, a3, 1
  sd a3, 8(a4)
  amoswap.w.rl zero, zero, (a2)
  la a2, most
  amomaxu.d zero, a5, (a2)
  addi s1, s1, -1
  bnez s1, again
  la a2, done
  amoadd.d a3, a1, (a2)
  bnez s0, rest
wait:
  ld a3, 0(a2)
  addi a3, a3, -${harts}
  bnez a3, wait
  la s6, amo
  li s7, 7
2: ld a0, 0(s6)
  call print
  addi s6, s6, 8
  addi s7, s7, -1
  bnez s7, 2b
  ${POWER_OFF}
rest:
  wfi
  j rest
${PRINT}
${PUT}
  # Not in the code's page, where stores are slow.
  .balign 4096
amo: .dword 0
pair: .dword 0
single: .dword 0
plain: .dword 0
  .dword 0
most: .dword 0
done: .dword 0
lock: .dword 0
`;
}

/** What \`countingProgram\` prints. */
export function countingOutput(harts: number, rounds: number): string {
  const ids = Array.from({ length: harts }, (_, id) => id);
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
  const all = ids.flatMap((id) => Array.from({ length: rounds }, (_, round) => (round + 1) ^ id));
  const counters = [
    2 * harts * rounds,
    3 * harts * rounds,
    sum(ids) * rounds,
    sum(all),
    harts * rounds,
    all.reduce((a, b) => Math.max(a, b)),
    harts,
  ];
  return counters.map((value) => `${value.toString(16).padStart(16, '0')} `).join('');
}

/**
 * Both harts translate by one table. Hart 1 reads a page; hart 0 changes the entry, after which hart 1 still may see the old
 * one (and does here); after the remote fence it sees the new one.
 */
export const remoteFenceProgram = `
  la s1, stage
  la s2, seen
  la t0, root
  srli t1, t0, 12
  slli t1, t1, 10
  ori t1, t1, 0
  # root[2]: one gigabyte from 0x80000000; root[1]: a table, whose table has the page
  la t0, root
  li t1, 0x200000cf
  sd t1, 16(t0)
  la t1, middle
  srli t1, t1, 2
  ori t1, t1, 1
  sd t1, 8(t0)
  la t0, middle
  la t1, last
  srli t1, t1, 2
  ori t1, t1, 1
  sd t1, 0(t0)
  la t0, last
  la t1, page1
  srli t1, t1, 2
  ori t1, t1, 0xc7
  sd t1, 0(t0)
  li a0, 1
  la a1, other
  ${sbi(HSM, 0)}
1: ld t0, 0(s1)
  beqz t0, 1b
  la t0, last
  la t1, page2
  srli t1, t1, 2
  ori t1, t1, 0xc7
  sd t1, 0(t0)
  li t0, 2
  sd t0, 0(s1)
  li t1, 3
1: ld t0, 0(s1)
  bne t0, t1, 1b
  li a0, 2
  li a1, 0
  li a2, 0x40000000
  li a3, 0x1000
  ${sbi(RFENCE, 1)}
  li t0, 4
  sd t0, 0(s1)
  li t1, 5
1: ld t0, 0(s1)
  bne t0, t1, 1b
  ${POWER_OFF}
other:
  la s1, stage
  la s2, seen
  la t0, root
  srli t0, t0, 12
  li t1, 8
  slli t1, t1, 60
  or t0, t0, t1
  csrw satp, t0
  sfence.vma
  li s3, 0x40000000
  ld t0, 0(s3)
  sd t0, 0(s2)
  li t0, 1
  sd t0, 0(s1)
  li t1, 2
1: ld t0, 0(s1)
  bne t0, t1, 1b
  ld t0, 0(s3)
  sd t0, 8(s2)
  li t0, 3
  sd t0, 0(s1)
  li t1, 4
1: ld t0, 0(s1)
  bne t0, t1, 1b
  ld t0, 0(s3)
  sd t0, 16(s2)
  li t0, 5
  sd t0, 0(s1)
2: wfi
  j 2b
  .balign 8
stage: .dword 0
seen: .space 24
  .balign 4096
root: .space 4096
middle: .space 4096
last: .space 4096
page1: .dword 11
  .balign 4096
page2: .dword 22
  .balign 4096
`;
