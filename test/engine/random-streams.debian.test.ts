import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Machine } from '../../src/machine/machine';
import { requireTool } from '../support/tools';
import { LOAD_ADDRESS, randomPrograms } from './random-program';

const PROGRAMS = 200;
const LENGTH = 200;
const SEEDS = Array.from({ length: 8 }, (_, i) => i + 1);
/** The processor that QEMU models has extensions that ours does not: they would not be illegal there. */
const CPU = 'rv64,f=true,d=true,zba=true,zbb=true,zbc=false,zbs=true,h=false,v=false';

/** What the programs print on our machine, in slices of the given length. */
function runHere(binary: Uint8Array, slice: number): string {
  const machine = new Machine({ memoryBytes: 16 << 20 });
  let output = '';
  machine.uart.onOutput = (bytes) => (output += Buffer.from(bytes).toString('latin1'));
  const segments = [{ address: Number(LOAD_ADDRESS), data: binary, memorySize: binary.length }];
  machine.boot({ program: { entry: LOAD_ADDRESS, segments }, mode: 'machine' });
  for (;;) {
    const result = machine.run(slice);
    if (result.kind === 'power-off') return output;
    assert.equal(result.kind, 'limit');
    assert.ok(machine.instructions < 50_000_000, 'the programs do not end');
  }
}

describe('random instruction streams', () => {
  it(`do the same here and in QEMU (${SEEDS.length * PROGRAMS} programs)`, function () {
    this.timeout(120_000);
    const qemu = requireTool('qemu-system-riscv64', this);
    const folder = mkdtempSync(join(tmpdir(), 'hypocaust-'));
    try {
      for (const seed of SEEDS) {
        const binary = randomPrograms(seed, PROGRAMS, LENGTH);
        const file = join(folder, 'programs.bin');
        writeFileSync(file, binary);
        const machine = ['-machine', 'virt', '-cpu', CPU, '-m', '16M', '-bios', file];
        // To a file: QEMU drops what a full pipe does not take.
        const printed = join(folder, 'printed.txt');
        const console = ['-display', 'none', '-monitor', 'none', '-serial', `file:${printed}`];
        const ended = spawnSync(qemu, [...machine, ...console], { encoding: 'latin1', timeout: 30_000 });
        assert.equal(ended.status, 0, ended.stderr);
        const lines = readFileSync(printed, 'latin1').trim().split('\n');
        assert.equal(lines.length, PROGRAMS);
        const ours = runHere(binary, seed % 2 === 0 ? 1_000_000 : 997)
          .trim()
          .split('\n');
        lines.forEach((line, i) => assert.equal(ours[i], line, `seed ${seed}, program ${i}`));
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
