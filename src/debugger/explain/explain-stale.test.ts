import assert from 'node:assert/strict';
import { makeEntry } from '../../machine/pte';
import { SymbolSpace } from '../symbol-space';
import type { StaleRecord } from './explain-stale';
import { explainStale } from './explain-stale';

const record: StaleRecord = {
  kind: 'staleTranslation',
  guest: 'linux',
  vcpu: 1,
  pc: 0x8020_0010n,
  virtualPrivilege: 'vS',
  count: 1_500,
  gva: 0x4000_0000n,
  access: 'load',
  satp: 8n << 60n,
  view: 'vS',
  hpa: 0x8860_0000,
  newHpa: 0x8860_1000,
  shadowLevel: 0,
  shadowEntry: makeEntry(0x8860_0000, 0xd7),
  entryAddress: 0x8040_2000,
  entryLevel: 0,
  entryBefore: makeEntry(0x8060_0000, 0xc7),
  entryNow: makeEntry(0x8060_1000, 0xc7),
  writerPc: 0x8020_0100n,
  writerCount: 500,
  writtenByGuest: true,
  reason: '',
};

describe('a stale translation in words', () => {
  const symbols = new SymbolSpace([]);

  it('names both vCPUs where another one changed the entry', () => {
    const text = explainStale({ ...record, writerVcpu: 0 }, symbols);
    assert.match(text, /^Load from 0x40000000 at 0x80200010 on vCPU 1 uses a stale translation/);
    assert.match(text, /by the instruction at 0x80200100 on vCPU 0, 1000 instructions before/);
    assert.match(text, /no sfence\.vma for the address followed there, or by a remote fence \(Privileged 4\.2\.1\)/);
  });

  it('names none where the same one did', () => {
    for (const writerVcpu of [{ writerVcpu: 1 }, {}]) {
      const text = explainStale({ ...record, ...writerVcpu }, symbols);
      assert.doesNotMatch(text, /vCPU|remote/);
    }
  });
});
