/** The assembly that prints what a program has left behind: a sum for each part, or everything. */
import * as at from '../layout';
import type { Extension } from '../../../src/isa/extensions';
import { HEADER, usedParts } from './prepare';
import { FLOATS } from './registers';
import { finalCsrs } from './state';

const account = (register: string): string => `mv a0, ${register}\n  call account`;

/** Physical memory that is compared. */
const regions: readonly (readonly [start: bigint, end: bigint])[] = [
  [at.FRAMES, at.END_OF_FRAMES],
  ...at.tables.flatMap(usedParts),
];

const csrs = (extensions: ReadonlySet<Extension>): string =>
  finalCsrs(extensions)
    .map(({ name, mask }) => `csrr s9, ${name}\n${mask === -1n ? '' : `li t0, ${mask}\n  and s9, s9, t0\n`}`)
    .map((reading) => `  ${reading}  ${account('s9')}\n`)
    .join('');

export const finish = (extensions: ReadonlySet<Extension>): string => `
finish:
  li a0, 80
  call put
  la t0, current
  ld s0, 0(t0)
  ld a0, ${HEADER.number}(s0)
  call print
  li s4, 0
  la s0, save
  li s1, 31
1: addi s0, s0, 8
  ld s9, 0(s0)
  ${account('s9')}
  addi s1, s1, -1
  bnez s1, 1b
  call total
  # The unit's state belongs to the CSRs, and is gone once its registers can be read.
  csrr s11, mstatus
  li t0, 0x6000
  csrs mstatus, t0
  ${FLOATS.map((f) => `fmv.x.d s9, f${f}\n  ${account('s9')}`).join('\n  ')}
  csrr s9, fcsr
  ${account('s9')}
  call total
  csrw mstatus, s11
${csrs(extensions)}
  call total
  # An entry of four bytes would forbid doublewords even to M-mode; what locked entries forbid reads as it may.
  csrw pmpcfg0, zero
  la t0, unreadable
  csrw mtvec, t0
  ${regions.map(([start, end]) => `li s0, ${start}\n  li s1, ${end}\n  call region`).join('\n  ')}
  call total
  la t0, trap_sum
  ld a0, 0(t0)
  call print
  li a0, 10
  call put
  la t0, current
  ld t0, 0(t0)
  ld t0, ${HEADER.next}(t0)
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
# Accounts for the memory from s0 to s1; wanted in detail, by doublewords that are not zero nor the data's pattern.
region:
  li t1, 0x9e3779b97f4a7c15
  la t0, verbose
  ld t0, 0(t0)
  bnez t0, 2f
1: ${Array.from({ length: 8 }, (_, i) => `ld a0, ${8 * i}(s0)\n  mul s4, s4, t1\n  add s4, s4, a0`).join('\n  ')}
  addi s0, s0, 64
  bltu s0, s1, 1b
  ret
2: mv s10, ra
  mv s3, t1
1: ld a0, 0(s0)
  mul s4, s4, s3
  add s4, s4, a0
  beqz a0, 2f
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
.balign 4
unreadable:
  csrr a0, mepc
  addi a0, a0, 4
  csrw mepc, a0
  li a0, -1
  mret
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
