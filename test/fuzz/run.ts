/** Runs an image on our machine and in QEMU. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExtensionSwitches } from '../../src/isa/extensions';
import type { MachineOptions } from '../../src/machine/machine';
import { Machine } from '../../src/machine/machine';
import { FLAT_BASE } from '../support/flat-program';
import { Random } from '../support/random';
import { MEMORY_MIB } from './layout';
import { processor } from './traits';

export interface Run {
  readonly output: string;
  /** It powered off. */
  readonly ended: boolean;
}

/** In QEMU. */
export interface RunThere extends Run {
  /** QEMU itself came to a violent end: how, and what it said. */
  readonly died?: string;
}

export interface RunHere extends Run {
  readonly instructions: number;
}

export interface Limits {
  readonly extensions: ExtensionSwitches;
  readonly instructions: number;
  /** A seed: in slices of random lengths; absent: in long ones. */
  readonly slices?: number;
}

/** One of our ways to execute code. */
export interface Engine {
  readonly name: string;
  run(binary: Uint8Array, limits: Limits): RunHere;
}

/** Our machine, made with these options. @param between what happens from one slice to the next */
export const machineEngine = (name: string, options: MachineOptions, between = () => {}): Engine => ({
  name,
  run(binary, { extensions, instructions, slices }) {
    const machine = new Machine({ ...options, memoryBytes: MEMORY_MIB << 20, extensions });
    const pieces: string[] = [];
    machine.uart.onOutput = (bytes) => void pieces.push(Buffer.from(bytes).toString('latin1'));
    const segments = [{ address: Number(FLAT_BASE), data: binary, memorySize: binary.length }];
    machine.boot({ program: { entry: FLAT_BASE, segments }, mode: 'machine' });
    const random = slices === undefined ? undefined : new Random(slices);
    let ended = false;
    while (machine.instructions < instructions) {
      const { kind } = machine.run(random ? 1 + random.below(random.pick([3, 100, 3000])) : 1_000_000);
      ended = kind === 'power-off';
      if (ended || kind === 'idle') break;
      between();
    }
    return { output: pieces.join(''), instructions: machine.instructions, ended };
  },
});

export class QemuRunner {
  private readonly folder = mkdtempSync(join(tmpdir(), 'hypocaust-fuzz-'));

  constructor(private readonly executable: string) {}

  /** What the image prints. A machine that does not end is stopped after some seconds. */
  run(binary: Uint8Array, extensions: ExtensionSwitches, seconds: number): RunThere {
    const [file, printed] = [join(this.folder, 'image.bin'), join(this.folder, 'printed.txt')];
    writeFileSync(file, binary);
    writeFileSync(printed, '');
    const machine = ['-machine', 'virt', '-cpu', processor(extensions), '-m', `${MEMORY_MIB}M`, '-bios', file];
    // To a file: QEMU drops what a full pipe does not take.
    const console = ['-display', 'none', '-monitor', 'none', '-serial', `file:${printed}`];
    const { status, signal, stderr, error } = spawnSync(this.executable, [...machine, ...console], {
      encoding: 'latin1',
      timeout: seconds * 1000,
      killSignal: 'SIGKILL',
    });
    if (status !== null && status !== 0) throw new Error(`QEMU ended with ${status}: ${stderr}`);
    if (error && (error as NodeJS.ErrnoException).code !== 'ETIMEDOUT') throw error;
    const died = signal !== null && !error ? `${signal}: ${stderr.trim()}` : undefined;
    return { output: readFileSync(printed, 'latin1'), ended: status === 0, died };
  }

  close(): void {
    rmSync(this.folder, { recursive: true });
  }
}
