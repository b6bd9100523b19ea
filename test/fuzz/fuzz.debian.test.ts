/** A few rounds of the fuzzer with fixed seeds; `npm run fuzz` goes on for as long as it is told. */
import assert from 'node:assert/strict';
import { machineExtensions } from '../../src/isa/extensions';
import { isaString } from '../../src/machine/machine';
import { requireTool } from '../support/tools';
import { Fuzzer } from './fuzzer';
import { processor, QemuRunner } from './run';

describe('random programs over modes, CSRs, page tables, protection and interrupts', () => {
  for (const seed of [3, 4]) {
    it(`do the same here and in QEMU (seed ${seed})`, function () {
      this.timeout(120_000);
      const runner = new QemuRunner(
        requireTool('qemu-system-riscv64', this),
        processor(isaString(machineExtensions())),
      );
      const lines: string[] = [];
      try {
        assert.ok(new Fuzzer(runner, (line) => lines.push(line)).compare(seed, 0), lines.join('\n'));
      } finally {
        runner.close();
      }
    });
  }
});
