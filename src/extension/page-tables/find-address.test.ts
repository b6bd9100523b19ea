// Going to an address in the page-table tree.
import assert from 'node:assert/strict';
import type { LeafNode, PageTableNode } from '../../protocol/page-table';
import { describeTranslation, findAddress, parseAddress } from './find-address';

describe('addresses as typed', () => {
  it('may be hexadecimal or decimal', () => {
    assert.equal(parseAddress(' 0x8020_0000 '), 0x80200000n);
    assert.equal(parseAddress('0XFFFFFFFFFFFFFFFF'), 2n ** 64n - 1n);
    assert.equal(parseAddress('4096'), 4096n);
  });

  it('are refused when they are none, or longer than 64 bits', () => {
    for (const text of ['', 'main', '0x', '0x_', '-1', '12ab', '0x10000000000000000', '18446744073709551616']) {
      assert.equal(parseAddress(text), undefined, text);
    }
  });
});

describe('finding an address', () => {
  const common = { label: '', description: '', tooltip: '' };
  const range = (first: number, last: number) => ({ first: `0x${first.toString(16)}`, last: `0x${last.toString(16)}` });
  const table = (id: string, first: number, last: number): PageTableNode =>
    ({ ...common, kind: 'table', id, level: 1, gva: range(first, last), hasChildren: true }) as const;
  const leaf = (id: string, first: number, last: number): PageTableNode =>
    ({
      ...common,
      ...{ kind: 'leaf', id, level: 0, count: 1, gva: range(first, last), shadow: [], agreement: 'agrees' },
      hasChildren: false,
    }) as const;
  const space = (id: string, isCurrent: boolean): PageTableNode =>
    ({ ...common, kind: 'addressSpace', id, satp: '0x0', isCurrent, hasChildren: true }) as const;
  const guest = (id: string): PageTableNode =>
    ({ ...common, kind: 'guest', id, guest: id, hasChildren: true }) as const;

  const children: Readonly<Record<string, readonly PageTableNode[]>> = {
    '': [guest('one'), guest('two')],
    one: [space('one/old', false), space('one/now', true)],
    two: [space('two/now', true)],
    'one/old': [leaf('wrong', 0, 0xffff)],
    'one/now': [table('low', 0, 0xffff), leaf('high', 0x10000, 0x1ffff)],
    low: [leaf('low/0', 0x1000, 0x1fff), leaf('low/1', 0x2000, 0x4fff)],
    'two/now': [leaf('two/leaf', 0x5000, 0x5fff)],
  };
  const find = async (gva: bigint): Promise<readonly string[]> =>
    (await findAddress(gva, (node) => Promise.resolve(children[node?.id ?? ''] ?? []))).map(({ id }) => id);

  it('goes down the address space in use to the leaf', async () => {
    assert.deepEqual(await find(0x4fffn), ['one', 'one/now', 'low', 'low/1']);
    assert.deepEqual(await find(0x10000n), ['one', 'one/now', 'high']);
  });

  it('takes the guest that maps the address', async () => {
    assert.deepEqual(await find(0x5000n), ['two', 'two/now', 'two/leaf']);
  });

  it('ends where nothing is mapped', async () => {
    assert.deepEqual(await find(0x8000n), ['one', 'one/now', 'low']);
    assert.deepEqual(await find(0x80000000n), ['one', 'one/now']);
  });
});

describe('describing a translation', () => {
  const leaf: LeafNode = {
    kind: 'leaf',
    id: '',
    label: '',
    description: '',
    tooltip: '',
    hasChildren: false,
    level: 0,
    count: 2,
    gva: { first: '0xffffffc000001000', last: '0xffffffc000002fff' },
    shadow: [],
    agreement: 'agrees',
  };

  it('keeps the distance from the first address', () => {
    assert.equal(
      describeTranslation(0xffffffc000002345n, { ...leaf, gpa: '0x80001000', hva: '0x88001000' }),
      '0xffffffc000002345 → GPA 0x80002345 → HVA 0x88002345',
    );
  });

  it('ends where nothing is mapped, or no memory is', () => {
    assert.equal(
      describeTranslation(0xffffffc000001008n, { ...leaf, gpa: '0x10000000' }),
      '0xffffffc000001008 → GPA 0x10000008',
    );
    assert.equal(
      describeTranslation(0xffffffc000001000n, leaf),
      '0xffffffc000001000 → no GPA: the guest maps nothing here',
    );
  });

  it('tells where the hart really goes while the shadow entry is stale', () => {
    const shadow = [{ view: 'vS', flags: '-A-U--RV', hpa: '0x88005000' }];
    assert.equal(
      describeTranslation(0xffffffc000001010n, { ...leaf, gpa: '0x80001000', agreement: 'stale', shadow }),
      '0xffffffc000001010 → GPA 0x80001010. The stale shadow entry still leads to HPA 0x88005010 in vS.',
    );
  });
});
