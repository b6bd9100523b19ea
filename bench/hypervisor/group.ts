/** The group `hypervisor` of the bench: runs its measurements, each in a process of its own. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import type { Figure } from '../comparison';
import { figure } from '../comparison';
import { BenchError } from '../errors';
import type { Setting } from '../report';
import type { HypervisorMeasurement } from './measurements';

/** The name of the group, for the command line. */
export const HYPERVISOR_GROUP = 'hypervisor';

export interface HypervisorFigures {
  readonly name: string;
  /** What the figure says. */
  readonly meaning: string;
  readonly value: Figure;
  readonly target?: number;
}

/** The part of the work that `--quick` does. */
const QUICK = 0.1;

/** @throws BenchError */
export function measureHypervisor(
  wanted: readonly HypervisorMeasurement[],
  { pairs, length, print }: Setting,
): HypervisorFigures[] {
  // As deep in the repository as what it is made of, which finds other files from there.
  const worker = join(__dirname, '..', '..', 'dist', 'bench', 'hypervisor.cjs');
  const entry = join(__dirname, 'worker.ts');
  buildSync({ entryPoints: [entry], outfile: worker, bundle: true, platform: 'node', logLevel: 'error' });
  print(`\n${HYPERVISOR_GROUP} (ours alone, by processor time unless it says wall time)`);
  return wanted.map(({ name, meaning, target, rounds }) => {
    const work = Math.ceil(length === 'full' ? rounds : rounds * QUICK);
    const { status, stdout, stderr } = spawnSync(process.execPath, [worker, name, `${work}`, `${pairs}`], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new BenchError(`${name}: ${stderr}`);
    const value = figure(JSON.parse(stdout) as number[]);
    const [median, least, most] = [value.median, value.least, value.most].map(text);
    const goal = target === undefined ? '' : `, to reach ${text(target)}`;
    print(`  ${name.padEnd(18)} ${median} (${least}–${most})${goal}: ${meaning}`);
    return { name, meaning, value, ...(target !== undefined && { target }) };
  });
}

const text = (value: number): string => (value > 1000 ? Math.round(value).toLocaleString('en') : value.toFixed(2));
