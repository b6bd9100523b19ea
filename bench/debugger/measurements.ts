/** What debugging costs, measured on our side alone: runs with and without something set, in turn, in this process. */
import { readFileSync } from 'node:fs';
import { Machine } from '../../src/machine/machine';
import { readProgram } from '../../src/debugger/program';
import type { Program } from '../catalogue';
import type { Figure } from '../comparison';
import { figure } from '../comparison';
import { BenchError } from '../errors';
import { roundsOf, taskOf } from '../image';
import type { Setting } from '../report';
import { stopwatch } from '../stopwatch';
import { addressesOf, timeSession } from './timed-session';

/** The name of the group, for the command line. */
export const DEBUGGER_GROUP = 'debugger';

export interface DebuggerFigures {
  readonly name: string;
  /** What the figure says. */
  readonly meaning: string;
  readonly value: Figure;
  readonly target: number;
}

export interface Measurement {
  readonly name: string;
  readonly meaning: string;
  readonly target: number;
  readonly program: Program;
  /** One figure, from new runs of a program that does its work this often. */
  measure(image: string, rounds: number): Promise<number>;
}

const MEMORY_BYTES = 256 << 20;
const BREAKPOINTS = 1000;
/** Instructions between two turns of the event loop: about what a session takes. */
const STRETCH = 10_000_000;

const spots: Program = { name: 'spots', source: 'debugger/spots.c', rounds: 300_000, testRounds: 20 };
const decisions: Program = { name: 'decisions', source: 'debugger/decisions.c', rounds: 100_000, testRounds: 500 };
const writes: Program = { name: 'writes', source: 'memory/set.c', rounds: 1200, testRounds: 1 };

/** All measurements, in the order of the report. */
export const measurements: readonly Measurement[] = [
  {
    name: 'breakpoints',
    meaning: `speed with ${BREAKPOINTS} breakpoints that are never reached / speed without`,
    target: 0.95,
    program: spots,
    async measure(image) {
      const addresses = addressesOf(image, 'never_');
      if (addresses.length !== BREAKPOINTS) throw new BenchError(`${image} has ${addresses.length} spots.`);
      const free = () => timeSession(image, () => undefined);
      const guarded = () =>
        timeSession(image, ({ breakpoints }) => {
          breakpoints.setInstructions(addresses.map((address) => ({ address })));
        });
      return relativeSpeed(guarded, free);
    },
  },
  {
    name: 'conditions',
    meaning: 'decisions per second on a condition that looks at a register',
    target: 100_000,
    program: decisions,
    async measure(image, rounds) {
      const [address] = addressesOf(image, 'decision');
      const seconds = await timeSession(image, ({ breakpoints }) => {
        breakpoints.setInstructions([{ address, condition: '$a0 == -1' }]);
      });
      return rounds / seconds;
    },
  },
  {
    name: 'watched-page',
    meaning: 'speed of writes while another page is watched / speed without',
    target: 0.95,
    program: writes,
    async measure(image) {
      // The root page table: written before the program proper begins, and never again.
      const [page] = addressesOf(image, 'root_table');
      const free = () => timeMachine(image, () => undefined);
      const range = { start: Number(page), length: 8, loads: true, stores: true };
      const watched = () => timeMachine(image, ({ engine }) => engine.watchData([range], () => undefined));
      return relativeSpeed(watched, free);
    },
  },
];

/** @throws BenchError */
export async function measureDebugger(
  wanted: readonly Measurement[],
  { pairs, length, folder, print }: Setting,
): Promise<DebuggerFigures[]> {
  print(`\n${DEBUGGER_GROUP} (ours alone, by processor time)`);
  const found: DebuggerFigures[] = [];
  for (const { name, meaning, target, program, measure } of wanted) {
    const { image } = taskOf(program, folder, length);
    const values: number[] = [];
    for (let i = 0; i < pairs; i++) values.push(await measure(image, roundsOf(program, length)));
    const value = figure(values);
    const [median, least, most, goal] = [value.median, value.least, value.most, target].map(text);
    print(`  ${name.padEnd(18)} ${median} (${least}–${most}), to reach ${goal}: ${meaning}`);
    found.push({ name, meaning, value, target });
  }
  return found;
}

const text = (value: number): string => (value > 1000 ? Math.round(value).toLocaleString('en') : value.toFixed(2));

/** The speed of `one` divided by that of `other`, of two runs each; neither is always the first. */
async function relativeSpeed(one: () => Promise<number>, other: () => Promise<number>): Promise<number> {
  const others = [await other()];
  const ones = [await one(), await one()];
  others.push(await other());
  return (others[0] + others[1]) / (ones[0] + ones[1]);
}

/** Runs a program on a machine without a debugging session. @returns seconds of processor time */
async function timeMachine(image: string, prepare: (machine: Machine) => void): Promise<number> {
  const machine = new Machine({ memoryBytes: MEMORY_BYTES });
  machine.boot({ program: readProgram(readFileSync(image)).boot, mode: 'machine' });
  prepare(machine);
  const seconds = stopwatch();
  for (;;) {
    const result = machine.run(STRETCH);
    if (result.kind === 'power-off') break;
    if (result.kind !== 'limit') throw new BenchError(`${image} did not run to its end: ${result.kind}.`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return seconds();
}
