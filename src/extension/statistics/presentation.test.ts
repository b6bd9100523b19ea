// The lines of the view "VM Exits".
import assert from 'node:assert/strict';
import { presentStatistics } from './presentation';
import type { StatisticsRow } from './presentation';

const text = (rows: readonly StatisticsRow[], indent = ''): string[] =>
  rows.flatMap(({ label, description, children }) => [
    `${indent}${label}: ${description}`,
    ...text(children, `${indent}  `),
  ]);

describe('VM exit statistics', () => {
  const first = {
    instructions: 1_234_567,
    virtualSeconds: 0.0123456,
    guests: [{ guest: 'kernel', exits: { sret: 3, csrWrite: 40, csrRead: 40, wfi: 0 } }],
  };

  it('show the most frequent kind first, and none that did not happen', () => {
    assert.deepEqual(text(presentStatistics(first)), [
      'Machine: 1,234,567 instructions, 0.012346 s of virtual time',
      'kernel: 83 exits',
      '  csrRead: 40',
      '  csrWrite: 40',
      '  sret: 3',
    ]);
  });

  it('show what came since the stop before', () => {
    const next = {
      instructions: 1_234_600,
      virtualSeconds: 0.0123459,
      guests: [{ guest: 'kernel', exits: { sret: 3, csrWrite: 42, csrRead: 40, mmio: 1000 } }],
    };
    assert.deepEqual(text(presentStatistics(next, first)), [
      'Machine: 1,234,600 (+33) instructions, 0.012346 s of virtual time',
      'kernel: 1,085 (+1,002) exits',
      '  mmio: 1,000 (+1,000)',
      '  csrWrite: 42 (+2)',
      '  csrRead: 40',
      '  sret: 3',
    ]);
  });

  it('have no guests on the bare machine', () => {
    assert.equal(presentStatistics({ instructions: 0, virtualSeconds: 0, guests: [] }).length, 1);
  });
});
