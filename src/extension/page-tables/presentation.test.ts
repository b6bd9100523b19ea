// How nodes of the page-table tree look.
import assert from 'node:assert/strict';
import type { Agreement, LeafNode } from '../../protocol/page-table';
import { AGREEMENTS, present } from './presentation';

const common = { id: 'x', description: '', tooltip: 'Explained.', hasChildren: false };
const leaf = (fields: Partial<LeafNode>): LeafNode => ({
  ...common,
  kind: 'leaf',
  label: '0x1000',
  level: 0,
  count: 1,
  gva: { first: '0x1000', last: '0x1fff' },
  shadow: [],
  agreement: 'agrees',
  ...fields,
});

describe('page-table nodes', () => {
  it('tell by icon and in speech how the entries agree', () => {
    for (const agreement of Object.keys(AGREEMENTS) as Agreement[]) {
      const { icon, spoken } = present(leaf({ agreement }));
      assert.deepEqual(icon, AGREEMENTS[agreement].icon);
      assert.ok(spoken.includes(AGREEMENTS[agreement].meaning));
    }
    assert.equal(new Set(Object.values(AGREEMENTS).map(({ icon }) => icon.name)).size, 4);
  });

  it('offer the addresses that they have', () => {
    assert.equal(present(leaf({})).offers, 'gva');
    assert.equal(present(leaf({ gpa: '0x80000000' })).offers, 'gva gpa');
    assert.equal(present(leaf({ gpa: '0x80000000', hva: '0x88000000' })).offers, 'gva gpa hva memory');
    const note = present({ ...common, kind: 'note', label: 'Nothing here' });
    assert.equal(note.offers, '');
    assert.equal(note.spoken, 'Nothing here');
  });

  it('tell that a guest is held', () => {
    const node = { ...common, kind: 'guest', label: 'one', guest: 'one', description: '2 address spaces' } as const;
    const states = (['held', 'running'] as const).map((state, index) => ({
      name: ['one', 'two'][index]!,
      state,
      threads: [],
    }));
    const { description, icon, offers, spoken } = present(node, states);
    assert.deepEqual(
      [description, icon.name, offers, spoken],
      ['held · 2 address spaces', 'lock', 'held-guest', 'Guest one, 2 address spaces, held'],
    );
    assert.equal(present({ ...node, guest: 'two' }, states).offers, 'running-guest');
  });

  it('open the way to the address space in use', () => {
    const space = { ...common, kind: 'addressSpace', label: 'satp', satp: '0x8', hasChildren: true } as const;
    assert.equal(present({ ...common, kind: 'guest', label: 'linux', guest: 'linux' }).openAtFirst, true);
    assert.equal(present({ ...space, isCurrent: true }).openAtFirst, true);
    assert.equal(present({ ...space, isCurrent: false }).openAtFirst, false);
    assert.match(present({ ...space, isCurrent: true }).spoken, /in use now/);
  });
});
