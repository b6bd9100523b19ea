/** Shows where our side spends its time: a run under the profiler of Node.js, summed up by function. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BenchError } from './errors';
import type { Technique } from '../src/engine/techniques';
import type { Task } from './sides';
import { ourArguments } from './sides';

/** Where the profile stays: a tool such as Chrome's DevTools opens it. */
const PROFILE = 'bench.cpuprofile';
const MOST_FUNCTIONS = 25;

interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

/** @throws BenchError when the program fails */
export function profile(
  task: Task,
  without: readonly Technique[],
  folder: string,
  print: (line: string) => void,
): void {
  if (task.until) throw new BenchError('What ends at its first output cannot be profiled; name a program of ours.');
  const profiler = ['--cpu-prof', '--cpu-prof-dir=.', `--cpu-prof-name=${PROFILE}`];
  const args = [...profiler, ...ourArguments(task, without, join(folder, 'stats.json'))];
  const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new BenchError(`The program ended with exit code ${status}.`);
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(PROFILE, 'utf8')) as CpuProfile;
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  let total = 0;
  for (const [i, id] of samples.entries()) {
    const name = names.get(id) ?? '?';
    times.set(name, (times.get(name) ?? 0) + timeDeltas[i]);
    total += timeDeltas[i];
  }
  print(`${(total / 1e6).toFixed(2)} s; time in each function itself:`);
  const sorted = [...times].sort(([, a], [, b]) => b - a).slice(0, MOST_FUNCTIONS);
  for (const [name, time] of sorted) print(`${((100 * time) / total).toFixed(1).padStart(5)} %  ${name}`);
  print(`The whole profile is in ${PROFILE}.`);
}

function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  const name = functionName || '(anonymous)';
  return url ? `${name} ${url.split('/').pop()}:${lineNumber + 1}` : name;
}
