// The page-table tree over tables made up here: levels, folding, agreement, superpages in pieces, damage.
import assert from 'node:assert/strict';
import { makeEntry, PTE_A, PTE_D, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X } from '../../machine/pte';
import { MachinePageTables } from './page-table-tree';
import type { SpaceTables, Tables } from './page-table-tree';
import type { TreeNode } from './tree';

const OFFSET = 0x0800_0000;
const RWX = PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D;
const SHADOW = RWX | PTE_U;

/** Entries by address; all others within the first 256 MiB from 0x80000000 are zero. */
function tables(name: string, root: number, entries: Record<number, bigint>): Tables {
  const read = (address: number): bigint | undefined =>
    entries[address] ?? (address >= 0x80000000 && address < 0x9000_0000 ? 0n : undefined);
  const readLow = (address: number): number | undefined => {
    const entry = read(address);
    return entry === undefined ? undefined : Number(BigInt.asUintN(32, entry));
  };
  return { name, root, read, readLow };
}

function tree(guest: Tables | undefined, views: readonly Tables[] | undefined): MachinePageTables {
  const space: SpaceTables = {
    satp: 0x8000000000080000n,
    asid: 0,
    levels: 3,
    isCurrent: true,
    guest,
    views,
    toHpa: (gpa) => (gpa >= 0x80000000 && gpa < 0x88000000 ? gpa + OFFSET : undefined),
  };
  return new MachinePageTables([{ guest: 'linux', toGpa: (hpa) => hpa, spaces: () => [space] }]);
}

/** The whole tree, a line per node. */
function render(pageTables: MachinePageTables, id?: string, indent = ''): string[] {
  return pageTables.children(id).flatMap((node) => {
    const inner = node.kind === 'leaf' || node.kind === 'note' ? [] : render(pageTables, node.id, indent + '  ');
    return [indent + line(node), ...inner];
  });
}

function line(node: TreeNode): string {
  switch (node.kind) {
    case 'guest':
      return node.guest;
    case 'addressSpace':
      return `satp ${node.satp.toString(16)} ${node.views?.join() ?? 'bare'}`;
    case 'table':
      return `L${node.level} ${node.gva.toString(16)} table ${node.guestTable?.toString(16)} ${node.views.join()}`;
    case 'note':
      return node.text;
    case 'leaf': {
      const { gva, level, gpa, hpa, shadow, agreement } = node.entry;
      const views = shadow.map(({ view, hpa: at }) => `${view}@${at.toString(16)}`);
      return `${gva.toString(16)} L${level} ×${node.count} ${gpa?.toString(16)} ${hpa?.toString(16)} [${views.join(' ')}] ${agreement}`;
    }
  }
}

describe('page-table tree', () => {
  const guestEntries = {
    [0x80000000 + 2 * 8]: makeEntry(0x80001000, PTE_V),
    [0x80000000 + 511 * 8]: makeEntry(0x80000000, RWX),
    [0x80001000 + 0 * 8]: makeEntry(0x80002000, PTE_V),
    [0x80001000 + 1 * 8]: makeEntry(0x80200000, RWX),
    [0x80001000 + 2 * 8]: makeEntry(0x80400000, RWX),
    [0x80002000 + 5 * 8]: makeEntry(0x80010000, RWX),
    [0x80002000 + 6 * 8]: makeEntry(0x80011000, RWX),
    [0x80002000 + 7 * 8]: makeEntry(0x80012000, RWX & ~PTE_D),
    [0x80002000 + 9 * 8]: makeEntry(0x10000000, RWX),
  };

  it('shows the guest table, neighbours folded', () => {
    assert.deepEqual(render(tree(tables('guest', 0x80000000, guestEntries), undefined)), [
      'linux',
      '  satp 8000000000080000 bare',
      '    L2 80000000 table 80001000 ',
      '      L1 80000000 table 80002000 ',
      '        80005000 L0 ×2 80010000 88010000 [] agrees',
      '        80007000 L0 ×1 80012000 88012000 [] agrees',
      '        80009000 L0 ×1 10000000 undefined [] agrees',
      '      80200000 L1 ×2 80200000 88200000 [] agrees',
      '    ffffffffc0000000 L2 ×1 80000000 88000000 [] agrees',
    ]);
  });

  it('shows guest and shadow side by side, a superpage in pieces, and what is stale', () => {
    const shadow = tables('vS', 0x80100000, {
      [0x80100000 + 2 * 8]: makeEntry(0x80101000, PTE_V),
      [0x80101000 + 0 * 8]: makeEntry(0x80102000, PTE_V),
      [0x80101000 + 1 * 8]: makeEntry(0x80103000, PTE_V | 0x100),
      [0x80102000 + 5 * 8]: makeEntry(0x88010000, SHADOW),
      [0x80102000 + 6 * 8]: makeEntry(0x88077000, SHADOW),
      [0x80102000 + 7 * 8]: makeEntry(0x88012000, SHADOW & ~PTE_W),
      [0x80102000 + 8 * 8]: makeEntry(0x88013000, SHADOW),
      [0x80103000 + 1 * 8]: makeEntry(0x88201000, SHADOW),
    });
    assert.deepEqual(render(tree(tables('guest', 0x80000000, guestEntries), [shadow])).slice(2), [
      '    L2 80000000 table 80001000 vS',
      '      L1 80000000 table 80002000 vS',
      '        80005000 L0 ×1 80010000 88010000 [vS@88010000] agrees',
      '        80006000 L0 ×1 80011000 88011000 [vS@88077000] stale',
      '        80007000 L0 ×1 80012000 88012000 [vS@88012000] agrees',
      '        80008000 L0 ×1 undefined undefined [vS@88013000] stale',
      '        80009000 L0 ×1 10000000 undefined [] not-memory',
      '      L1 80200000 table undefined vS',
      '        80200000 L0 ×1 80200000 88200000 [] not-filled',
      '        80201000 L0 ×1 80201000 88201000 [vS@88201000] agrees',
      '        80202000 L0 ×510 80202000 88202000 [] not-filled',
      '      80400000 L1 ×1 80400000 88400000 [] not-filled',
      '    ffffffffc0000000 L2 ×1 80000000 88000000 [] not-filled',
    ]);
  });

  it('compares with one-to-one when the guest translates nothing', () => {
    const shadow = tables('bare', 0x80100000, {
      [0x80100000 + 2 * 8]: makeEntry(0x80101000, PTE_V),
      [0x80101000 + 1 * 8]: makeEntry(0x88200000, SHADOW),
      [0x80101000 + 2 * 8]: makeEntry(0x88200000, SHADOW),
    });
    assert.deepEqual(render(tree(undefined, [shadow])).slice(3), [
      '      80200000 L1 ×1 80200000 88200000 [bare@88200000] agrees',
      '      80400000 L1 ×1 80400000 88400000 [bare@88200000] stale',
    ]);
  });

  it('says so when a table is outside memory, and survives tables that contain themselves', () => {
    const wild = tables('guest', 0x80000000, { [0x80000000]: makeEntry(0xf0000000, PTE_V) });
    assert.deepEqual(render(tree(wild, [])).slice(3), ['      The guest table at 0xf0000000 is outside memory.']);
    const cyclic = tables('guest', 0x80000000, { [0x80000000]: makeEntry(0x80000000, PTE_V) });
    assert.deepEqual(render(tree(cyclic, [])).slice(2), ['    L2 0 table 80000000 ', '      L1 0 table 80000000 ']);
  });

  for (const id of [
    '',
    'x',
    'g1',
    'g0/s1',
    'g0/s8000000000080000/512',
    'g0/s8000000000080000/1/1/1',
    'g0/s8000000000080000/=1',
  ]) {
    it(`has no children for the id "${id}"`, () => {
      assert.deepEqual(tree(tables('guest', 0x80000000, guestEntries), []).children(id), []);
    });
  }

  it('takes 16 joined entries of a bare machine for a page of 64 KiB', () => {
    const joined = makeEntry(0x8010_8000, RWX) | (1n << 63n);
    const guest = tables('guest', 0x8000_0000, {
      0x8000_0000: makeEntry(0x8000_1000, PTE_V),
      0x8000_1000: makeEntry(0x8000_2000, PTE_V),
      ...Object.fromEntries(Array.from({ length: 16 }, (_, i) => [0x8000_2000 + 8 * (16 + i), joined])),
    });
    const leaves = render(tree(guest, undefined)).filter((text) => text.includes('L0 '));
    assert.deepEqual(
      leaves.map((text) => text.trim().split(' [')[0]),
      ['10000 L0 ×16 80100000 88100000'],
    );
  });
});
