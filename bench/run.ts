/**
 * `npm run bench [-- NAME...]`: runs our engine and QEMU side by side on the same programs, alternating, and prints the
 * ratio of their speeds (ours/QEMU; above 1 we are faster): the median of five pairs. Needs QEMU and the cross compiler.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const PAIRS = 5;
const folder = join(__dirname, 'programs');
const cli = join(__dirname, '..', 'dist', 'cli.js');
const temporary = mkdtempSync(join(tmpdir(), 'hypocaust-bench-'));

interface Measured {
  readonly seconds: number;
  readonly output: string;
}

function compile(name: string): string {
  const output = join(temporary, name);
  const flags = [
    '-O2',
    '-march=rv64imac_zicsr_zifencei',
    '-mabi=lp64',
    '-mcmodel=medany',
    '-ffreestanding',
    '-nostdlib',
  ];
  const files = [join(folder, 'start.S'), join(folder, `${name}.c`)];
  const result = spawnSync(
    'riscv64-unknown-elf-gcc',
    [...flags, '-T', join(folder, 'program.ld'), ...files, '-o', output],
    {
      encoding: 'utf8',
    },
  );
  if (result.status !== 0) {
    throw new Error(`${name}.c cannot be compiled: ${result.error?.message ?? result.stderr}`);
  }
  return output;
}

function timed(command: string, args: readonly string[]): Measured {
  const start = performance.now();
  const result = spawnSync(command, args, {
    encoding: 'latin1',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 120_000,
  });
  const seconds = (performance.now() - start) / 1000;
  if (result.status !== 0) throw new Error(`${command} ended with ${result.status ?? result.error?.message}`);
  return { seconds, output: result.stdout };
}

const ours = (image: string): Measured & { mips: number } => {
  const stats = join(temporary, 'stats.json');
  const measured = timed(process.execPath, [cli, 'run', '--bare', '--machine-mode', '--stats', stats, image]);
  return { ...measured, mips: (JSON.parse(readFileSync(stats, 'utf8')) as { mips: number }).mips };
};

const qemu = (image: string): Measured =>
  timed('qemu-system-riscv64', [
    ...['-machine', 'virt', '-bios', image, '-display', 'none', '-monitor', 'none', '-serial', 'stdio'],
  ]);

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

function compare(name: string): number {
  const image = compile(name);
  const pairs = Array.from({ length: PAIRS }, () => ({ here: ours(image), there: qemu(image) }));
  const [{ here, there }] = pairs;
  if (here.output !== there.output) throw new Error(`${name}: ours printed ${here.output}, QEMU ${there.output}`);
  const ratio = median(pairs.map((pair) => pair.there.seconds / pair.here.seconds));
  const mips = median(pairs.map((pair) => pair.here.mips));
  const seconds = `${median(pairs.map((p) => p.here.seconds)).toFixed(2)} s, QEMU ${median(pairs.map((p) => p.there.seconds)).toFixed(2)} s`;
  console.log(`${name.padEnd(12)} ratio ${ratio.toFixed(2)}   ours ${seconds}   ${mips.toFixed(0)} MIPS`);
  return ratio;
}

try {
  const all = readdirSync(folder).filter((file) => file.endsWith('.c'));
  const names = process.argv.length > 2 ? process.argv.slice(2) : all.map((file) => basename(file, '.c'));
  const ratios = names.map(compare);
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  console.log(`${'geometric mean'.padEnd(12)} ${mean.toFixed(2)} (whole processes, start and compilation included)`);
} finally {
  rmSync(temporary, { recursive: true });
}
