/** Runs an M-mode program without ELF headers from the start of RAM, here and in QEMU, and gives what it prints. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExtensionSwitches } from '../../src/isa/extensions';
import { assembleSource } from '../../src/isa/assemble';
import type { MachineOptions } from '../../src/machine/machine';
import { Machine } from '../../src/machine/machine';

/** Where the program lies and starts. */
export const FLAT_BASE = 0x80000000n;

const MEMORY_MIB = 16;
/** The processor that QEMU models has extensions that ours does not: they would not be illegal there. */
const CPU = 'rv64,f=false,d=false,zba=true,zbb=true,zbc=false,zbs=true,h=false,v=false';

/** A machine that stands at the program's first instruction, and its output as it comes. */
export function flatMachine(
  program: Uint8Array,
  extensions: ExtensionSwitches = {},
): { machine: Machine; output: () => string } {
  const machine = boot(program, { extensions });
  let output = '';
  machine.uart.onOutput = (bytes) => (output += Buffer.from(bytes).toString('latin1'));
  return { machine, output: () => output };
}

/** The same of a program in assembly, and the addresses of its labels. */
export function assembledMachine(
  source: string,
  options: MachineOptions = {},
): { machine: Machine; label: (name: string) => bigint } {
  const { bytes, symbols } = assembleSource(source, FLAT_BASE);
  return { machine: boot(bytes, options), label: (name) => symbols.get(name) ?? assert.fail(name) };
}

function boot(program: Uint8Array, options: MachineOptions): Machine {
  const machine = new Machine({ memoryBytes: MEMORY_MIB << 20, ...options });
  const segments = [{ address: Number(FLAT_BASE), data: program, memorySize: program.length }];
  machine.boot({ program: { entry: FLAT_BASE, segments }, mode: 'machine' });
  return machine;
}

/** The program's output on our machine; it must power off. */
export function runFlatHere(program: Uint8Array, maxInstructions = 10_000_000): string {
  const { machine, output } = flatMachine(program);
  while (machine.instructions < maxInstructions) {
    const { kind } = machine.run(100_000);
    if (kind === 'power-off') return output();
    if (kind === 'idle') throw new Error(`the program waits for ever; its output:\n${output()}`);
  }
  throw new Error(`the program does not end; its output:\n${output()}`);
}

/** The program's output in QEMU; it must power off with success. */
export function runFlatInQemu(executable: string, program: Uint8Array, cpu = CPU): string {
  const folder = mkdtempSync(join(tmpdir(), 'hypocaust-'));
  try {
    const [image, printed] = [join(folder, 'program.bin'), join(folder, 'printed.txt')];
    writeFileSync(image, program);
    const machine = ['-machine', 'virt', '-cpu', cpu, '-m', `${MEMORY_MIB}M`, '-bios', image];
    // To a file: QEMU drops what a full pipe does not take.
    const console = ['-display', 'none', '-monitor', 'none', '-serial', `file:${printed}`];
    const ended = spawnSync(executable, [...machine, ...console], { encoding: 'latin1', timeout: 30_000 });
    const output = readFileSync(printed, 'latin1');
    if (ended.status !== 0) throw new Error(`QEMU ended with ${ended.status}: ${ended.stderr}\n${output}`);
    return output;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
