/** Builds the programs with the cross compiler: freestanding, RV64GC, from the sources in `programs/`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Program } from './catalogue';
import { BenchError } from './errors';

const COMPILER = 'riscv64-unknown-elf-gcc';
const FOLDER = join(__dirname, 'programs');
const OPTIONS = [
  ...['-O2', '-march=rv64gc', '-mabi=lp64d', '-mcmodel=medany', '-ffreestanding', '-nostdlib', '-static'],
  ...['-Wall', '-Wextra', '-Werror', '-Wno-main'],
  // Loops stay loops: what they cost is to be measured, not memset.
  '-fno-tree-loop-distribute-patterns',
  ...['-Wl,--build-id=none', '-Wl,--no-warn-rwx-segments'],
];

/**
 * Compiles and links a program.
 * @param rounds how often it is to do its work
 * @returns the path of the ELF file in `folder`
 * @throws BenchError when there is no compiler, or it finds an error
 */
export function buildImage(program: Program, rounds: number, folder: string): string {
  const support = join(FOLDER, 'support');
  const output = join(folder, `${program.name}.elf`);
  const sources = [join(support, 'start.S'), join(support, 'runtime.c'), join(FOLDER, program.source)];
  const link = ['-I', support, '-T', join(support, 'program.ld'), `-DROUNDS=${rounds}`];
  const result = spawnSync(COMPILER, [...OPTIONS, ...(program.options ?? []), ...link, ...sources, '-o', output], {
    encoding: 'utf8',
  });
  if (result.error) {
    throw new BenchError(`${COMPILER} is missing; run scripts/install-debian-packages.sh to install it.`);
  }
  if (result.status !== 0) throw new BenchError(`${program.source} cannot be built:\n${result.stderr}`);
  return output;
}
