/** Traps, privileges, translation and protection: our hart and QEMU's show the same afterwards. */
import assert from 'node:assert/strict';
import { runFlatHere, runFlatInQemu } from '../support/flat-program';
import { requireTool } from '../support/tools';
import { trapProgram } from './trap-program';
import { trapScenarios } from './trap-scenarios';

describe('traps', () => {
  it(`are here as in QEMU (${trapScenarios.length} scenarios)`, function () {
    this.timeout(60_000);
    const qemu = requireTool('qemu-system-riscv64', this);
    const program = trapProgram(trapScenarios);
    const expected = runFlatInQemu(qemu, program).trim().split('\n');
    const actual = runFlatHere(program).trim().split('\n');
    const named = (lines: string[]): string => trapScenarios.map(({ name }, i) => `${name}: ${lines[i]}`).join('\n');
    assert.equal(named(actual), named(expected));
  });
});
