// Why an instruction is refused, in a sentence.
import assert from 'node:assert/strict';
import { assembleProgram } from '../../isa/assemble';
import type { ModeName, Target } from '../target';
import { explainIllegal } from './explain-cause';

const PC = 0x80200000n;

function explain(code: string, mode: ModeName): string | undefined {
  const bytes = assembleProgram(code, PC);
  const read = (_address: bigint, size: number) => (size <= bytes.length ? bytes.subarray(0, size) : undefined);
  const target: Partial<Target> = { mode, memory: () => ({ read, write: () => {} }) };
  return explainIllegal(target as Target, PC);
}

describe('explainIllegal', () => {
  const cases: [code: string, mode: ModeName, sentence: string | undefined][] = [
    ['.word 0xffffffff', 'U', '0xffffffff is no instruction of this machine.'],
    ['.half 0x9c41', 'U', '0x9c41 is no instruction of this machine.'],
    ['clz a0, a1', 'S', 'clz belongs to the extension Zbb, which the machine does not have.'],
    ['czero.eqz a0, a1, a2', 'vU', 'czero.eqz belongs to the extension Zicond, which the guest does not have.'],
    [
      'cbo.zero (a0)',
      'U',
      'cbo.zero belongs to the extension Zicboz, which the machine does not have, or has not enabled in U-mode.',
    ],
    ['csrr a0, mstatus', 'S', 'CSR mstatus needs M-mode, and the code runs in S.'],
    ['csrw cycle, a0', 'M', 'CSR cycle is read-only.'],
    ['csrr a0, hstatus', 'M', 'This machine has no CSR hstatus.'],
    ['csrr a0, 0x7ff', 'M', 'This machine has no CSR 0x7ff.'],
    ['sret', 'U', undefined],
  ];
  for (const [code, mode, sentence] of cases) {
    it(`${code} in ${mode}`, () => assert.equal(explain(code, mode), sentence));
  }
});
