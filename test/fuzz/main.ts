/**
 * `npm run fuzz -- --seconds N --seed S [--engine interpreter]`: random programs on our machine and in QEMU, until the
 * time is over or they differ; or `--program S`: that one program alone. Exit status 0: all alike; 1: a difference, which is shrunk and printed; 2: wrong usage.
 */
import { machineExtensions } from '../../src/isa/extensions';
import { isaString } from '../../src/machine/machine';
import { findTool } from '../support/tools';
import { Fuzzer } from './fuzzer';
import { processor, QemuRunner } from './run';

const ENGINES = ['interpreter', 'translator', 'both'];
const USAGE = 'npm run fuzz -- --seconds N --seed S [--engine interpreter|translator|both]';

function fail(message: string): never {
  process.stderr.write(`fuzz: ${message}\n`);
  process.exit(2);
}

function readOptions(args: readonly string[]): { seconds: number; seed: number; program: number | undefined } {
  const given = new Map<string, string>([['seconds', '60']]);
  for (let i = 0; i < args.length; i += 2) {
    const name = args[i].replace(/^--/, '');
    if (!['seconds', 'seed', 'engine', 'program'].includes(name) || args[i + 1] === undefined) fail(`usage: ${USAGE}`);
    given.set(name, args[i + 1]);
  }
  const number = (name: string, least: number): number => {
    const value = Number(given.get(name));
    if (!Number.isFinite(value) || value < least)
      fail(`--${name} ${given.get(name)} is not a number from ${least} on.`);
    return value;
  };
  const engine = given.get('engine') ?? 'interpreter';
  if (!ENGINES.includes(engine)) fail(`--engine ${engine} is unknown; there are ${ENGINES.join(', ')}.`);
  if (engine !== 'interpreter') fail('There is no translator yet; use --engine interpreter.');
  const seed = given.has('seed') ? number('seed', 0) : Date.now() % 1_000_000;
  return { seconds: number('seconds', 1), seed, program: given.has('program') ? number('program', 0) : undefined };
}

function main(): number {
  const { seconds, seed, program } = readOptions(process.argv.slice(2));
  const executable =
    findTool('qemu-system-riscv64') ?? fail('qemu-system-riscv64 is missing: install qemu-system-misc.');
  const qemu = new QemuRunner(executable, processor(isaString(machineExtensions())));
  try {
    const fuzzer = new Fuzzer(qemu, (line) => process.stdout.write(`${line}\n`));
    if (program !== undefined) return fuzzer.compareOne(program) ? 0 : 1;
    process.stdout.write(`seed ${seed}\n`);
    const end = Date.now() + seconds * 1000;
    let alike = true;
    for (let round = 0; alike && Date.now() < end; round++) alike = fuzzer.compare(seed, round);
    const { programs, instructions } = fuzzer;
    process.stdout.write(`${programs} programs with ${instructions} instructions compared\n`);
    return alike ? 0 : 1;
  } finally {
    qemu.close();
  }
}

process.exitCode = main();
