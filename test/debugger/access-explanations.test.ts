/** Every way in which an access can be refused: the rule, its clause, and the sentence for people. */
import assert from 'node:assert/strict';
import type { Tables } from '../../src/debugger/page-tables/page-table-tree';
import { findMappings, MOST_ENTRIES } from '../../src/debugger/page-tables/reverse';
import { HartTarget } from '../../src/debugger/systems/hart-target';
import { VcpuTarget } from '../../src/debugger/systems/vcpu-target';
import type { AccessKind, ModeName, Translation } from '../../src/debugger/target';
import type { ExtensionSwitches } from '../../src/isa/extensions';
import { Machine } from '../../src/machine/machine';
import { makeEntry, PTE_A, PTE_D, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X } from '../../src/machine/pte';
import { GuestLab } from '../support/guest-lab';

const MIB = 1024 * 1024;
const ROOT = 0x8040_0000;
const TABLES = [0x8040_1000, 0x8040_2000, 0x8040_3000, 0x8040_4000];
const DATA = 0x8060_0000;
const VA = 0x4000_0000n;
const RW = PTE_V | PTE_R | PTE_W | PTE_A | PTE_D;

/** A machine with one page at VA, whose leaf is this entry; the scheme's tables above it point down. */
function machineWith(leaf: bigint, { levels = 3, extensions = {} as ExtensionSwitches } = {}): Machine {
  const machine = new Machine({ memoryBytes: 16 * MIB, extensions });
  let table = ROOT;
  for (let level = levels - 1; level > 0; level--) {
    const next = TABLES[level - 1]!;
    machine.memory.write64(table + Number((VA >> BigInt(12 + 9 * level)) & 511n) * 8, makeEntry(next, PTE_V));
    table = next;
  }
  machine.memory.write64(table, leaf);
  const { csrs } = machine.harts[0];
  csrs.write(0x3b0, (1n << 54n) - 1n);
  csrs.write(0x3a0, 0x1fn);
  csrs.write(0x180, (BigInt(levels + 5) << 60n) | BigInt(ROOT / 4096));
  return machine;
}

const explain = (machine: Machine, access: AccessKind, mode: ModeName, address = VA): Translation =>
  new HartTarget(1, 'hart', machine.harts[0], machine).translate(address, access, mode);

const leaf = (bits: number, page = DATA): bigint => makeEntry(page, bits);

describe('explanations of accesses on the bare machine', () => {
  type Case = [
    name: string,
    entry: bigint,
    access: AccessKind,
    mode: ModeName,
    rule: string | undefined,
    clause: string | undefined,
    sentence: RegExp,
    options?: { levels?: number; extensions?: ExtensionSwitches },
  ];
  const cases: Case[] = [
    ['an allowed load', leaf(RW), 'load', 'S', undefined, undefined, /maps a 4 KiB page, so it is at 0x80600000\.$/],
    ['V = 0', 0n, 'load', 'S', 'invalid', '4.3.2, step 3', /V = 0/],
    ['W without R', leaf(PTE_V | PTE_W), 'load', 'S', 'reserved-encoding', '4.3.2, step 3', /W = 1 with R = 0/],
    ['a reserved bit', leaf(RW) | (1n << 54n), 'load', 'S', 'reserved-encoding', '4.3.2, step 3', /bits 60–54/],
    ['N without Svnapot', leaf(RW) | (1n << 63n), 'load', 'S', 'reserved-encoding', '4.3.2, step 3', /Svnapot/],
    ['PBMT without Svpbmt', leaf(RW) | (1n << 61n), 'load', 'S', 'reserved-encoding', '4.3.2, step 3', /Svpbmt/],
    [
      'N with a wrong page number',
      leaf(RW) | (1n << 63n),
      'load',
      'S',
      'reserved-encoding',
      '4.3.2, step 3',
      /does not end in binary 1000/,
      { extensions: { Svnapot: true } },
    ],
    ['a pointer at level 0', leaf(PTE_V), 'load', 'S', 'not-leaf-at-level-0', '4.3.2, step 4', /no level below 0/],
    ['U = 0 in U-mode', leaf(RW), 'load', 'U', 'not-user', '4.3.2, step 5', /U = 0/],
    ['U = 1, SUM = 0', leaf(RW | PTE_U), 'load', 'S', 'user-page-in-supervisor', '4.3.2, step 5', /SUM = 1/],
    ['U = 1, fetch', leaf(RW | PTE_U | PTE_X), 'fetch', 'S', 'user-page-in-supervisor', '4.3.2, step 5', /never exec/],
    ['execute-only, MXR = 0', leaf(PTE_V | PTE_X | PTE_A), 'load', 'S', 'not-readable', '4.3.2, step 5', /MXR = 0/],
    ['W = 0', leaf(PTE_V | PTE_R | PTE_A), 'store', 'S', 'not-writable', '4.3.2, step 5', /read-only/],
    ['X = 0', leaf(RW), 'fetch', 'S', 'not-executable', '4.3.2, step 5', /X = 0/],
    [
      'A = 0 with Svade',
      leaf(RW & ~PTE_A),
      'load',
      'S',
      'accessed-clear',
      '4.3.2, step 7',
      /A = 0, and A is kept by software/,
      { extensions: { Svade: true } },
    ],
    [
      'D = 0 with Svade',
      leaf(RW & ~PTE_D),
      'store',
      'S',
      'dirty-clear',
      '4.3.2, step 7',
      /D = 0/,
      { extensions: { Svade: true } },
    ],
    ['A = 0 otherwise', leaf(RW & ~PTE_A), 'load', 'S', undefined, undefined, /the access sets A/],
    ['no memory', leaf(RW, 0x4000_0000), 'load', 'S', 'no-memory', '3.6.1', /maps a 4 KiB page/],
    ['Sv48', 0n, 'load', 'S', 'invalid', '4.3.2, step 3', /level 0, index 0/, { levels: 4 }],
    ['Sv57', leaf(RW), 'load', 'S', undefined, undefined, /0x80600000/, { levels: 5 }],
  ];
  for (const [name, entry, access, mode, rule, clause, sentence, options] of cases) {
    it(name, () => {
      const found = explain(machineWith(entry, options), access, mode);
      assert.equal(found.rule?.name, rule);
      assert.equal(found.rule?.clause, clause && `Privileged ${clause}`);
      assert.match(found.lines[0]!, sentence);
      assert.equal(found.steps.length, options?.levels ?? 3);
    });
  }

  it('addresses that are not canonical, in each scheme', () => {
    for (const [levels, bits, clause] of [
      [3, 39, '4.4.1'],
      [4, 48, '4.5.1'],
      [5, 57, '4.6.1'],
    ] as const) {
      const found = explain(machineWith(0n, { levels }), 'load', 'S', 1n << BigInt(bits));
      assert.deepEqual(
        [found.rule, found.outcome],
        [{ name: 'non-canonical', clause: `Privileged ${clause}` }, 'page-fault'],
      );
      assert.match(found.lines[0]!, new RegExp(`bits 63–${bits} do not all equal bit ${bits - 1}`));
    }
  });

  it('superpages that are not aligned, and tables outside memory', () => {
    const machine = machineWith(0n);
    machine.memory.write64(ROOT + 8, makeEntry(DATA, RW));
    assert.equal(explain(machine, 'load', 'S').rule?.name, 'misaligned-superpage');
    machine.memory.write64(ROOT + 8, makeEntry(0x4000_0000, PTE_V));
    const found = explain(machine, 'load', 'S');
    assert.deepEqual([found.rule?.name, found.outcome], ['entry-unreadable', 'access-fault']);
  });

  it('devices, which cannot be executed', () => {
    const uart = machineWith(leaf(RW | PTE_X, 0x1000_0000));
    assert.deepEqual([explain(uart, 'load', 'S').outcome, explain(uart, 'load', 'S').device], ['device', 'serial']);
    assert.equal(explain(uart, 'fetch', 'S').rule?.name, 'not-executable-device');
  });

  it('physical memory protection: the entry that decides, for the page and for tables', () => {
    const machine = machineWith(leaf(RW));
    const { csrs } = machine.harts[0];
    // Entry 0: 4 KiB of data, readable only. Entry 1: everything.
    csrs.write(0x3b1, (1n << 54n) - 1n);
    csrs.write(0x3b0, BigInt(DATA / 4) | 0x1ffn);
    csrs.write(0x3a0, 0x1f19n);
    assert.equal(explain(machine, 'load', 'S').outcome, 'allowed');
    const store = explain(machine, 'store', 'S');
    assert.deepEqual([store.rule, store.outcome], [{ name: 'pmp', clause: 'Privileged 3.7' }, 'access-fault']);
    assert.equal(
      store.lines[0],
      'Store to 0x40000000: entry 0 of physical memory protection (0x80600000–0x80600fff, R--) does not allow it ' +
        '(Privileged 3.7), so it is an access fault.',
    );
    csrs.write(0x3b0, BigInt(TABLES[1]! / 4) | 0x1ffn);
    csrs.write(0x3a0, 0x1f18n);
    const table = explain(machine, 'load', 'S');
    assert.deepEqual(table.rule, { name: 'pmp', clause: 'Privileged 4.3.2, step 2' });
    assert.match(table.lines[0]!, /forbids reading the entry at 0x80402000 \(level 1\)/);
  });

  it('loads and stores by mstatus.MPRV in the mode of MPP', () => {
    const machine = machineWith(leaf(PTE_V | PTE_R | PTE_A));
    machine.harts[0].csrs.write(0x300, (1n << 17n) | (1n << 11n));
    assert.deepEqual(
      [explain(machine, 'store', 'M').rule?.name, explain(machine, 'store', 'M').mode],
      ['not-writable', 'S'],
    );
    assert.equal(explain(machine, 'fetch', 'M').satp, 0n);
  });
});

describe('explanations of accesses in a guest', () => {
  function lab(entry: bigint): { target: VcpuTarget; lab: GuestLab } {
    const guest = new GuestLab('nop');
    const put = (gpa: number, value: bigint) => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, value, true);
      guest.guest.memory.write(gpa, bytes);
    };
    put(ROOT + 8, makeEntry(TABLES[1]!, PTE_V));
    put(TABLES[1]!, makeEntry(TABLES[0]!, PTE_V));
    put(TABLES[0]!, entry);
    guest.vcpu.writeCsr(0x180, (8n << 60n) | BigInt(ROOT / 4096));
    return { target: new VcpuTarget(1, guest.vcpu), lab: guest };
  }

  it('as text and as a record', () => {
    const { target } = lab(leaf(RW));
    const { lines, shadow, ...record } = target.translate(VA + 8n, 'store');
    assert.deepEqual(lines.slice(0, -1), [
      'Store to 0x40000008: the leaf entry at 0x80401000 maps a 4 KiB page, so it is at 0x80600008.',
      'level 2: table 0x80400000, index 1: 0x80400008 holds 0x0000000020100801 -------V: table 0x80402000',
      'level 1: table 0x80402000, index 0: 0x80402000 holds 0x0000000020100401 -------V: table 0x80401000',
      'level 0: table 0x80401000, index 0: 0x80401000 holds 0x00000000201800c7 DA---WRV: 4 KiB page 0x80600000',
      'GPA 0x80600008 lies at HVA 0x88600008 (the HPA is the same).',
    ]);
    assert.match(lines.at(-1)!, /^Shadow page table \(view vS, root 0x[0-9a-f]+\): nothing is mapped there yet/);
    assert.equal(shadow?.state, 'empty');
    assert.deepEqual(record, {
      address: VA + 8n,
      access: 'store',
      mode: 'vS',
      satp: (8n << 60n) | BigInt(ROOT / 4096),
      outcome: 'allowed',
      gpa: BigInt(DATA + 8),
      hpa: BigInt(DATA + 8 + 0x0800_0000),
      steps: [
        {
          level: 2,
          index: 1,
          entryAddress: ROOT + 8,
          entry: makeEntry(TABLES[1]!, PTE_V),
          flags: '-------V',
          kind: 'table',
          target: TABLES[1],
        },
        {
          level: 1,
          index: 0,
          entryAddress: TABLES[1],
          entry: makeEntry(TABLES[0]!, PTE_V),
          flags: '-------V',
          kind: 'table',
          target: TABLES[0],
        },
        { level: 0, index: 0, entryAddress: TABLES[0], entry: leaf(RW), flags: 'DA---WRV', kind: 'leaf', target: DATA },
      ],
    });
  });

  it('in another mode than the present one', () => {
    const { target } = lab(leaf(RW));
    assert.equal(target.translate(VA, 'load', 'vU').rule?.name, 'not-user');
    assert.match(target.translate(VA, 'load', 'vU').lines.at(-1)!, /there is none for this mode yet/);
  });

  it('where no memory and where a device is', () => {
    const { target, lab: guest } = lab(leaf(RW | PTE_X, 0x7000_0000));
    assert.deepEqual(target.translate(VA, 'load').rule, { name: 'no-memory', clause: 'Privileged 3.6.1' });
    assert.equal(target.translate(VA, 'load').outcome, 'access-fault');
    guest.vcpu.writeCsr(0x180, 0n);
    const uart = target.translate(0x1000_0000n, 'store');
    assert.deepEqual([uart.outcome, uart.device, uart.satp], ['device', 'serial', 0n]);
    assert.equal(target.translate(1n << 60n, 'load').rule?.name, 'no-memory');
  });
});

describe('virtual addresses of a physical one', () => {
  const guestTables = (read: (address: number) => bigint): Tables => ({
    name: 'guest',
    root: ROOT,
    read,
    readLow: (address) => Number(BigInt.asUintN(32, read(address))),
  });

  const tables = (entries: ReadonlyMap<number, bigint>, levels = 3) => ({
    satp: 8n << 60n,
    asid: 7,
    levels,
    isCurrent: true,
    guest: guestTables((address) => entries.get(address) ?? 0n),
    views: undefined,
    toHpa: (gpa: number) => gpa,
  });

  it('are found in all sizes of pages, in both halves of the address space', () => {
    const entries = new Map([
      [ROOT + 8, makeEntry(TABLES[1]!, PTE_V)],
      [TABLES[1]!, makeEntry(TABLES[0]!, PTE_V)],
      [TABLES[0]! + 8, leaf(RW)],
      [TABLES[1]! + 16, makeEntry(DATA, RW)],
      [ROOT + 511 * 8, makeEntry(0x8000_0000, RW)],
    ]);
    const { found, isCut } = findMappings([tables(entries)], DATA + 0x123);
    assert.deepEqual(
      found.map(({ gva, level, entryAddress }) => [gva, level, entryAddress]),
      [
        [0x4000_1123n, 0, TABLES[0]! + 8],
        [0x4040_0123n, 1, TABLES[1]! + 16],
        [0xffff_ffff_c060_0123n, 2, ROOT + 511 * 8],
      ],
    );
    assert.equal(isCut, false);
  });

  it('are searched for with a bound, also where a table maps itself everywhere', () => {
    const self = new Map(
      Array.from({ length: 512 }, (_, i) => [ROOT + i * 8, makeEntry(ROOT, i === 0 ? RW : PTE_V)] as const),
    );
    const { found, isCut } = findMappings([tables(self, 5)], ROOT);
    assert.ok(isCut && found.length === 64);
    const wide = tables(new Map(), 3);
    let reads = 0;
    const everywhere = {
      ...wide,
      guest: guestTables((address) => (reads++, makeEntry((address * 512) % 2 ** 40, PTE_V))),
    };
    assert.equal(findMappings([everywhere], DATA).isCut, true);
    assert.ok(reads <= 2 * MOST_ENTRIES, `${reads} reads`);
  });
});
