/**
 * `npm run fuzz:devices -- [--seconds N] [--seed S] [--device NAME] [--jobs J]`: random accesses, drivers, guests at every device, N
 * seconds (60) each, in J processes (2). Exit status 0: all survived; 1: one did not, with the seed that shows it; 2: wrong usage.
 */
import { spawn } from 'node:child_process';
import { fuzzDriver, VIRTIO_KINDS } from './drivers';
import { fuzzGateway } from './gateway';
import { fuzzRegisters, REGISTER_DEVICES } from './registers';

type Fuzz = (seed: number) => Promise<void> | void;

/** One seed takes some tenths of a second. */
const DEVICES = new Map<string, Fuzz>([
  ...REGISTER_DEVICES.map((name): [string, Fuzz] => [name, (seed) => fuzzRegisters(name, seed, 20_000)]),
  ...VIRTIO_KINDS.map((kind): [string, Fuzz] => [kind, (seed) => fuzzDriver(kind, seed % 2 === 0, seed, 3000)]),
  ['gateway', (seed) => fuzzGateway(seed, 3000)],
]);

/** Beyond the time that a process should take, it hangs. */
const GRACE_SECONDS = 60;
const USAGE = 'npm run fuzz:devices -- [--seconds N] [--seed S] [--device NAME[,NAME]] [--jobs J]';

interface Wishes {
  readonly seconds: number;
  readonly seed: number;
  readonly devices: readonly string[];
  readonly jobs: number;
  /** Fuzz in this process: how the command calls itself. */
  readonly here: boolean;
}

function readOptions(args: readonly string[]): Wishes | string {
  const given = new Map<string, string>();
  for (let i = 0; i < args.length; i += 2) {
    const name = args[i].replace(/^--/, '');
    if (!['seconds', 'seed', 'device', 'jobs', 'here'].includes(name) || args[i + 1] === undefined)
      return `usage: ${USAGE}`;
    given.set(name, args[i + 1]);
  }
  const devices = given.get('device')?.split(',') ?? [...DEVICES.keys()];
  const unknown = devices.find((name) => !DEVICES.has(name));
  if (unknown !== undefined) return `"${unknown}" is no device; there are ${[...DEVICES.keys()].join(', ')}.`;
  const seconds = Number(given.get('seconds') ?? 60);
  const seed = Number(given.get('seed') ?? Date.now() % 1_000_000);
  const jobs = Number(given.get('jobs') ?? 2);
  if (!(seconds > 0) || !Number.isInteger(seed) || !(jobs >= 1)) return `usage: ${USAGE}`;
  return { seconds, seed, devices, jobs, here: given.has('here') };
}

async function fuzzHere({ seconds, seed: first, devices }: Wishes): Promise<number> {
  for (const name of devices) {
    const end = performance.now() + seconds * 1000;
    let seed = first;
    for (; performance.now() < end; seed++) {
      try {
        await DEVICES.get(name)?.(seed);
      } catch (error) {
        console.log(`${name} does not survive seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`);
        console.log(`Again: npm run fuzz:devices -- --device ${name} --seed ${seed} --seconds 1`);
        return 1;
      }
    }
    console.log(`${name}: survived ${seed - first} seeds from ${first} on.`);
  }
  return 0;
}

/** Runs the command for some of the devices in a process of its own, which is ended when it hangs. */
function fuzzApart({ seconds, seed }: Wishes, devices: readonly string[]): Promise<number> {
  const args = ['--here', 'yes', '--seconds', `${seconds}`, '--seed', `${seed}`, '--device', devices.join(',')];
  const child = spawn(process.execPath, ['--import', 'tsx', __filename, ...args], { stdio: 'inherit' });
  const limit = seconds * devices.length + GRACE_SECONDS;
  const timer = setTimeout(() => {
    console.log(`One of ${devices.join(', ')} hangs, from seed ${seed} on.`);
    child.kill('SIGKILL');
  }, limit * 1000);
  return new Promise((resolve) => {
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve(code ?? 1);
    });
  });
}

async function main(args: readonly string[]): Promise<number> {
  const wishes = readOptions(args);
  if (typeof wishes === 'string') {
    console.log(`fuzz:devices: ${wishes}`);
    return 2;
  }
  if (wishes.here) return fuzzHere(wishes);
  const { devices, jobs } = wishes;
  const shares = Array.from({ length: Math.min(jobs, devices.length) }, (_, job) =>
    devices.filter((_name, index) => index % jobs === job),
  );
  return Math.max(...(await Promise.all(shares.map((share) => fuzzApart(wishes, share)))));
}

void main(process.argv.slice(2)).then((status) => (process.exitCode = status));
