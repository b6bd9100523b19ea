/** Random code of a hostile guest: accesses, CSRs, fences, calls, changes of its own tables, jumps into anything. */
import { assembleProgram } from '../../../src/isa/assemble';
import { instructions } from '../../../src/isa/table';
import type { Random } from '../../support/random';
import { CODE } from './entries';

/** Goes on behind the instruction that trapped, in the mode that it was in; after a fetch that failed, at the code's start. */
export const HANDLER = assembleProgram(
  `csrr t6, scause
   andi t6, t6, -2
   addi t6, t6, -12
   beqz t6, restart
   addi t6, t6, 12
   beqz t6, restart
   csrr t6, sepc
   addi t6, t6, 4
   csrw sepc, t6
   sret
   restart: auipc t6, 0
   addi t6, t6, 64
   csrw sepc, t6
   li t6, 0x100
   csrs sstatus, t6
   sret`,
  BigInt(CODE.base),
);

/** Instructions without privilege that do not jump. */
const ordinary = instructions.filter(({ action }) => !['system', 'jump', 'branch', 'fence'].includes(action.k));
const accesses = instructions.filter(({ action }) =>
  ['load', 'store', 'float-load', 'float-store', 'atomic', 'load-reserved', 'store-conditional'].includes(action.k),
);
const CSRS = [0x100, 0x100, 0x104, 0x106, 0x10a, 0x140, 0x142, 0x143, 0x144, 0x14d, 0xc00, 0xc01, 0xc02];
/** Those that soon lead the guest nowhere: stvec, sepc, satp. */
const FATAL_CSRS = [0x105, 0x141, 0x180, 0x180];

const SYSTEM = 0x73;
const ECALL = 0x73;
const SRET = 0x10200073;
const WFI = 0x10500073;
const SFENCE = 0x12000073;
const SINVAL = 0x16000073;

/** One instruction. */
export function word(random: Random): number {
  const choice = random.below(64);
  if (choice < 22) return withOperands(random, random.pick(accesses));
  if (choice < 34) return csr(random);
  if (choice < 38) return (SFENCE | (operand(random) << 15) | (operand(random) << 20)) >>> 0;
  if (choice < 39) return (SINVAL | (operand(random) << 15) | (operand(random) << 20)) >>> 0;
  if (choice < 42) return ECALL;
  if (choice < 44) return SRET;
  if (choice < 45) return random.below(4) === 0 ? WFI : SRET;
  if (choice < 46) return 0x100f; // fence.i
  if (choice < 48) return (0x67 | (register(random) << 15) | (random.below(2) << 7)) >>> 0; // jalr
  if (choice < 50) return withOperands(random, random.pick(instructions));
  if (choice < 51) return random.next();
  return withOperands(random, random.pick(ordinary));
}

function csr(random: Random): number {
  const choice = random.below(24);
  const number = choice === 0 ? random.below(4096) : random.pick(choice === 1 ? FATAL_CSRS : CSRS);
  const form = random.pick([1, 1, 1, 2, 3, 5, 6, 7]);
  return ((number << 20) | (register(random) << 15) | (form << 12) | (result(random) << 7) | SYSTEM) >>> 0;
}

function withOperands(random: Random, { match, mask }: { match: number; mask: number }): number {
  // Immediates mostly small, so that bases keep to what they were given for.
  const wild = random.below(4) === 0 ? random.next() : random.next() & 0x07ff_ffff;
  const operands = (wild & ~(RD | RS1)) | (result(random) << 7) | (base(random) << 15);
  return (match | (operands & ~mask)) >>> 0;
}

const RD = 0x1f << 7;
const RS1 = 0x1f << 15;
/** Registers that keep addresses, mostly: x8 to x27. */
const FIRST_BASE = 8;
const BASES = 20;
const base = (random: Random): number => (random.below(4) === 0 ? register(random) : FIRST_BASE + random.below(BASES));
/** Results go to the others, mostly. */
const result = (random: Random): number =>
  random.below(12) === 0 ? register(random) : random.pick([0, 1, 2, 3, 4, 5, 6, 7, 28, 29, 30]);

const register = (random: Random): number => random.below(32);
const operand = (random: Random): number => (random.below(2) === 0 ? 0 : register(random));
