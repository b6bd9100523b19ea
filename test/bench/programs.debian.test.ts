// Every program of the bench, with little work: ours and QEMU print the same. What is measured cannot rot unseen.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { groups } from '../../bench/catalogue';
import { runInTurn } from '../../bench/comparison';
import { measurements } from '../../bench/debugger/measurements';
import { taskOf } from '../../bench/image';
import { ours, qemu } from '../../bench/sides';
import { requireTool } from '../support/tools';

describe('programs of the bench', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-test-'));
  after(() => rmSync(folder, { recursive: true }));

  for (const { name: group, programs } of groups) {
    for (const program of programs) {
      it(`${group}: ${program.name}`, async function () {
        requireTool('riscv64-unknown-elf-gcc', this);
        requireTool('qemu-system-riscv64', this);
        const task = taskOf(program, folder, 'test');
        await runInTurn(program.name, task, [ours([], folder), qemu], 1);
      });
    }
  }

  for (const { name, program, measure } of measurements) {
    it(`debugger: ${name}`, async function () {
      requireTool('riscv64-unknown-elf-gcc', this);
      const { image } = taskOf(program, folder, 'test');
      const value = await measure(image, program.testRounds);
      assert.ok(Number.isFinite(value) && value > 0, `${value}`);
    });
  }
});
