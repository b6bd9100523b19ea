/**
 * The guest beside a hostile one. It computes a sequence of numbers, stores them round and round, writes and reads a CSR with
 * each, and prints a dot now and then: from its count alone follows what its memory and its console must be.
 */
import type { Guest, GuestOptions } from '../../../src/hypervisor/guest';
import { assembleProgram } from '../../../src/isa/assemble';

const BASE = 0x8000_0000;
const SIZE = 0x20_0000;
const ENTRY = BASE + 0x1_0000;
const ROOT = BASE + 0x2000;
const COUNT = BASE + 0x3000;
const DATA = BASE + 0x8000;
const NUMBERS = 1024;
const DOT_EVERY = 4096;
const FACTOR = 6364136223846793005n;
const SUMMAND = 1442695040888963407n;
const SEED = 42n;

const PROGRAM = assembleProgram(
  `li t0, ${ROOT}
   li t1, 0xcf
   sd t1, 0(t0)
   li t1, ${(0x80000n << 10n) | 0xcfn}
   sd t1, 16(t0)
   li t0, ${(8n << 60n) | (5n << 44n) | BigInt(ROOT / 4096)}
   csrw satp, t0
   sfence.vma
   li s0, ${COUNT}
   li s1, ${DATA}
   li s2, ${SEED}
   li s3, 0
   li s4, ${FACTOR}
   li s5, ${SUMMAND}
   li s6, 0x10000000
   li s7, 46
   li s8, 33
   li s9, ${DOT_EVERY - 1}
   next: mul s2, s2, s4
   add s2, s2, s5
   andi t0, s3, ${NUMBERS - 1}
   slli t0, t0, 3
   add t0, t0, s1
   sd s2, 0(t0)
   addi s3, s3, 1
   sd s3, 0(s0)
   csrw sscratch, s2
   csrr t1, sscratch
   bne t1, s2, wrong
   ld t1, 0(t0)
   bne t1, s2, wrong
   and t1, s3, s9
   bnez t1, next
   sb s7, 0(s6)
   j next
   wrong: sb s8, 0(s6)
   j next`,
  BigInt(ENTRY),
);

export const neighbour: GuestOptions = {
  name: 'neighbour',
  memoryBytes: SIZE,
  program: { entry: BigInt(ENTRY), segments: [{ address: ENTRY, data: PROGRAM, memorySize: PROGRAM.length }] },
};

export class NeighbourCheck {
  private output = '';
  private readonly before: Uint8Array;
  /** The sequence as far as it was checked. */
  private count = 0;
  private number = SEED;
  private readonly numbers = new BigUint64Array(NUMBERS);

  constructor(private readonly guest: Guest) {
    guest.console.onOutput = (bytes) => (this.output += String.fromCharCode(...bytes));
    this.before = this.memory();
  }

  /** How far it has come. */
  get progress(): number {
    return this.count;
  }

  /** What is wrong with it, in a sentence; undefined when all is as it must be. @param isThorough all its memory is looked at */
  problem(isThorough: boolean): string | undefined {
    const { guest } = this;
    if (guest.ended) return 'The neighbour has ended.';
    const view = new DataView(this.memory().buffer);
    const count = Number(view.getBigUint64(COUNT - BASE, true));
    if (count < this.count) return `The neighbour's count went from ${this.count} to ${count}.`;
    for (; this.count < count; this.count++) this.numbers[this.count % NUMBERS] = this.next();
    // The number after the last one counted may be stored already.
    const last = BigInt.asUintN(64, this.number * FACTOR + SUMMAND);
    for (let i = 0; i < NUMBERS; i++) {
      const found = view.getBigUint64(DATA - BASE + i * 8, true);
      if (found === this.numbers[i] || (i === count % NUMBERS && found === last)) continue;
      return `Number ${i} of the neighbour is ${found} and not ${this.numbers[i]}, after ${count}.`;
    }
    const dots = '.'.repeat(Math.floor(count / DOT_EVERY));
    const isLate = count % DOT_EVERY === 0 && `${this.output}.` === dots;
    if (this.output !== dots && !isLate) return `The neighbour printed "${this.output}" and not ${dots.length} dots.`;
    return isThorough ? this.compareRest() : undefined;
  }

  /** All but its numbers, their count and its page table. */
  private compareRest(): string | undefined {
    const now = this.memory();
    const isOwn = (at: number): boolean => at >= ROOT - BASE && at < DATA - BASE + NUMBERS * 8;
    const at = now.findIndex((byte, i) => byte !== this.before[i] && !isOwn(i));
    return at < 0 ? undefined : `The neighbour's memory at 0x${(BASE + at).toString(16)} was written.`;
  }

  private next(): bigint {
    this.number = BigInt.asUintN(64, this.number * FACTOR + SUMMAND);
    return this.number;
  }

  private memory(): Uint8Array {
    return this.guest.memory.read(BASE, SIZE) ?? new Uint8Array();
  }
}
