/**
 * Random programs of the shapes that the translator has a way of its own for: short loops one after the other, words and values
 * that are none in the same registers, skipped steps, calls, tables of jumps, loops entered in the middle. Random slices, after each of which
 * translated code and the interpreter have the same registers, and have executed the same number of instructions.
 */
import assert from 'node:assert/strict';
import type { EngineOptions } from '../../src/engine/engine';
import { DRAM_BASE } from '../../src/engine/physical-memory';
import { TestHost } from '../support/engine-host';
import { Random } from '../support/random';

const PROGRAMS = 60;
const INSTRUCTIONS = 12_000;
const ways: readonly EngineOptions['translator'][] = ['eager', { jumps: 12, entries: 8 }];

const words = ['addw', 'subw', 'xor', 'and', 'or', 'mulw', 'sllw', 'srlw', 'sraw', 'sltu', 'slt'];
const wides = ['add', 'sub', 'mul', 'xor', 'sll', 'srl', 'sra', 'or'];

class ProgramWriter {
  private readonly lines: string[] = [];
  private readonly functions: string[] = [];
  private readonly tables: string[] = [];
  private labels = 0;

  constructor(private readonly random: Random) {}

  /** A loop without an end around some pieces. */
  write(): string {
    const pieces = [
      this.rounds,
      this.rounds,
      this.rounds,
      this.skip,
      this.accesses,
      this.strides,
      this.strides,
      this.faults,
      this.call,
      this.table,
      this.middle,
    ];
    this.add('li s0, 0x80008000', 'li s2, 0x9e3779b97f4a7c15', 'li s3, 0x80010000', 'again:', 'addi s1, s1, 1');
    const count = 3 + this.random.below(5);
    for (let i = 0; i < count; i++) {
      if (this.random.below(3) === 0) this.widen();
      this.random.pick(pieces).call(this);
    }
    this.add('j again', ...this.functions, '.balign 8', ...this.tables);
    return this.lines.join('\n');
  }

  private add(...lines: string[]): void {
    this.lines.push(...lines);
  }

  private label(): string {
    return `l${++this.labels}`;
  }

  private value(): string {
    return `a${this.random.below(6)}`;
  }

  private operations(names: readonly string[], most: number): string[] {
    return Array.from({ length: 1 + this.random.below(most) }, () => {
      const { random } = this;
      if (random.below(4) === 0) return this.throughTemporary(names);
      if (random.below(3) > 0) return `${random.pick(names)} ${this.value()}, ${this.value()}, ${this.value()}`;
      if (names === wides) return `addi ${this.value()}, ${this.value()}, ${random.below(100) - 50}`;
      return `${random.pick(['addiw', 'slliw', 'srliw', 'andi'])} ${this.value()}, ${this.value()}, ${random.below(31)}`;
    });
  }

  /** By a register that nothing else reads. */
  private throughTemporary(names: readonly string[]): string {
    const { random } = this;
    const temporary = random.pick(['t4', 't5']);
    const [first, second] = [random.pick(names), random.pick(names)];
    return `${first} ${temporary}, ${this.value()}, ${this.value()}\n${second} ${this.value()}, ${temporary}, ${this.value()}`;
  }

  /** Once in a while, one register holds what no word is. */
  private widen(): void {
    const over = this.label();
    this.add(`andi t1, s1, ${this.random.pick([3, 7, 15])}`, `bnez t1, ${over}`);
    this.add(`mul ${this.value()}, s1, s2`, `${over}:`);
  }

  /** Round one block, as often as a register says. */
  private round(counter: string, names: readonly string[], most: number): void {
    const head = this.label();
    this.add(
      `${head}:`,
      ...this.operations(names, most),
      `addi ${counter}, ${counter}, -1`,
      `bnez ${counter}, ${head}`,
    );
  }

  /** One or more short loops, each of which leads right to the next. */
  private rounds(): void {
    const counters = ['t0', 't3', 't6'].slice(0, 1 + this.random.below(3));
    for (const counter of counters) {
      this.add(`andi ${counter}, ${this.random.pick(['s1', this.value()])}, 15`, `addi ${counter}, ${counter}, 1`);
    }
    for (const counter of counters) this.round(counter, this.random.pick([words, words, wides]), 6);
  }

  private skip(): void {
    const [head, over] = [this.label(), this.label()];
    this.add('li t0, 6', `${head}:`, ...this.operations(words, 2));
    this.add(`${this.random.pick(['bltu', 'bge', 'beq', 'bne'])} ${this.value()}, ${this.value()}, ${over}`);
    this.add(...this.operations(this.random.below(2) === 0 ? words : wides, 3), `${over}:`);
    this.add('addi t0, t0, -1', `bgtz t0, ${head}`);
  }

  private accesses(): void {
    const head = this.label();
    // Often misaligned, so that the region is left.
    this.add('andi t2, s1, 255', `slli t2, t2, ${this.random.below(5)}`, 'add t2, t2, s0', 'li t0, 5', `${head}:`);
    const [from, to] = [this.value(), this.value()];
    this.add(`${this.random.pick(['lw', 'lbu', 'ld', 'lh'])} ${from}, 8(t2)`, ...this.operations(words, 2));
    this.add(`${this.random.pick(['sw', 'sb', 'sd'])} ${to}, ${this.random.pick([0, 8, 16])}(t2)`);
    this.add(`addi t2, t2, ${this.random.pick([8, 16, 512])}`, 'addi t0, t0, -1', `bnez t0, ${head}`);
  }

  /** Accesses by registers that move on by the same distance in each round, or stay; some loops are entered in the middle. */
  private strides(): void {
    const { random } = this;
    const [head, middle, out] = [this.label(), this.label(), this.label()];
    const size = random.pick([1, 2, 4, 8] as const);
    const [load, store] = { 1: ['lbu', 'sb'], 2: ['lh', 'sh'], 4: ['lw', 'sw'], 8: ['ld', 'sd'] }[size];
    const stride = () => size * (random.below(9) - 3) + (random.below(8) === 0 ? 1 : 0);
    const offset = () => `${size * (random.below(12) - 4)}`;
    const base = () => random.pick(['t2', 't2', 't6', 's0']);
    const access = () =>
      random.below(2) === 0
        ? `${load} ${this.value()}, ${offset()}(${base()})`
        : `${store} ${this.value()}, ${offset()}(${base()})`;
    this.add(`slli t2, s1, ${random.below(5)}`, 'andi t2, t2, -8', 'slli t2, t2, 52', 'srli t2, t2, 52');
    this.add('add t2, t2, s0', 'li t6, 0x8000b000', `andi t0, s1, ${random.pick([15, 63])}`, 'addi t0, t0, 1');
    if (random.below(3) === 0) this.add(`j ${middle}`);
    this.add(`${head}:`, ...this.operations(words, 2), `${middle}:`);
    this.add(access(), ...this.operations(random.pick([words, wides]), 2), `addi t2, t2, ${stride()}`, access());
    if (random.below(2) === 0) this.add(`addi t6, t6, ${stride()}`, access());
    if (random.below(4) === 0) this.add(`beq ${this.value()}, ${this.value()}, ${out}`);
    this.add('addi t0, t0, -1', `bnez t0, ${head}`, `${out}:`);
  }

  /** A loop that goes on into a page where there is nothing; whoever runs it skips what faults. */
  private faults(): void {
    const head = this.label();
    this.add('andi t2, s1, 127', 'slli t2, t2, 3', 'sub t2, s3, t2', 'andi t0, s1, 31', 'addi t0, t0, 9', `${head}:`);
    this.add(`${this.random.pick(['ld', 'lbu'])} ${this.value()}, 0(t2)`, ...this.operations(words, 2));
    this.add('addi t2, t2, 8', 'addi t0, t0, -1', `bnez t0, ${head}`);
  }

  private call(): void {
    const [name, head] = [this.label(), this.label()];
    this.functions.push(`${name}:`, ...this.operations(words, 4), 'ret');
    this.add('li t0, 4', `${head}:`, `call ${name}`, 'addi t0, t0, -1', `bnez t0, ${head}`);
    if (this.random.below(2) === 0) this.add(`call ${name}`);
  }

  private table(): void {
    const [name, end] = [this.label(), this.label()];
    const cases = Array.from({ length: 4 }, () => this.label());
    this.add(
      `andi t1, ${this.value()}, 3`,
      'slli t1, t1, 3',
      `la t2, ${name}`,
      'add t1, t1, t2',
      'ld t1, 0(t1)',
      'jr t1',
    );
    cases.forEach((label, i) => {
      this.add(`${label}:`, ...this.operations(words, 3));
      // Some fall into the next, or jump back for a while.
      if (i === 3 && this.random.below(2) === 0) this.add('andi t1, a0, 7', 'addi a0, a0, 1', `beqz t1, ${cases[1]}`);
      else if (this.random.below(3) > 0) this.add(`j ${end}`);
    });
    this.add(`${end}:`);
    this.tables.push(`${name}:`, ...cases.map((label) => `.dword ${label}`));
  }

  private middle(): void {
    const [first, second] = [this.label(), this.label()];
    this.add(
      'li t0, 9',
      `andi t1, ${this.value()}, 1`,
      `beqz t1, ${second}`,
      `${first}:`,
      ...this.operations(words, 3),
    );
    this.add(`${second}:`, ...this.operations(words, 3), 'addi t0, t0, -1', `bgtz t0, ${first}`);
  }
}

function start(source: string, translator: EngineOptions['translator']): TestHost {
  const host = new TestHost(source, { translator: translator! });
  host.faulting.add(0x80010);
  return host;
}

/** Runs a slice; where it ends at an instruction that faults, that is skipped. */
function run({ engine }: TestHost, slice: number): void {
  if (engine.run(slice) < slice) engine.state.pc += 4n;
}

function state({ state, executed }: TestHost['engine']): unknown {
  return { executed, pc: state.pc, x: Array.from({ length: 32 }, (_, i) => state.x(i)) };
}

describe('random programs of certain shapes', () => {
  for (let part = 0; part < 6; part++) {
    it(`do and count the same when they are translated (${part + 1})`, () => {
      for (let seed = part + 1; seed <= PROGRAMS; seed += 6) {
        const random = new Random(seed);
        const source = new ProgramWriter(random).write();
        const [interpreted, translated] = [start(source, 'off'), start(source, random.pick(ways))];
        while (interpreted.engine.executed < INSTRUCTIONS) {
          const slice = 1 + random.below(2 ** (1 + random.below(11)));
          run(translated, slice);
          run(interpreted, slice);
          assert.deepEqual(state(translated.engine), state(interpreted.engine), `seed ${seed}:\n${source}`);
        }
        const bytes = ({ engine }: TestHost) => engine.memory.bytes(DRAM_BASE, 0x10000);
        assert.ok(Buffer.from(bytes(translated)).equals(bytes(interpreted)), `the same memory, seed ${seed}`);
      }
    });
  }
});
