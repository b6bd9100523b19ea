/** Builds the programs with the cross compiler: freestanding, RV64GC, from the sources in `programs/`. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { initramfs } from '../test/support/initramfs';
import { findThirdPartyGuests } from '../test/support/third-party-guests';
import type { Kernel, LinuxBoot, Program } from './catalogue';
import { BenchError } from './errors';
import type { Task } from './sides';

const COMPILER = 'riscv64-unknown-elf-gcc';
const FOLDER = join(__dirname, 'programs');
const SUPPORT = ['start.S', 'trap.S', 'runtime.c'];
const OPTIONS = [
  ...['-O2', '-march=rv64gc', '-mabi=lp64d', '-mcmodel=medany', '-ffreestanding', '-nostdlib', '-static'],
  // Square roots are one instruction.
  '-fno-math-errno',
  ...['-Wall', '-Wextra', '-Werror', '-Wno-main'],
  // Loops stay loops: what they cost is to be measured, not memset.
  '-fno-tree-loop-distribute-patterns',
  ...['-Wl,--build-id=none', '-Wl,--no-warn-rwx-segments'],
];

/** How much work a program does: as much as the catalogue says, a tenth for a rough look, or the least for tests. */
export type Length = 'full' | 'quick' | 'test';

const QUICK = 0.1;

/** The image of a program, built, or a kernel that is there already. @throws BenchError */
export function taskOf(program: Program | Kernel | LinuxBoot, folder: string, length: Length): Task {
  if ('commandLine' in program) return linuxTask(program, folder);
  if ('kernel' in program) return { image: join(__dirname, '..', program.kernel), until: program.firstOutput };
  const image = buildImage(program, roundsOf(program, length), folder);
  return { image, realTime: program.realTime ?? false };
}

function linuxTask({ name, commandLine }: LinuxBoot, folder: string): Task {
  const guests = findThirdPartyGuests();
  if ('problem' in guests) throw new BenchError(`${name} ${guests.problem}`);
  const initrd = join(folder, `${name}.cpio`);
  writeFileSync(initrd, initramfs(guests, 'poweroff -f\n'));
  return { image: guests.linux, linux: { initrd, commandLine } };
}

/** How often a program of this length does its work. */
export function roundsOf({ rounds, testRounds }: Program, length: Length): number {
  return { full: rounds, quick: Math.max(testRounds, Math.ceil(rounds * QUICK)), test: testRounds }[length];
}

/**
 * Compiles and links a program.
 * @param rounds how often it is to do its work
 * @returns the path of the ELF file in `folder`
 * @throws BenchError when there is no compiler, or it finds an error
 */
function buildImage(program: Program, rounds: number, folder: string): string {
  const support = join(FOLDER, 'support');
  const output = join(folder, `${program.name}.elf`);
  const sources = [...SUPPORT.map((file) => join(support, file)), sourceOf(program, rounds, folder)];
  const link = ['-I', support, '-T', join(support, 'program.ld'), `-DROUNDS=${rounds}`];
  const result = spawnSync(COMPILER, [...OPTIONS, ...(program.options ?? []), ...link, ...sources, '-o', output], {
    encoding: 'utf8',
  });
  if (result.error) {
    throw new BenchError(`${COMPILER} is missing; run scripts/install-debian-packages.sh to install it.`);
  }
  if (result.status !== 0) throw new BenchError(`${program.name} cannot be built:\n${result.stderr}`);
  return output;
}

function sourceOf({ name, source }: Program, rounds: number, folder: string): string {
  if (typeof source === 'string') return join(FOLDER, source);
  const path = join(folder, `${name}.S`);
  writeFileSync(path, source(rounds));
  return path;
}
