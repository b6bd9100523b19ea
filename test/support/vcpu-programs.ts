/** Programs for guests with several vCPUs, which share harts or not: what they find does not depend on that. */
import { sbi } from './multi-hart';

const HSM = 0x48534d;
const SRST = 0x53525354;
const TIME = 0x54494d45;

/** Ends the guest: by a shutdown where a0 is 0, a failure where a1 is not. */
export const RESET = sbi(SRST, 0);

/** The vCPU that boots starts the others at \`begin\`, with their numbers in s0; then it begins there, too. */
const startOthers = (vcpus: number): string => `
  li s0, 0
  li s1, ${vcpus - 1}
1: beqz s1, begin
  mv a0, s1
  la a1, other
  li a2, 0
  ${sbi(HSM, 0)}
  addi s1, s1, -1
  j 1b
other: mv s0, a0
begin:
`;

/** Counts this vCPU as done; the first one waits for all, and shuts down, with a failure if any found one. */
const finish = (vcpus: number): string => `
done: csrw sie, zero
  la t0, finished
  li t1, 1
  amoadd.d zero, t1, (t0)
  bnez s0, rest
  li t2, ${vcpus}
2: ld t1, 0(t0)
  bne t1, t2, 2b
  la t0, failed
  ld a1, 0(t0)
  li a0, 0
  ${RESET}
rest: wfi
  j rest
wrong: la t0, failed
  li t1, 1
  sd t1, 0(t0)
  j done
  .balign 4096
finished: .dword 0
failed: .dword 0
`;

/**
 * Each vCPU fills its floating-point registers and fcsr with values of its own, and looks again and again whether they are still
 * there, with a CSR access and without; the last one has its unit off, and looks whether it still is.
 */
export const floatProgram = (vcpus: number, rounds: number): string => `
  ${startOthers(vcpus)}
  li s2, ${rounds}
  li t0, ${vcpus - 1}
  li t1, 3 << 13
  beq s0, t0, off
  csrs sstatus, t1
  addi s3, s0, 33
  csrw fcsr, s3
  ${Array.from({ length: 32 }, (_, i) => `addi t0, s3, ${i * 16}\n  slli t0, t0, 40\n  fmv.d.x f${i}, t0`).join('\n  ')}
look: csrr t0, fcsr
  bne t0, s3, wrong
  ${Array.from({ length: 32 }, (_, i) => `addi t1, s3, ${i * 16}\n  slli t1, t1, 40\n  fmv.x.d t0, f${i}\n  bne t0, t1, wrong`).join('\n  ')}
  csrr t0, sstatus
  addi s2, s2, -1
  bnez s2, look
  j done
off: csrc sstatus, t1
3: csrr t0, sstatus
  and t0, t0, t1
  bnez t0, wrong
  addi s2, s2, -1
  bnez s2, 3b
  ${finish(vcpus)}
`;

/**
 * Each vCPU sleeps again and again, for a time of its own, and writes down the latest time by which it woke too late, and fails
 * if it woke too early.
 */
export const sleepProgram = (vcpus: number, rounds: number): string => `
  ${startOthers(vcpus)}
  li s2, ${rounds}
  li t0, 1 << 5
  csrw sie, t0
  la s4, late
  slli t0, s0, 3
  add s4, s4, t0
  li s6, 0
sleep: csrr t0, time
  addi t1, s0, 7
  slli t1, t1, 10
  add s3, t0, t1
  mv a0, s3
  ${sbi(TIME, 0)}
4: wfi
  csrr t0, sip
  andi t0, t0, 1 << 5
  beqz t0, 4b
  csrr t0, time
  bltu t0, s3, wrong
  sub t0, t0, s3
  bleu t0, s6, 5f
  mv s6, t0
5: addi s2, s2, -1
  bnez s2, sleep
  sd s6, 0(s4)
  ${finish(vcpus)}
late: .zero 64
`;
