/** Runs an image on our machine and in QEMU. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Machine } from '../../src/machine/machine';
import { FLAT_BASE } from '../support/flat-program';
import { Random } from '../support/random';
import { MEMORY_MIB } from './layout';

export interface Run {
  readonly output: string;
  readonly instructions: number;
  /** It powered off. */
  readonly ended: boolean;
}

/** Runs on our machine. @param slices a seed: in slices of random lengths; absent: in long ones */
export function runHere(binary: Uint8Array, mostInstructions: number, slices?: number): Run {
  const machine = new Machine({ memoryBytes: MEMORY_MIB << 20 });
  const pieces: string[] = [];
  machine.uart.onOutput = (bytes) => void pieces.push(Buffer.from(bytes).toString('latin1'));
  const segments = [{ address: Number(FLAT_BASE), data: binary, memorySize: binary.length }];
  machine.boot({ program: { entry: FLAT_BASE, segments }, mode: 'machine' });
  const random = slices === undefined ? undefined : new Random(slices);
  let ended = false;
  while (machine.instructions < mostInstructions) {
    const { kind } = machine.run(random ? 1 + random.below(random.pick([3, 100, 3000])) : 1_000_000);
    ended = kind === 'power-off';
    if (ended || kind === 'idle') break;
  }
  return { output: pieces.join(''), instructions: machine.instructions, ended };
}

/** QEMU's processor with the extensions of our machine. */
export function processor(isa: string): string {
  const extensions = new Set([...isa.split('_')[0].slice(4), ...isa.split('_').slice(1)]);
  const switches = ['f', 'd', 'v', 'h', 'zba', 'zbb', 'zbc', 'zbs', 'sstc', 'svinval', 'svnapot', 'svpbmt'];
  return ['rv64', ...switches.map((name) => `${name}=${extensions.has(name)}`)].join(',');
}

export class QemuRunner {
  private readonly folder = mkdtempSync(join(tmpdir(), 'hypocaust-fuzz-'));

  constructor(
    private readonly executable: string,
    private readonly cpu: string,
  ) {}

  /** What the image prints. A machine that does not end is stopped after some seconds. */
  run(binary: Uint8Array, seconds: number): Omit<Run, 'instructions'> {
    const [file, printed] = [join(this.folder, 'image.bin'), join(this.folder, 'printed.txt')];
    writeFileSync(file, binary);
    writeFileSync(printed, '');
    const machine = ['-machine', 'virt', '-cpu', this.cpu, '-m', `${MEMORY_MIB}M`, '-bios', file];
    // To a file: QEMU drops what a full pipe does not take.
    const console = ['-display', 'none', '-monitor', 'none', '-serial', `file:${printed}`];
    const { status, stderr, error } = spawnSync(this.executable, [...machine, ...console], {
      encoding: 'latin1',
      timeout: seconds * 1000,
      killSignal: 'SIGKILL',
    });
    if (status !== null && status !== 0) throw new Error(`QEMU ended with ${status}: ${stderr}`);
    if (error && (error as NodeJS.ErrnoException).code !== 'ETIMEDOUT') throw error;
    return { output: readFileSync(printed, 'latin1'), ended: status === 0 };
  }

  close(): void {
    rmSync(this.folder, { recursive: true });
  }
}
