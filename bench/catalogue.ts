/** What is measured: groups and their programs, with how much work each does. */

/** A program of ours, run bare from M-mode on; both machines get the same image. */
export interface Program {
  readonly name: string;
  /** Below `programs/`; a `.ts` file writes the assembly that is the program. */
  readonly source: string;
  /** How often it does its work: some two seconds in QEMU 7.2. */
  readonly rounds: number;
  /** As few rounds as still do everything once: for tests. */
  readonly testRounds: number;
  /** Options for the compiler. */
  readonly options?: readonly string[];
}

/** A kernel that is there already, measured until it prints something. */
export interface Kernel {
  readonly name: string;
  /** Below the repository. */
  readonly kernel: string;
  readonly firstOutput: RegExp;
}

export interface Group {
  readonly name: string;
  /** What its geometric mean is to reach. */
  readonly target: number;
  readonly programs: readonly (Program | Kernel)[];
}

/** A program in `GROUP/NAME.c`. */
function program(group: string, name: string, rounds: number, testRounds: number): Program {
  return { name, source: `${group}/${name}.c`, rounds, testRounds };
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
      program('integer', 'sha256', 5000, 2),
      program('integer', 'bytecode', 570, 2),
    ],
  },
];
