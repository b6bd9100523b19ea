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
      'Machine: 1,234,567 instructions · 0.012346 s of virtual time',
      'kernel: 83 exits',
      '  csrRead: 40',
      '  csrWrite: 40',
      '  sret: 3',
      'No details: "hypervisor.exitLog" is 0 in the launch configuration',
    ]);
  });

  it('show what came since the stop before', () => {
    const next = {
      instructions: 1_234_600,
      virtualSeconds: 0.0123459,
      guests: [{ guest: 'kernel', exits: { sret: 3, csrWrite: 42, csrRead: 40, mmio: 1000 } }],
    };
    assert.deepEqual(text(presentStatistics(next, first)), [
      'Machine: 1,234,600 (+33) instructions · 0.012346 s of virtual time',
      'kernel: 1,085 (+1,002) exits',
      '  mmio: 1,000 (+1,000)',
      '  csrWrite: 42 (+2)',
      '  csrRead: 40',
      '  sret: 3',
      'No details: "hypervisor.exitLog" is 0 in the launch configuration',
    ]);
  });

  it('have no guests on the bare machine', () => {
    assert.deepEqual(text(presentStatistics({ instructions: 0, virtualSeconds: 0, guests: [] })), [
      'Machine: 0 instructions · 0.000000 s of virtual time',
      'No VM exits: in this "mode" there is no hypervisor',
    ]);
  });

  it('open into what exits were about and where, and show the last ones, newest first', () => {
    const source = { path: '/kernel/trap.c', line: 12 };
    const rows = presentStatistics({
      instructions: 100,
      virtualSeconds: 0,
      guests: [
        {
          guest: 'kernel',
          exits: { csrWrite: 3 },
          kinds: [
            {
              kind: 'csrWrite',
              count: 3,
              milliseconds: 0.006,
              subjects: [{ name: 'satp', count: 3, milliseconds: 0.006 }],
              places: [
                { pc: '0x80', symbol: 'main+0x4', source, count: 2, milliseconds: 0.004 },
                { pc: '0x90', count: 1, milliseconds: 0.002 },
              ],
            },
          ],
        },
      ],
      lastExits: [
        { index: 2, guest: 'kernel', kind: 'csrWrite', text: 'csrWrite satp', instructions: 90, pc: '0x80', source },
      ],
    });
    assert.deepEqual(text(rows), [
      'Machine: 100 instructions · 0.000000 s of virtual time',
      'kernel: 3 exits',
      '  csrWrite: 3 · 2.0 µs each',
      '    satp: 3',
      '    main+0x4: 2 trap.c:12',
      '    0x90: 1',
      'Last exits: newest first',
      '  csrWrite satp: after 90 instructions · 0x80 · trap.c:12',
    ]);
    assert.deepEqual(rows[2]?.children[0]?.source, source);
  });
});
