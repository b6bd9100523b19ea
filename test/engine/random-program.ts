/**
 * Random M-mode programs for comparison with QEMU: each sets all registers, executes random instructions, and prints
 * the registers, the scratch memory's sum and a digest of the traps taken, one line each, through the UART.
 */
import { assembleProgram } from '../../src/isa/assemble';
import { decode } from '../../src/isa/decode';
import type { Instruction } from '../../src/isa/instruction';
import { writesFloat } from '../../src/engine/record';
import { double, edges, randomOperand, single } from '../isa/float-operands';
import { compressedInstructions, instructions } from '../../src/isa/table';

/** Where the binary is loaded and starts. */
export const LOAD_ADDRESS = 0x80000000n;

/** A small generator of random numbers (xorshift), so that a seed names a program. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) | 0 || 1;
  }

  /** Unsigned 32 bits. */
  next(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return this.state >>> 0;
  }

  below(limit: number): number {
    return this.next() % limit;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  /** 64 bits, often at an edge. */
  value(): bigint {
    const edges = [0n, 1n, 2n ** 31n, 2n ** 32n, 2n ** 63n, 2n ** 31n - 1n, 2n ** 63n - 1n, 2n ** 64n - 1n];
    const wide = (BigInt(this.next()) << 32n) | BigInt(this.next());
    switch (this.below(4)) {
      case 0:
        return BigInt.asUintN(64, this.pick(edges) + BigInt(this.below(3)) - 1n);
      case 1:
        return wide >> BigInt(this.below(64));
      case 2:
        return BigInt.asUintN(64, BigInt.asIntN(32, wide));
      default:
        return wide;
    }
  }
}

/** QEMU 7.2's ctzw looks beyond the low 32 bits when they are zero. */
const comparable = instructions.filter(({ name }) => name !== 'ctzw');
const singleEdges = edges(single);
const doubleEdges = edges(double);

/** A double-precision value, or more often a single-precision one, nearly always boxed. */
function floatValue(random: Random): bigint {
  const next = () => random.next();
  if (random.below(2) === 0) return randomOperand(double, doubleEdges, next);
  const bits = randomOperand(single, singleEdges, next);
  return random.below(16) === 0 ? bits : bits | 0xffffffff00000000n;
}

const SP = 2;
/**
 * The address register of atomics, always aligned and in scratch memory: QEMU 7.2 reports an AMO's faults as a load's,
 * where the specification has store/AMO faults (Privileged, table 3.6).
 */
const POINTER = 8;
const hex = (word: number) => `0x${(word >>> 0).toString(16)}`;
const field = (value: number, low: number, bits: number) => (value & (2 ** bits - 1)) << low;

/** A word of this instruction with random operands that leave sp alone and touch only scratch memory. */
function randomWords(instruction: Instruction, random: Random, reservedWidth: number): string[] {
  const skip = () => 4 * (1 + random.below(8));
  const { action } = instruction;
  const rd = () => random.pick([0, 1, 3, 4, 5, 6, 7, 9, 10, 11, 15, 16, 24, 31]);
  const rs = () => random.below(32);
  const free = (random.next() & ~instruction.mask) >>> 0;
  const base = (instruction.match | free) >>> 0;
  const withFields = (...fields: [value: number, low: number, bits: number][]) => {
    let word = base;
    for (const [value, low, bits] of fields) {
      const mask = field(-1, low, bits) & ~instruction.mask;
      word = (word & ~mask) | (field(value, low, bits) & mask);
    }
    return `.word ${hex(word)}`;
  };
  const point = () => `.word ${hex(field(random.below(64) * 8, 20, 12) | (SP << 15) | (POINTER << 7) | 0x13)}`;
  switch (action.k) {
    case 'float-load':
      return [withFields([SP, 15, 5])];
    case 'load':
      return [withFields([rd(), 7, 5], [SP, 15, 5])];
    case 'float-store':
    case 'store':
      return [withFields([SP, 15, 5])];
    case 'load-reserved':
    case 'store-conditional':
      // QEMU 7.2 stores and yet reports failure when LR and SC differ in width: one width per program.
      if (action.width !== reservedWidth) return [];
      return [point(), withFields([rd(), 7, 5], [POINTER, 15, 5])];
    case 'atomic':
      return [point(), withFields([rd(), 7, 5], [POINTER, 15, 5])];
    case 'branch': {
      const distance = skip();
      const offset = field(distance >> 1, 8, 4) | field(distance >> 5, 25, 6);
      return [`.word ${hex(instruction.match | offset | (rs() << 15) | (rs() << 20))}`];
    }
    case 'jump':
      if (instruction.format !== 'J') return [];
      return [`.word ${hex(instruction.match | field(skip() >> 1, 21, 10) | (rd() << 7))}`];
    case 'system':
      return action.op === 'ecall' || action.op === 'ebreak' ? [hexWord(instruction.match)] : [];
    default:
      return [withFields([rd(), 7, 5])];
  }
}

const hexWord = (word: number) => `.word ${hex(word)}`;

/** Two 16-bit instructions that leave sp alone and use no memory but through sp, or undefined. */
function randomCompressedPair(random: Random): string | undefined {
  const one = (): number | undefined => {
    const entry = random.pick(compressedInstructions);
    const word = (entry.match | (random.next() & ~entry.mask)) & 0xffff;
    const decoded = decode(word);
    if (decoded === undefined) return undefined;
    const { action } = decoded.instruction;
    if (action.k === 'branch' || action.k === 'jump' || action.k === 'system') return undefined;
    const usesMemory = ['load', 'store', 'float-load', 'float-store'].includes(action.k);
    if (usesMemory && decoded.rs1 !== SP) return undefined;
    if (!writesFloat(decoded.instruction) && (decoded.rd === SP || decoded.rd === POINTER)) return undefined;
    return word;
  };
  const [low, high] = [one(), one()];
  return low === undefined || high === undefined ? undefined : hexWord(((high << 16) | low) >>> 0);
}

function body(random: Random, length: number): string[] {
  const lines: string[] = [];
  const reservedWidth = random.pick([4, 8]);
  // Branches skip up to 8 words: the tail is padding that they may land in.
  while (lines.length < length) {
    const compressed = random.below(4) === 0 ? randomCompressedPair(random) : undefined;
    if (compressed) lines.push(compressed);
    else lines.push(...randomWords(random.pick(comparable), random, reservedWidth));
  }
  return [...lines, ...Array.from({ length: 9 }, () => '.word 0x13')];
}

/** The binary with `programs` random programs of about `length` instructions. */
export function randomPrograms(seed: number, programs: number, length: number): Uint8Array {
  const random = new Random(seed);
  const others = Array.from({ length: 32 }, (_, i) => i).filter((i) => i !== 0 && i !== SP);
  const lines: string[] = ['la t0, handler', 'csrw mtvec, t0', 'li t0, 0x6000', 'csrs mstatus, t0', 'j program0'];
  const tables: string[] = [];
  for (let i = 0; i < programs; i++) {
    lines.push('.align 3', `program${i}:`, 'la x31, scratch', 'li x30, 512', `clear${i}:`);
    lines.push('sd x0, 0(x31)', 'addi x31, x31, 8', 'addi x30, x30, -1', `bnez x30, clear${i}`);
    lines.push('la x31, digest', 'sd x0, 0(x31)', `la sp, registers${i}`);
    for (let f = 0; f < 32; f++) lines.push(`fld f${f}, ${8 * (32 + f)}(sp)`);
    // Inexact is accrued from the start in every other program: that is when the fast path rounds.
    lines.push(`li x31, ${((random.below(5) << 5) * random.below(2)) | (i % 2)}`, 'csrw fcsr, x31');
    for (const x of others) lines.push(`ld x${x}, ${8 * x}(sp)`);
    lines.push('la sp, middle', `mv x${POINTER}, sp`);
    lines.push(...body(random, length));
    lines.push('la sp, saved', ...others.map((x) => `sd x${x}, ${8 * x}(sp)`));
    for (let f = 0; f < 32; f++) lines.push(`fsd f${f}, ${8 * (32 + f)}(sp)`);
    lines.push('csrr t0, fcsr', `sd t0, ${8 * 64}(sp)`, 'jal ra, dump');
    tables.push(
      `registers${i}:`,
      ...Array.from({ length: 64 }, (_, register) => {
        const value = register < 32 ? random.value() : floatValue(random);
        return `.dword 0x${value.toString(16)}`;
      }),
    );
  }
  const source = `
    ${lines.join('\n')}
    li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
  forever: j forever

    .align 3
  handler:
    la sp, saved
    sd t0, 0(sp)
    sd t1, 8(sp)
    sd t2, 16(sp)
    la sp, digest
    ld t0, 0(sp)
    li t2, 0x100000001b3
    csrr t1, mcause
    xor t0, t0, t1
    mul t0, t0, t2
    csrr t1, mtval
    xor t0, t0, t1
    mul t0, t0, t2
    csrr t1, mepc
    xor t0, t0, t1
    mul t0, t0, t2
    sd t0, 0(sp)
    lhu t0, 0(t1)
    andi t0, t0, 3
    addi t0, t0, -3
    seqz t0, t0
    slli t0, t0, 1
    addi t0, t0, 2
    add t1, t1, t0
    csrw mepc, t1
    la sp, saved
    ld t0, 0(sp)
    ld t1, 8(sp)
    ld t2, 16(sp)
    la sp, middle
    mret

  # Prints what is in saved, the sum over scratch memory, and the digest, as 67 hexadecimal numbers.
  dump:
    mv s11, ra
    la s0, saved
    li s1, 3
    sd x0, 0(s0)
    sd x0, 16(s0)
    li s1, 65
  registers:
    ld a0, 0(s0)
    jal ra, print
    addi s0, s0, 8
    addi s1, s1, -1
    bnez s1, registers
    la s0, scratch
    li s1, 512
    li a0, 0
    li t2, 31
  sum:
    ld t0, 0(s0)
    add a0, a0, t0
    mul a0, a0, t2
    addi s0, s0, 8
    addi s1, s1, -1
    bnez s1, sum
    jal ra, print
    la s0, digest
    ld a0, 0(s0)
    jal ra, print
    li t0, 10
    li t1, 0x10000000
    sb t0, 0(t1)
    jr s11
  print:
    li t1, 0x10000000
    li t2, 60
  digit:
    srl t0, a0, t2
    andi t0, t0, 15
    addi t0, t0, 48
    li t3, 58
    blt t0, t3, out
    addi t0, t0, 39
  out:
    sb t0, 0(t1)
    addi t2, t2, -4
    bgez t2, digit
    li t0, 32
    sb t0, 0(t1)
    ret

    .align 3
  saved: .skip 520
  digest: .dword 0
  ${tables.join('\n')}
    .align 12
  scratch: .skip 2048
  middle: .skip 2048
    .skip 4096`;
  return assembleProgram(source, LOAD_ADDRESS);
}
