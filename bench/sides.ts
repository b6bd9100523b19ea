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
/** Seconds after which a run counts as hanging. */
const MOST_SECONDS = 120;

/** What a machine is to run: a program of ours in M-mode, or a kernel in S-mode over firmware until it prints this. */
export interface Task {
  readonly image: string;
  readonly until?: RegExp;
}

/** One run of a process, from its start to its exit, or to the output that was waited for. */
export interface Run {
  readonly seconds: number;
  readonly output: string;
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
  run({ image, until }) {
    const program = until ? ['-bios', 'default', '-kernel', image] : ['-bios', image];
    const console = ['-display', 'none', '-monitor', 'none', '-serial', 'stdio'];
    return measure(QEMU, ['-machine', 'virt', '-m', MEMORY, ...program, ...console], until);
  },
};

/** The arguments for Node.js that run a task on our machine. */
export function ourArguments({ image, until }: Task, without: readonly Technique[], stats: string): string[] {
  if (!existsSync(OUR_COMMAND)) throw new BenchError('dist/cli.js is missing; run npm run build to make it.');
  const mode = until ? ['--bare'] : ['--bare', '--machine-mode'];
  const techniques = without.length > 0 ? ['--engine-without', without.join(',')] : [];
  return [OUR_COMMAND, 'run', ...mode, '--guest-memory', MEMORY, '--stats', stats, ...techniques, image];
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
      return { ...run, inner: { instructions, seconds } };
    },
  };
}

/** Times a process by the clock on the wall. @throws BenchError when it fails, hangs, or ends without the output */
function measure(command: string, args: readonly string[], until: RegExp | undefined): Promise<Run> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    let output = '';
    let reached: number | undefined;
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), MOST_SECONDS * 1000);
    child.stdout.setEncoding('latin1');
    child.stdout.on('data', (text: string) => {
      output += text;
      if (reached === undefined && until?.test(output)) {
        reached = performance.now();
        child.kill('SIGKILL');
      }
    });
    child.on('error', (error) => reject(new BenchError(`${command} cannot be started: ${error.message}`)));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const seconds = ((reached ?? performance.now()) - start) / 1000;
      if (until ? reached !== undefined : code === 0) return resolve({ seconds, output: until ? '' : output });
      const end = signal === null ? `ended with exit code ${code}` : `was stopped after ${MOST_SECONDS} seconds`;
      reject(new BenchError(`${[command, ...args].join(' ')}\n${end}, and had printed:\n${output}`));
    });
  });
}
