/** What the hypervisor costs, measured on our side alone: exits by kind, and kernels as guests beside the bare machine. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readProgram } from '../../src/debugger/program';
import { Hypervisor } from '../../src/hypervisor/hypervisor';
import type { Synchronization } from '../../src/hypervisor/shadow/shadow-page-tables';
import { assembleSource } from '../../src/isa/assemble';
import type { BootProgram } from '../../src/machine/boot';
import { Machine } from '../../src/machine/machine';
import { initramfs } from '../../test/support/initramfs';
import { findThirdPartyGuests } from '../../test/support/third-party-guests';
import { BenchError } from '../errors';
import { stopwatch } from '../stopwatch';
import { exitPrograms, exitSource, stormPrograms } from './programs';

export interface HypervisorMeasurement {
  readonly name: string;
  readonly meaning: string;
  readonly target?: number;
  /** Units of work that take some two seconds. */
  readonly rounds: number;
  /** One figure, from new runs with so much work. */
  measure(rounds: number): number;
}

const ENTRY = 0x8020_0000;
const MEMORY_BYTES = 256 << 20;
const STRETCH = 10_000_000;
const BOOTARGS = 'earlycon=uart8250,mmio,0x10000000 console=ttyS0';
const POWER_OFF = 'poweroff -f\n';

const modes: readonly Synchronization[] = ['sfence', 'write-protect'];

/** Measurements with programs of ours. */
export const ownMeasurements: readonly HypervisorMeasurement[] = [
  ...exitPrograms.map((program) => ({
    name: program.name,
    meaning: `VM exits per second: ${program.code.replaceAll(/\n\s*/g, '; ')}`,
    ...(program.name.startsWith('csr') && { target: 2_000_000 }),
    rounds: 2_000_000,
    measure(rounds: number) {
      const times = Math.ceil(rounds / program.exits);
      const { seconds, exits } = runGuest({ program: programOf(exitSource(program, times)) }, 'sfence');
      return exits / seconds;
    },
  })),
  ...stormPrograms.flatMap((program) =>
    modes.map((mode) => ({
      name: mode === 'sfence' ? program.name : `${program.name}-wp`,
      meaning: `time as a guest (${mode}) / time bare: ${program.meaning}`,
      rounds: 100_000,
      measure(rounds: number) {
        const kernel = { program: programOf(program.source(rounds)) };
        const guest = runGuest(kernel, mode).seconds;
        return guest / runBare(kernel);
      },
    })),
  ),
];

/** Debian's Linux from its start to user space, where it powers off. */
const linuxMeasurements: readonly HypervisorMeasurement[] = modes.map((mode) => ({
  name: mode === 'sfence' ? 'linux-guest' : 'linux-guest-wp',
  meaning: `time as a guest (${mode}) / time bare: Debian's Linux from its start to user space`,
  target: 1.5,
  rounds: 1,
  measure() {
    const linux = linuxBoot();
    return runGuest(linux, mode).seconds / runBare(linux);
  },
}));

/** The same as a user sees it: programs from their start to their end by the clock on the wall, with all their threads. */
const wholeMeasurements: readonly HypervisorMeasurement[] = modes.map((mode) => ({
  name: mode === 'sfence' ? 'linux-whole' : 'linux-whole-wp',
  meaning: `wall time of the whole program as a guest (${mode}) / bare: the same boot`,
  target: 1.5,
  rounds: 1,
  measure() {
    const folder = mkdtempSync(join(tmpdir(), 'hypocaust-bench-'));
    try {
      const guest = runProgram(['--synchronization', mode], folder);
      return guest / runProgram(['--bare'], folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
}));

/** All measurements, in the order of the report. */
export const hypervisorMeasurements: readonly HypervisorMeasurement[] = [
  ...ownMeasurements,
  ...linuxMeasurements,
  ...wholeMeasurements,
];

function programOf(source: string): BootProgram {
  const { bytes } = assembleSource(source, BigInt(ENTRY));
  return { entry: BigInt(ENTRY), segments: [{ address: ENTRY, data: bytes, memorySize: bytes.length }] };
}

/** What is booted, bare or as a guest. */
interface Boot {
  readonly program: BootProgram;
  readonly initrd?: Uint8Array;
  readonly bootargs?: string;
}

/** @throws BenchError when it cannot be had */
function linuxBoot(): Boot {
  const guests = findThirdPartyGuests();
  if ('problem' in guests) throw new BenchError(`linux ${guests.problem}`);
  return {
    program: readProgram(readFileSync(guests.linux)).boot,
    initrd: initramfs(guests, POWER_OFF),
    bootargs: BOOTARGS,
  };
}

/** Boots Linux with our command. @returns seconds by the clock on the wall. @throws BenchError when it fails */
function runProgram(options: readonly string[], folder: string): number {
  const guests = findThirdPartyGuests();
  if ('problem' in guests) throw new BenchError(`linux ${guests.problem}`);
  const initrd = join(folder, 'initrd');
  if (!existsSync(initrd)) writeFileSync(initrd, initramfs(guests, POWER_OFF));
  const command = join(__dirname, '..', '..', 'dist', 'cli.js');
  const memory = ['--guest-memory', `${MEMORY_BYTES >> 20}M`];
  const args = [command, 'run', ...options, ...memory, '--initrd', initrd, '--append', BOOTARGS, guests.linux];
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: undefined };
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
  if (status !== 0) throw new BenchError(`Linux did not boot: ${stderr.toString()}`);
  return (performance.now() - start) / 1000;
}

function runBare(boot: Boot): number {
  const machine = new Machine({ memoryBytes: MEMORY_BYTES });
  machine.boot({ ...boot, mode: 'supervisor' });
  return runToEnd(machine);
}

/** @returns seconds of processor time, and VM exits */
function runGuest(boot: Boot, synchronization: Synchronization): { seconds: number; exits: number } {
  const machine = new Machine({ memoryBytes: 2 * MEMORY_BYTES });
  const guest = { name: 'bench', memoryBytes: MEMORY_BYTES, ...boot };
  const { guests } = new Hypervisor(machine, { guests: [guest], synchronization });
  const seconds = runToEnd(machine);
  return { seconds, exits: Object.values(guests[0].exitCounts).reduce((sum, count) => sum + count, 0) };
}

function runToEnd(machine: Machine): number {
  const seconds = stopwatch();
  for (;;) {
    const result = machine.run(STRETCH);
    if (result.kind === 'power-off') return seconds();
    if (result.kind !== 'limit') throw new BenchError(`A kernel did not run to its end: ${result.kind}.`);
  }
}
