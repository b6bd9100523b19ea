/** Compares images of random programs, and shrinks what differs. */
import type { Program } from './program';
import { image, randomProgram } from './program';
import { differences, listing } from './report';
import type { QemuRunner } from './run';
import { runHere } from './run';
import { shrink } from './shrink';
import type { Unit } from './unit';

const PROGRAMS = 100;
/** Instructions of one program, with preparation and what it prints, beyond which it counts as endless. */
const MOST_PER_PROGRAM = 400_000;
const MOST_VERBOSE = 4_000_000;
const QEMU_SECONDS = 30;
const QEMU_SECONDS_SHRINKING = 5;

/** The line that each program printed about its end. */
const results = (output: string): string[] => output.split('\n').filter((line) => line.startsWith('P'));

export class Fuzzer {
  programs = 0;
  instructions = 0;

  constructor(
    private readonly qemu: QemuRunner,
    private readonly print: (line: string) => void,
  ) {}

  /** One image of programs. @returns whether they did the same on both */
  compare(seed: number, round: number): boolean {
    const made = Array.from({ length: PROGRAMS }, (_, i) =>
      randomProgram((seed * 1_000_003 + round * PROGRAMS + i) >>> 0),
    );
    const programs = this.withoutEndless(made);
    const binary = image(programs);
    const ours = runHere(binary, MOST_PER_PROGRAM * programs.length);
    const theirs = this.qemu.run(binary, QEMU_SECONDS);
    const [here, there] = [results(ours.output), results(theirs.output)];
    const different = programs.findIndex((_, i) => here[i] !== there[i]);
    if (different >= 0) {
      this.report(programs[different]);
      return false;
    }
    const sliced = runHere(binary, MOST_PER_PROGRAM * programs.length, seed + round);
    if (sliced.output !== ours.output || sliced.instructions !== ours.instructions) {
      const at = results(sliced.output).findIndex((line, i) => line !== here[i]);
      this.print(`In slices of random lengths (round ${round}) our machine does something else:`);
      this.print(listing(programs[Math.max(0, at)]));
      return false;
    }
    this.programs += programs.length;
    this.instructions += ours.instructions;
    return true;
  }

  /** Without those programs that do not end: neither machine could go on behind them. */
  private withoutEndless(made: readonly Program[]): readonly Program[] {
    let programs = made;
    for (;;) {
      const { output, ended } = runHere(image(programs), MOST_PER_PROGRAM * programs.length);
      if (ended) return programs;
      const stuck = results(output).length;
      if (stuck >= programs.length) throw new Error('the machine does not end after the programs');
      programs = programs.filter((_, i) => i !== stuck);
    }
  }

  private differs(program: Program): boolean {
    let binary: Uint8Array;
    try {
      binary = image([program]);
    } catch {
      return false; // a label went missing
    }
    const ours = runHere(binary, MOST_PER_PROGRAM);
    if (!ours.ended) return false;
    const theirs = this.qemu.run(binary, QEMU_SECONDS_SHRINKING);
    return results(ours.output)[0] !== results(theirs.output)[0];
  }

  private report(program: Program): void {
    this.print(`Program ${program.seed} differs${this.differs(program) ? '; shrinking it' : ', but not on its own'}`);
    const small = this.shrunk(program);
    const binary = image([small], true);
    const [ours, theirs] = [runHere(binary, MOST_VERBOSE), this.qemu.run(binary, QEMU_SECONDS_SHRINKING)];
    this.print(listing(small));
    this.print(differences(ours.output, theirs.output));
    this.print(`To see it again: npm run fuzz -- --program ${program.seed}`);
  }

  private shrunk(program: Program): Program {
    const withUnits = (units: readonly Unit[]): Program => ({ ...program, units });
    const current = withUnits(shrink(program.units, (some) => this.differs(withUnits(some))));
    const zeros = current.registers.map((_, x) => x).filter((x) => current.registers[x] !== 0n);
    const kept = shrink(zeros, (some) => this.differs(withRegisters(current, some)), 60);
    return withRegisters(current, kept);
  }

  /** Compares one program. @returns whether it does the same on both */
  compareOne(seed: number): boolean {
    const program = randomProgram(seed);
    if (!this.differs(program)) return true;
    this.report(program);
    return false;
  }
}

/** The program with only these registers set. */
function withRegisters(program: Program, kept: readonly number[]): Program {
  return { ...program, registers: program.registers.map((value, x) => (kept.includes(x) ? value : 0n)) };
}
