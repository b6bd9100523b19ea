/**
 * The bench's programs, compiled: what loops, calls, tables and words are like in real code. In slices of random lengths,
 * translated code and the interpreter leave the same registers after each, having executed the same number of instructions.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Program } from '../../bench/catalogue';
import { groups } from '../../bench/catalogue';
import { taskOf } from '../../bench/image';
import { readMachineProgram } from '../../src/debugger/program';
import type { EngineOptions } from '../../src/engine/engine';
import { DRAM_BASE } from '../../src/engine/physical-memory';
import { Machine } from '../../src/machine/machine';
import { Random } from '../support/random';
import { requireTool } from '../support/tools';

const INSTRUCTIONS = 150_000;
/** Code is translated at once, or when a program has shown more of it. */
const ways = { eager: 'eager', later: { jumps: 60, entries: 40 } } as const;
const MEBIBYTE = 1 << 20;

/** A machine at the beginning of the program's `main`: what is before that makes page tables. */
function boot(image: string, translator: NonNullable<EngineOptions['translator']>): Machine {
  const machine = new Machine({ memoryBytes: 256 * MEBIBYTE, translator });
  const { boot: program, elf } = readMachineProgram(readFileSync(image));
  const main = elf!.symbols().find(({ name }) => name === 'main')!.address;
  machine.boot({ program, mode: 'machine' });
  machine.engine.setBreakpoints([main]);
  assert.equal(machine.run(10 * INSTRUCTIONS).kind, 'breakpoint');
  machine.engine.setBreakpoints([]);
  return machine;
}

function state({ current: { state }, instructions }: Machine): unknown {
  const registers = Array.from({ length: 32 }, (_, i) => [state.x(i), state.f(i)]);
  return { instructions, pc: state.pc, fcsr: state.fcsr, registers };
}

/** From one instruction on, as many short as long ones. */
function sliceOf(random: Random): number {
  return 1 + random.below(2 ** (1 + random.below(14)));
}

describe('compiled programs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'programs-test-'));
  after(() => rmSync(folder, { recursive: true }));

  const programsOf = (group: string) => groups.find(({ name }) => name === group)!.programs as readonly Program[];
  const programs = [...programsOf('integer'), ...programsOf('float').filter(({ name }) => name.endsWith('double'))];
  for (const program of programs) {
    for (const [name, way] of Object.entries(ways)) {
      it(`${program.name} does and counts the same, translated ${name}`, function () {
        requireTool('riscv64-unknown-elf-gcc', this);
        const { image } = taskOf(program, folder, 'test');
        const [interpreted, translated] = [boot(image, 'off'), boot(image, way)];
        const random = new Random(program.rounds);
        const end = interpreted.instructions + INSTRUCTIONS;
        while (interpreted.instructions < end) {
          const slice = sliceOf(random);
          const result = translated.run(slice);
          assert.deepEqual(result, interpreted.run(slice));
          assert.deepEqual(state(translated), state(interpreted));
          if (result.kind !== 'limit') break;
        }
        const bytes = ({ memory }: Machine) => memory.bytes(DRAM_BASE, 2 * MEBIBYTE);
        assert.ok(Buffer.from(bytes(translated)).equals(bytes(interpreted)), 'the same memory');
        assert.ok(translated.engine.translated.regions > 0, 'something was translated');
      });
    }
  }
});
