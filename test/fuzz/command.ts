/**
 * `npm run fuzz -- --seconds N --seed S [--most P] [--engine ENGINE]`: random programs on our machine, by
 * its interpreter, its translator, both, its translator in the background, or all of them, and in QEMU, until the time is over, P programs are compared or they differ; or `--program S`: that one program alone. Exit
 * status 0: all alike; 1: a difference, which is shrunk and printed; 2: wrong usage. The last line counts what was compared.
 */
import { findTool } from '../support/tools';
import { LateTranslation } from '../support/late-translation';
import { Random } from '../support/random';
import { Fuzzer } from './fuzzer';
import type { Engine } from './run';
import { machineEngine, QemuRunner } from './run';

const interpreter = machineEngine('interpreter', { translator: 'off' });
/** Translates nearly everything, after very few executions. */
const translator = machineEngine('translator', { translator: 'eager' });

/** The same, beside the thread that runs the machine: translations come late, or never. Always in slices: they come in between. */
const background: Engine = {
  name: 'background translator',
  run: (binary, limits) => {
    const [service, random] = [new LateTranslation(), new Random(binary.length)];
    const options = { translator: 'eager', translation: service } as const;
    return machineEngine('background translator', options, () => service.something(random)).run(binary, {
      slices: 1,
      ...limits,
    });
  },
};

/** What --engine names. */
const engines: Readonly<Record<string, readonly Engine[]>> = {
  interpreter: [interpreter],
  translator: [translator],
  both: [interpreter, translator],
  background: [background],
  all: [interpreter, translator, background],
};

const OPTIONS = ['seconds', 'seed', 'most', 'engine', 'program', 'padding'];
const USAGE =
  'npm run fuzz -- --seconds N --seed S [--most P] [--engine interpreter|translator|both|background|all] [--program S [--padding N]]';

interface Wishes {
  readonly seconds: number;
  readonly seed: number;
  /** Programs to compare at most. */
  readonly most: number;
  readonly program: number | undefined;
  readonly padding: number;
  readonly engines: readonly Engine[];
}

/** Wrong usage, in a sentence. */
class UsageError extends Error {}

function readOptions(args: readonly string[]): Wishes {
  const given = new Map<string, string>([['seconds', '60']]);
  for (let i = 0; i < args.length; i += 2) {
    const name = args[i].replace(/^--/, '');
    if (!OPTIONS.includes(name) || args[i + 1] === undefined) throw new UsageError(`usage: ${USAGE}`);
    given.set(name, args[i + 1]);
  }
  const number = (name: string, least: number): number => {
    const value = Number(given.get(name));
    if (Number.isFinite(value) && value >= least) return value;
    throw new UsageError(`--${name} ${given.get(name)} is not a number from ${least} on.`);
  };
  const engine = given.get('engine') ?? 'both';
  if (!Object.hasOwn(engines, engine))
    throw new UsageError(`--engine ${engine} is unknown; there are ${Object.keys(engines).join(', ')}.`);
  return {
    seconds: number('seconds', 1),
    seed: given.has('seed') ? number('seed', 0) : Date.now() % 1_000_000,
    most: given.has('most') ? number('most', 1) : Infinity,
    program: given.has('program') ? number('program', 0) : undefined,
    padding: given.has('padding') ? number('padding', 0) : 0,
    engines: engines[engine],
  };
}

/** @param mine instead of the machine's own engines: for tests @returns the exit status */
export function fuzz(args: readonly string[], print: (line: string) => void, mine?: readonly Engine[]): number {
  let wishes: Wishes;
  try {
    wishes = readOptions(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    print(`fuzz: ${error.message}`);
    return 2;
  }
  const executable = findTool('qemu-system-riscv64');
  if (executable === undefined) {
    print('fuzz: qemu-system-riscv64 is missing: install qemu-system-misc.');
    return 2;
  }
  const qemu = new QemuRunner(executable);
  try {
    const fuzzer = new Fuzzer(mine ?? wishes.engines, qemu, print);
    const alike =
      wishes.program === undefined ? rounds(fuzzer, wishes, print) : fuzzer.compareOne(wishes.program, wishes.padding);
    print(`${fuzzer.programs} programs with ${fuzzer.instructions} instructions compared`);
    return alike ? 0 : 1;
  } finally {
    qemu.close();
  }
}

function rounds(fuzzer: Fuzzer, { seconds, seed, most }: Wishes, print: (line: string) => void): boolean {
  print(`seed ${seed}`);
  const end = Date.now() + seconds * 1000;
  for (let round = 0; Date.now() < end && fuzzer.programs < most; round++) {
    if (!fuzzer.compare(seed, round)) return false;
  }
  return true;
}
