/** What is measured: groups and their programs, with how much work each does. */

import { manyFunctions } from './programs/cold/functions';

/** A program of ours, run bare from M-mode on; both machines get the same image. */
export interface Program {
  readonly name: string;
  /** Below `programs/`; or what writes the program in assembly for a number of rounds. */
  readonly source: string | ((rounds: number) => string);
  /** How often it does its work: some two seconds in QEMU 7.2. */
  readonly rounds: number;
  /** As few rounds as still do everything once: for tests. */
  readonly testRounds: number;
  /** Options for the compiler. */
  readonly options?: readonly string[];
  /** Our machine's clock is to follow the one on the wall, as QEMU's does. */
  readonly realTime?: boolean;
}

/** A kernel that is there already, measured until it prints something. */
export interface Kernel {
  readonly name: string;
  /** Below the repository. */
  readonly kernel: string;
  readonly firstOutput: RegExp;
}

/** Debian's Linux, measured from its start to its end: it powers off as soon as it has a user space. */
export interface LinuxBoot {
  readonly name: string;
  /** The kernel's command line. */
  readonly commandLine: string;
}

export interface Group {
  readonly name: string;
  /** What its geometric mean is to reach. */
  readonly target: number;
  readonly programs: readonly (Program | Kernel | LinuxBoot)[];
}

const SINGLE = ['-DREAL=float', '-DNAME="single"', '-fsingle-precision-constant'];
const DOUBLE = ['-DREAL=double', '-DNAME="double"'];

/** A program in `GROUP/NAME.c`. */
function program(group: string, name: string, rounds: number, testRounds: number): Program {
  return { name, source: `${group}/${name}.c`, rounds, testRounds };
}

/** The same source with both widths of floating-point numbers. */
function singleAndDouble(name: string, rounds: { readonly single: number; readonly double: number }): Program[] {
  const source = `float/${name}.c`;
  return [
    { name: `${name}-single`, source, rounds: rounds.single, testRounds: 1, options: SINGLE },
    { name: `${name}-double`, source, rounds: rounds.double, testRounds: 1, options: DOUBLE },
  ];
}

export const groups: readonly Group[] = [
  {
    name: 'integer',
    target: 1.5,
    programs: [
      program('integer', 'sieve', 2700, 2),
      program('integer', 'matrix', 1200, 2),
      program('integer', 'list', 330, 1),
      program('integer', 'crc', 500, 1),
      program('integer', 'quicksort', 330, 1),
      program('integer', 'state-machine', 2100, 3),
      program('integer', 'calls', 870, 3),
      program('integer', 'records', 7500, 3),
      program('integer', 'sha256', 11500, 2),
      program('integer', 'bytecode', 570, 2),
    ],
  },
  {
    name: 'float',
    target: 1.5,
    programs: [
      ...singleAndDouble('nbody', { single: 350, double: 500 }),
      ...singleAndDouble('fft', { single: 1200, double: 2200 }),
      ...singleAndDouble('matrix', { single: 300, double: 600 }),
      ...singleAndDouble('mandelbrot', { single: 60, double: 140 }),
    ],
  },
  {
    name: 'memory',
    target: 1,
    programs: [
      program('memory', 'copy', 500, 1),
      program('memory', 'set', 1200, 1),
      program('memory', 'chase', 25, 1),
      program('memory', 'page-stride', 500, 1),
    ],
  },
  {
    name: 'system',
    target: 1,
    programs: [
      program('system', 'page-faults', 350, 1),
      program('system', 'system-calls', 1100, 1),
      program('system', 'switches', 35000, 20),
      { ...program('system', 'timer', 18000, 10), realTime: true },
    ],
  },
  {
    name: 'cold',
    target: 1,
    programs: [
      { name: 'functions', source: manyFunctions, rounds: 100_000, testRounds: 500 },
      { name: 'sample-kernel', kernel: 'samples/teaching-kernel/kernel.elf', firstOutput: /Teaching kernel/ },
    ],
  },
  {
    name: 'linux',
    // At most 0.8 of the time that QEMU needs.
    target: 1.25,
    programs: [{ name: 'boot', commandLine: 'earlycon=uart8250,mmio,0x10000000 console=ttyS0' }],
  },
];
