/** Programs for several harts whose results do not depend on how the harts' instructions interleave. */
import { PRINT } from './print-routine';
import { POWER_OFF } from './multi-hart';

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
