// Every program of the bench, with little work: ours and QEMU print the same. What is measured cannot rot unseen.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { groups } from '../../bench/catalogue';
import { runInTurn } from '../../bench/comparison';
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
});
