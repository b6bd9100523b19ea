import assert from 'node:assert/strict';
import { describeExitKind, EXIT_KINDS, exitFields } from './exit-record';
import type { ExitRecord, ExitRecordOf } from './exit-record';

describe('the table of VM exits', () => {
  it('names every kind and every field once, with a sentence each', () => {
    assert.equal(new Set(EXIT_KINDS.map((each) => each.kind)).size, EXIT_KINDS.length);
    for (const { kind, description } of EXIT_KINDS) {
      assert.match(description, /^[A-Z].*\.$/, kind);
      const names = exitFields(kind).map((field) => field.name);
      assert.equal(new Set(names).size, names.length, `${kind}: ${names}`);
      for (const field of exitFields(kind)) assert.match(field.description, /\.$/, `${kind}.${field.name}`);
    }
    assert.equal(describeExitKind('nonsense'), undefined);
  });

  it('gives records that the compiler tells apart by kind', () => {
    const satp: ExitRecordOf<'csrWrite'> = {
      kind: 'csrWrite',
      guest: 'guest1',
      vcpu: 0,
      pc: 0x8020_0000n,
      virtualPrivilege: 'vS',
      count: 7,
      csr: 'satp',
      csrNumber: 0x180,
      old: 0n,
      new: 1n,
      written: 1n,
      rd: 0,
    };
    const record = satp as ExitRecord;
    assert.equal(record.kind === 'csrWrite' && record.csr, 'satp');
  });
});
