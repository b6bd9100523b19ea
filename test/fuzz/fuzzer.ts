/** Compares images of random programs, and shrinks what differs. */
import { image } from './harness/image';
import type { Program } from './program';
import { randomProgram } from './program';
import { differences, differingParts, listing, results } from './report';
import type { Engine, QemuRunner, RunHere } from './run';
import { shrink } from './shrink';
import { firstSeed, PROGRAMS, switchesFor } from './traits';
import type { Unit } from './unit';

/** Instructions of one program, with preparation and what it prints, beyond which it counts as endless. */
const MOST_PER_PROGRAM = 400_000;
const MOST_VERBOSE = 4_000_000;
const QEMU_SECONDS = 60;
const QEMU_SECONDS_SHRINKING = 10;
/** Attempts to leave out lines of a unit, and registers. */
const MOST_TRIES = 60;

export class Fuzzer {
  programs = 0;
  /** Those of the programs and of the handlers of their traps, without what prepares the machine and prints the state. */
  instructions = 0;
  /** Instructions that the harness takes for the first program and for each further one, with Sstc and without. */
  private readonly overheads = new Map<string, { readonly first: number; readonly next: number }>();

  /** @param engines compared with each other and with QEMU */
  constructor(
    private readonly engines: readonly Engine[],
    private readonly qemu: QemuRunner,
    private readonly print: (line: string) => void,
  ) {}

  /** One image of programs. @returns whether they did the same everywhere */
  compare(seed: number, round: number): boolean {
    const first = firstSeed(seed, round);
    const made = Array.from({ length: PROGRAMS }, (_, i) => randomProgram(first + i));
    const { programs, binary, run } = this.withoutEndless(made);
    const limits = { extensions: switchesFor(first), instructions: MOST_PER_PROGRAM * programs.length };
    const others = this.engines.slice(1).map((engine) => engine.run(binary, limits));
    const theirs = this.qemu.run(binary, limits.extensions, QEMU_SECONDS);
    const here = results(run.output);
    const there = [...others, theirs].map(({ output }) => results(output));
    const different = programs.findIndex(
      (_, i) => here.get(i) === undefined || there.some((lines) => lines.get(i) !== here.get(i)),
    );
    if (different >= 0) {
      this.report(this.byItself(programs, different));
      return false;
    }
    const sliced = this.engines[round % this.engines.length].run(binary, { ...limits, slices: seed + round });
    for (const other of [sliced, ...others]) {
      if (other.output !== run.output || other.instructions !== run.instructions) {
        this.reportSlices(programs, run, other);
        return false;
      }
    }
    this.programs += programs.length;
    this.instructions += run.instructions - this.overhead(programs[0], programs.length);
    return true;
  }

  /** Without those programs that do not end: neither machine could go on behind them. */
  private withoutEndless(made: readonly Program[]): { programs: readonly Program[]; binary: Uint8Array; run: RunHere } {
    const extensions = switchesFor(made[0].seed);
    let programs = made;
    for (;;) {
      const binary = image(programs);
      const run = this.engines[0].run(binary, { extensions, instructions: MOST_PER_PROGRAM * programs.length });
      if (run.ended) return { programs, binary, run };
      const lines = results(run.output);
      const stuck = programs.findIndex((_, i) => !lines.has(i));
      if (stuck < 0) throw new Error('the machine does not end after the programs');
      programs = programs.filter((_, i) => i !== stuck);
    }
  }

  /** Instructions that the harness takes for so many programs like this one. */
  private overhead(like: Program, count: number): number {
    const key = String(like.traits.extensions.has('Sstc'));
    let cost = this.overheads.get(key);
    if (!cost) {
      const empty = { ...like, units: [], rounds: 1 };
      const limits = { extensions: switchesFor(like.seed), instructions: 3 * MOST_PER_PROGRAM };
      const of = (some: readonly Program[]): number => this.engines[0].run(image(some), limits).instructions;
      const first = of([empty]);
      cost = { first, next: of([empty, empty]) - first };
      this.overheads.set(key, cost);
    }
    return cost.first + cost.next * (count - 1);
  }

  /** Which parts of the state differ; empty: none. */
  private differing(program: Program): string {
    let binary: Uint8Array;
    try {
      binary = image([program]);
    } catch {
      return ''; // a label went missing
    }
    const limits = { extensions: switchesFor(program.seed), instructions: MOST_PER_PROGRAM };
    const [ours, ...others] = this.engines.map((engine) => engine.run(binary, limits));
    if (!ours.ended) return '';
    const theirs = this.qemu.run(binary, limits.extensions, QEMU_SECONDS_SHRINKING);
    return differingParts([ours, ...others, theirs].map(({ output }) => output)).join(', ');
  }

  /** The program at this index, with which it still differs without the others: if need be at the same place. */
  private byItself(programs: readonly Program[], index: number): Program {
    const program = programs[index];
    if (this.differing(program)) return program;
    const padding = image(programs.slice(0, index + 1)).length - image([program]).length;
    return { ...program, padding };
  }

  private report(program: Program): void {
    const parts = this.differing(program);
    this.print(`Program ${program.seed} differs${parts ? `: ${parts}; shrinking it` : ', but not on its own'}`);
    const small = parts ? this.shrunk(program, parts) : program;
    const binary = image([small], true);
    const limits = { extensions: switchesFor(program.seed), instructions: MOST_VERBOSE };
    const outputs = new Map(this.engines.map(({ name, run }) => [name, run(binary, limits).output]));
    const theirs = this.qemu.run(binary, limits.extensions, QEMU_SECONDS_SHRINKING);
    outputs.set('QEMU', theirs.output);
    this.print(listing(small));
    if (theirs.died !== undefined) this.print(`QEMU itself ended by ${theirs.died}`);
    this.print(differences(small, outputs));
    const place = program.padding ? ` --padding ${program.padding}` : '';
    this.print(`To see it again: npm run fuzz -- --program ${program.seed}${place}`);
  }

  private reportSlices(programs: readonly Program[], run: RunHere, other: RunHere): void {
    const [whole, sliced] = [results(run.output), results(other.output)];
    const at = programs.findIndex((_, i) => whole.get(i) !== sliced.get(i));
    this.print(
      `Our machine does something else in slices of random lengths, or counts ${other.instructions} instead of`,
    );
    this.print(`${run.instructions} instructions (image of program ${programs[0].seed})`);
    if (at >= 0) this.print(listing(programs[at]));
  }

  /** The program with as little as the same parts of the state need to differ. */
  private shrunk(whole: Program, parts: string): Program {
    const differs = (candidate: Program): boolean => this.differing(candidate) === parts;
    const program = [1, 2].map((rounds) => ({ ...whole, rounds })).find(differs) ?? whole;
    let { units } = program;
    units = shrink(units, (some) => differs({ ...program, units: some }));
    for (let i = 0; i < units.length; i++) {
      const replaced = (unit: Unit): readonly Unit[] => units.map((old, k) => (k === i ? unit : old));
      const tried = (lines: Unit): boolean => differs({ ...program, units: replaced(lines) });
      units = replaced(shrink(units[i], tried, MOST_TRIES));
    }
    const current = { ...program, units };
    const set = current.registers.map((_, i) => i).filter((i) => current.registers[i] !== 0n);
    return withRegisters(
      current,
      shrink(set, (some) => differs(withRegisters(current, some)), MOST_TRIES),
    );
  }

  /** Compares one program, after so many free bytes. @returns whether it does the same everywhere */
  compareOne(seed: number, padding: number): boolean {
    const program = { ...randomProgram(seed), padding };
    if (this.differing(program)) {
      this.report(program);
      return false;
    }
    this.programs++;
    this.instructions += this.engines[0].run(image([program]), {
      extensions: switchesFor(seed),
      instructions: MOST_PER_PROGRAM,
    }).instructions;
    this.instructions -= this.overhead(program, 1);
    return true;
  }
}

/** The program with only these registers set. */
function withRegisters(program: Program, kept: readonly number[]): Program {
  return { ...program, registers: program.registers.map((value, i) => (kept.includes(i) ? value : 0n)) };
}
