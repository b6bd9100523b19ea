/**
 * `npm run fuzz:hypervisor -- --seconds N --seed S [--machines M] [--machine I]`: hostile guests until the time is over, or M
 * machines were tried, or a promise is broken; or machine I of the seed alone. Exit status 0: all promises held; 1: one was
 * broken, which is printed with what repeats it; 2: wrong usage. The last line counts what was tried.
 */
import { Random } from '../../support/random';
import { HostileGuest, randomTraits } from './hostile-guest';
import type { Traits } from './hostile-guest';

const USAGE = 'npm run fuzz:hypervisor -- --seconds N --seed S [--machines M] [--machine I]';
/** Rounds of one machine: each makes the guest's tables, code and state anew. */
const ROUNDS = 150;
/** How often memory around the guest is compared: it takes longer than the rest. */
const THOROUGH = 25;
/** No round needs that long, in milliseconds of processor time. */
const LONGEST_ROUND = 20_000;

interface Wishes {
  readonly seconds: number;
  readonly seed: number;
  readonly machines: number;
  readonly machine: number | undefined;
}

/** Wrong usage, in a sentence. */
class UsageError extends Error {}

function readOptions(args: readonly string[]): Wishes {
  const given = new Map<string, number>();
  for (let i = 0; i < args.length; i += 2) {
    const name = args[i].replace(/^--/, '');
    const number = Number(args[i + 1]);
    if (!['seconds', 'seed', 'machines', 'machine'].includes(name) || !(number >= 0)) {
      throw new UsageError(`usage: ${USAGE}`);
    }
    given.set(name, number);
  }
  return {
    seconds: given.get('seconds') ?? 60,
    seed: given.get('seed') ?? Date.now() % 1_000_000,
    machines: given.get('machines') ?? Infinity,
    machine: given.get('machine'),
  };
}

interface Tried {
  machines: number;
  rounds: number;
  exits: number;
  instructions: number;
  /** Steps of guests beside them. */
  steps: number;
}

/** @returns the exit status */
export function fuzzHypervisor(args: readonly string[], print: (line: string) => void): number {
  let wishes: Wishes;
  try {
    wishes = readOptions(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    print(error.message);
    return 2;
  }
  const { seed, machine } = wishes;
  const tried: Tried = { machines: 0, rounds: 0, exits: 0, instructions: 0, steps: 0 };
  const end = performance.now() + wishes.seconds * 1000;
  const isOver = (): boolean => performance.now() >= end;
  const indices = machine === undefined ? Infinity : machine + 1;
  for (let index = machine ?? 0; index < indices && tried.machines < wishes.machines && !isOver(); index++) {
    const problem = tryMachine(seed, index, tried, machine === undefined ? isOver : () => false);
    if (problem === undefined) continue;
    print(`Seed ${seed}, machine ${index}: ${problem}`);
    print(`Again by: npm run fuzz:hypervisor -- --seed ${seed} --machine ${index}`);
    return 1;
  }
  const count = (value: number): string => value.toLocaleString('en-US');
  print(
    `seed ${seed}: ${count(tried.exits)} VM exits and ${count(tried.instructions)} instructions of hostile guests in ` +
      `${count(tried.rounds)} rounds on ${count(tried.machines)} machines, beside guests that went ${count(tried.steps)} steps; every promise held.`,
  );
  return 0;
}

/** @returns what went wrong, in words */
function tryMachine(seed: number, index: number, tried: Tried, isOver: () => boolean): string | undefined {
  const random = new Random(seed * 0x1_0001 + index);
  const traits = randomTraits(random);
  let hostile: HostileGuest | undefined;
  let round = 0;
  try {
    hostile = new HostileGuest(random, traits);
    for (; round < ROUNDS && !hostile.hasEnded && !isOver(); round++) {
      const start = process.cpuUsage();
      hostile.round(round % THOROUGH === THOROUGH - 1);
      const { user, system } = process.cpuUsage(start);
      if ((user + system) / 1000 > LONGEST_ROUND) throw new Error('The round took more than 20 seconds.');
    }
    hostile.checkAround();
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `round ${round}, ${describe(traits)}:\n${text}`;
  }
  tried.machines++;
  tried.rounds += round;
  tried.exits += hostile.exits;
  tried.steps += hostile.neighbourProgress;
  tried.instructions += hostile.machine.instructions;
  return undefined;
}

function describe({ synchronization, translator, shadowPages, vcpus, harts, extensions, ...switches }: Traits): string {
  const names = [switches, extensions].flatMap((traits) => Object.entries(traits));
  const on = names.flatMap(([name, isOn]) => (isOn === true ? [name] : []));
  return [
    synchronization,
    `translator ${translator}`,
    `${shadowPages} shadow pages`,
    `${vcpus} vCPUs, ${harts} harts, slices of ${switches.timeSlice}`,
    ...on,
  ].join(', ');
}
