/** The machines that are compared: ours and QEMU, each a process that runs an image and prints its result. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Technique } from '../src/engine/techniques';
import { BenchError } from './errors';

const QEMU = 'qemu-system-riscv64';
const OUR_COMMAND = join(__dirname, '..', 'dist', 'cli.js');
/** RAM of both machines. */
const MEMORY = '256M';
/** So that each run of ours is the same. */
const RTC_START = '2024-01-01T00:00:00Z';
/** Seconds after which a run counts as hanging. */
const MOST_SECONDS = 120;

/**
 * What a machine is to run: a program of ours in M-mode, a kernel in S-mode over firmware until it prints this, or Linux until it
 * powers off.
 */
export interface Task {
  readonly image: string;
  readonly until?: RegExp;
  readonly linux?: { readonly initrd: string; readonly commandLine: string };
  /** Time is the wall's in our machine, too; else it is virtual. */
  readonly realTime?: boolean;
}

/** One run of a process, from its start to its exit, or to the output that was waited for. */
export interface Run {
  readonly seconds: number;
  readonly output: string;
  /** User and system time of all its threads; absent when it did not run to its end. */
  readonly processorSeconds?: number;
  /** Ours only: what the machine itself counted. */
  readonly inner?: { readonly instructions: number; readonly seconds: number };
}

export interface Side {
  readonly name: string;
  run(task: Task): Promise<Run>;
}

/** @throws BenchError when QEMU is missing */
export function qemuVersion(): string {
  const { error, stdout } = spawnSync(QEMU, ['--version'], { encoding: 'utf8' });
  if (error) throw new BenchError(`${QEMU} is missing; run scripts/install-debian-packages.sh to install it.`);
  return /version (\S+)/.exec(stdout)?.[1] ?? 'of unknown version';
}

export const qemu: Side = {
  name: 'QEMU',
  async run({ image, until, linux }) {
    const program = until || linux ? ['-bios', 'default', '-kernel', image] : ['-bios', image];
    const boot = linux ? ['-initrd', linux.initrd, '-append', linux.commandLine] : [];
    const console = ['-display', 'none', '-monitor', 'none', '-serial', 'stdio'];
    const run = await measure(QEMU, ['-machine', 'virt', '-m', MEMORY, ...program, ...boot, ...console], until);
    // What Linux prints is compared in the tests of guests: times are in it.
    return linux ? { ...run, output: '' } : run;
  },
};

/** The arguments for Node.js that run a task on our machine. */
export function ourArguments(
  { image, until, linux, realTime }: Task,
  without: readonly Technique[],
  stats: string,
): string[] {
  if (!existsSync(OUR_COMMAND)) throw new BenchError('dist/cli.js is missing; run npm run build to make it.');
  const mode = until || linux ? ['--bare'] : ['--bare', '--machine-mode'];
  const boot = linux ? ['--initrd', linux.initrd, '--append', linux.commandLine, '--rtc', RTC_START] : [];
  const techniques = without.length > 0 ? ['--engine-without', without.join(',')] : [];
  const clock = realTime ? ['--clock', 'realtime'] : [];
  const machine = ['--guest-memory', MEMORY, ...clock, ...techniques];
  return [OUR_COMMAND, 'run', ...mode, ...machine, '--stats', stats, ...boot, image];
}

/**
 * @param without techniques that the engine does without
 * @param folder for temporary files
 */
export function ours(without: readonly Technique[], folder: string): Side {
  const stats = join(folder, 'stats.json');
  return {
    name: without.length === 0 ? 'ours' : `ours without ${without.join(', ')}`,
    async run(task) {
      const run = await measure(process.execPath, ourArguments(task, without, stats), task.until);
      if (task.until) return run;
      const { instructions, seconds } = JSON.parse(readFileSync(stats, 'utf8')) as Required<Run>['inner'];
      return { ...run, ...(task.linux && { output: '' }), inner: { instructions, seconds } };
    },
  };
}

/** Runs a command and then writes the processor time of it and its children to descriptor 3, as POSIX shells do. */
const WITH_TIMES = '"$@"; status=$?; times >&3; exit $status';

/** Without the certificates that some computers have Node.js read at each start, which takes longer than all the rest of it. */
const ENVIRONMENT = { ...process.env, NODE_EXTRA_CA_CERTS: undefined };

/** Times a process by the clock on the wall. @throws BenchError when it fails, hangs, or ends without the output */
function measure(command: string, args: readonly string[], until: RegExp | undefined): Promise<Run> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    let output = '';
    let times = '';
    let reached: number | undefined;
    // A group of its own: what the shell has started ends with it.
    const child = spawn('sh', ['-c', WITH_TIMES, 'sh', command, ...args], {
      stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
      detached: true,
      env: ENVIRONMENT,
    });
    const stop = () => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    const timer = setTimeout(stop, MOST_SECONDS * 1000);
    const [, stdout, , descriptor3] = child.stdio;
    stdout?.on('data', (bytes: Buffer) => {
      output += bytes.toString('latin1');
      if (reached === undefined && until?.test(output)) {
        reached = performance.now();
        stop();
      }
    });
    descriptor3?.on('data', (bytes: Buffer) => (times += bytes.toString()));
    child.on('error', (error) => reject(new BenchError(`${command} cannot be started: ${error.message}`)));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const seconds = ((reached ?? performance.now()) - start) / 1000;
      if (reached !== undefined) return resolve({ seconds, output: '' });
      if (code === 0 && !until) return resolve({ seconds, output, processorSeconds: processorSeconds(times) });
      const end = signal === null ? `ended with exit code ${code}` : `was stopped after ${MOST_SECONDS} seconds`;
      reject(new BenchError(`${[command, ...args].join(' ')}\n${end}, and had printed:\n${output}`));
    });
  });
}

/** Of what `times` writes, the second line: user and system time of the children, such as `0m1.23s 0m0.04s`. */
function processorSeconds(times: string): number {
  const fields = times.trim().split('\n')[1]?.split(' ') ?? [];
  return fields.reduce((sum, field) => {
    const [minutes, seconds] = field.split('m').map(parseFloat);
    return sum + 60 * minutes + seconds;
  }, 0);
}
