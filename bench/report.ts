/** Measures groups of programs, and reports each as soon as it is known. */
import { cpus } from 'node:os';
import type { Technique } from '../src/engine/techniques';
import type { Group, Kernel, LinuxBoot, Program } from './catalogue';
import type { Figure } from './comparison';
import { figure, geometricMean, ratioOf, runInTurn } from './comparison';
import { BenchError } from './errors';
import type { Length } from './image';
import { taskOf } from './image';
import type { Side } from './sides';
import { ours, qemu, qemuVersion } from './sides';

/** The figures of one program. Seconds are of whole processes. */
export interface ProgramFigures {
  readonly name: string;
  /** QEMU's seconds divided by ours: above 1 we are faster. */
  readonly ratio: Figure;
  /** The same of processor time, of all threads: it suffers less from what else the computer does. */
  readonly processorRatio?: Figure;
  readonly ourSeconds: Figure;
  readonly qemuSeconds: Figure;
  /** Ours, while the machine runs: instructions, and millions of them in a second. */
  readonly instructions?: number;
  readonly mips?: Figure;
  /** With techniques left out: QEMU's seconds divided by ours, and how many times as long ours took as with all. */
  readonly without?: { readonly ratio: Figure; readonly worth: Figure };
}

export interface GroupFigures {
  readonly name: string;
  readonly target: number;
  readonly geometricMean: number;
  readonly programs: readonly ProgramFigures[];
}

/** Everything that a run of the bench found out. */
export interface Report {
  readonly node: string;
  readonly qemu: string;
  readonly processor: string;
  readonly pairs: number;
  readonly length: Length;
  readonly without: readonly Technique[];
  /** Of a program that does nothing: it is part of all seconds. */
  readonly startSeconds: { readonly ours: Figure; readonly qemu: Figure };
  readonly groups: readonly GroupFigures[];
}

/** How to measure. */
export interface Setting {
  readonly pairs: number;
  readonly length: Length;
  readonly without: readonly Technique[];
  /** For images and other temporary files. */
  readonly folder: string;
  readonly print: (line: string) => void;
}

const EMPTY: Program = { name: 'nothing', source: 'support/nothing.c', rounds: 0, testRounds: 0 };

/** @throws BenchError */
export async function measureGroups(groups: readonly Group[], setting: Setting): Promise<Report> {
  const { pairs, length, without, folder, print } = setting;
  const version = qemuVersion();
  const processor = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`;
  print('ratio: seconds of QEMU / seconds of ours; above 1 we are faster.');
  print(
    `Seconds are of whole processes by the wall clock, their start included; medians of ${pairs} pairs run in turn.`,
  );
  print(`QEMU ${version}, Node.js ${process.version}, ${processor}`);
  const sides = [ours([], folder), qemu, ...(without.length > 0 ? [ours(without, folder)] : [])];
  const [ourStart, qemuStart] = await runInTurn(EMPTY.name, taskOf(EMPTY, folder, length), sides.slice(0, 2), pairs);
  const startSeconds = { ours: secondsOf(ourStart), qemu: secondsOf(qemuStart) };
  print(
    `Start and end alone: ours ${startSeconds.ours.median.toFixed(3)} s, QEMU ${startSeconds.qemu.median.toFixed(3)} s`,
  );
  const measured: GroupFigures[] = [];
  for (const { name, target, programs } of groups) {
    print(`\n${name}`);
    const found: ProgramFigures[] = [];
    for (const program of programs) {
      const figures = await compare(program, sides, setting);
      print(lineOf(figures, without));
      found.push(figures);
    }
    const mean = geometricMean(found.map(({ ratio }) => ratio.median));
    print(`  ${'geometric mean'.padEnd(18)} ratio ${mean.toFixed(2)}, to reach ${target.toFixed(1)}${summary(found)}`);
    measured.push({ name, target, geometricMean: mean, programs: found });
  }
  return { node: process.version, qemu: version, processor, pairs, length, without, startSeconds, groups: measured };
}

async function compare(
  program: Program | Kernel | LinuxBoot,
  sides: readonly Side[],
  setting: Setting,
): Promise<ProgramFigures> {
  const { name } = program;
  const task = taskOf(program, setting.folder, setting.length);
  const [here, there, reduced] = await runInTurn(name, task, sides, setting.pairs);
  const inner = here.flatMap((run) => run.inner ?? []);
  if (!task.realTime && inner.some(({ instructions }) => instructions !== inner[0].instructions)) {
    throw new BenchError(`${name}: two runs on our machine differ in their number of instructions.`);
  }
  return {
    name,
    ratio: ratioOf(there, here),
    ...(here[0].processorSeconds && { processorRatio: ratioOf(there, here, (run) => run.processorSeconds ?? NaN) }),
    ourSeconds: secondsOf(here),
    qemuSeconds: secondsOf(there),
    ...(inner.length > 0 && {
      instructions: inner[0].instructions,
      mips: figure(inner.map(({ instructions, seconds }) => instructions / seconds / 1e6)),
    }),
    ...(reduced && { without: { ratio: ratioOf(there, reduced), worth: ratioOf(reduced, here) } }),
  };
}

const secondsOf = (runs: readonly { readonly seconds: number }[]): Figure => figure(runs.map(({ seconds }) => seconds));

function lineOf(figures: ProgramFigures, left: readonly Technique[]): string {
  const { name, ratio, processorRatio, ourSeconds, qemuSeconds, mips, without } = figures;
  const spread = `(${ratio.least.toFixed(2)}–${ratio.most.toFixed(2)})`;
  const columns = [
    `  ${name.padEnd(18)} ratio ${ratio.median.toFixed(2)} ${spread.padEnd(13)}`,
    `processor ${processorRatio?.median.toFixed(2) ?? '   –'}`,
    `ours ${ourSeconds.median.toFixed(2).padStart(6)} s`,
    `QEMU ${qemuSeconds.median.toFixed(2).padStart(5)} s`,
    ...(mips ? [`${mips.median.toFixed(0).padStart(5)} MIPS`] : []),
    ...(without
      ? [
          `without ${left.join(', ')}: ratio ${without.ratio.median.toFixed(2)}, worth ${without.worth.median.toFixed(2)}`,
        ]
      : []),
  ];
  return columns.join('   ');
}

/** Further means of a group. */
function summary(programs: readonly ProgramFigures[]): string {
  const means = [
    { name: 'processor', values: programs.flatMap(({ processorRatio }) => processorRatio?.median ?? []) },
    { name: 'worth', values: programs.flatMap(({ without }) => without?.worth.median ?? []) },
  ];
  const known = means.filter(({ values }) => values.length > 0);
  return known.map(({ name, values }) => `; ${name} ${geometricMean(values).toFixed(2)}`).join('');
}
