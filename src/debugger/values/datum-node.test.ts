// Program values as text and as trees.
import assert from 'node:assert/strict';
import type { EnumType, StructType, Type } from '../../symbols/model';
import { baseType, constantDatum, datumAt, pointerTo, storeInteger } from './datum';
import { datumNode, datumText } from './datum-node';
import type { DatumContext } from './datum-node';
import type { Memory } from './place';
import type { ValueNode } from './value-node';

const BASE = 0x1000n;
const bytes = new Uint8Array(0x200);
const memory: Memory = {
  read(address, size) {
    const at = Number(address - BASE);
    return at >= 0 && at + size <= bytes.length ? bytes.slice(at, at + size) : undefined;
  },
  write: (address, written) => bytes.set(written, Number(address - BASE)),
};
const context: DatumContext = {
  memory,
  presentation: { hex: false },
  nameOf: (address) => (address === 0x80200000n ? 'main' : undefined),
};
const i32 = baseType({ bits: 32, signed: true });
const u8 = baseType({ bits: 8, signed: false });
const char: Type = { kind: 'base', name: 'char', size: 1, encoding: 'character', isSigned: false };
const color: EnumType = {
  kind: 'enum',
  name: 'enum color',
  size: 4,
  isSigned: false,
  enumerators: [
    { name: 'RED', value: 1n },
    { name: 'GREEN', value: 2n },
  ],
};
const point: StructType = {
  kind: 'struct',
  flavour: 'struct',
  name: 'struct point',
  size: 16,
  isIncomplete: false,
  members: [
    { name: 'x', type: i32, offset: 0, isBaseClass: false },
    { name: 'flags', type: u8, offset: 4, bitSize: 3, bitOffset: 2, isBaseClass: false },
    { name: 'name', type: pointerTo(char), offset: 8, isBaseClass: false },
  ],
};
const array = (element: Type, count: number): Type => ({
  kind: 'array',
  name: `${element.name}[${count}]`,
  size: element.size * count,
  element,
  count,
});

/** The tree as indented lines. */
function render(node: ValueNode, depth = 0): string[] {
  const children = depth < 3 ? (node.children?.list(0, 4) ?? []) : [];
  return [`${'  '.repeat(depth)}${node.name} = ${node.text}`, ...children.flatMap((child) => render(child, depth + 1))];
}

describe('program values', () => {
  beforeEach(() => {
    bytes.fill(0);
    const view = new DataView(bytes.buffer);
    view.setInt32(0, -5, true);
    bytes[4] = 0b10100;
    view.setBigUint64(8, 0x1100n, true);
    bytes.set(new TextEncoder().encode('hi "there"\n'), 0x100);
  });

  const texts: readonly [string, Type | undefined, bigint, string][] = [
    ['a signed number', i32, 0xfffffffbn, '-5'],
    ['a character', char, 65n, "65 'A'"],
    ['a control character', char, 10n, "10 '\\x0a'"],
    ['an enumerator', color, 2n, 'GREEN (2)'],
    ['combined enumerators', color, 3n, 'RED | GREEN (0x3)'],
    ['no enumerator', color, 8n, '8'],
    ['a pointer to code', pointerTo(undefined), 0x80200000n, '0x80200000 <main>'],
    ['a null pointer', pointerTo(char), 0n, '0x0'],
    ['a string', pointerTo(char), 0x1100n, '0x1100 "hi \\"there\\"\\n"'],
    ['a pointer to nowhere', pointerTo(char), 0x9000n, '0x9000'],
    ['truth', { kind: 'base', name: 'bool', size: 1, encoding: 'boolean', isSigned: false }, 1n, 'true'],
    ['nothing', undefined, 0n, 'void'],
  ];
  for (const [what, type, value, text] of texts) {
    it(`writes ${what}`, () => assert.equal(datumText(constantDatum(type, value), context), text));
  }

  it('writes numbers in hexadecimal when asked', () => {
    assert.equal(datumText(constantDatum(i32, -5n), { ...context, presentation: { hex: true } }), '0xfffffffb');
  });

  it('opens structs, arrays and pointers', () => {
    const nodes = datumNode('p', constantDatum(pointerTo(point), BASE), context, 'p');
    assert.deepEqual(render(nodes), [
      'p = 0x1000',
      '  x = -5',
      '  flags = 5',
      '  name = 0x1100 "hi \\"there\\"\\n"',
      "    * = 104 'h'",
    ]);
    assert.equal(nodes.children!.list(0, 9)[0].expression, '(*p).x');
    const list = datumNode('a', datumAt(memory, BASE, array(u8, 300)), context, 'a');
    assert.equal(list.text, '[300] {251, 255, 255, 255, 20, 0, 0, 0, …}');
    assert.equal(list.children!.indexed, 300);
    assert.deepEqual(
      list.children!.list(298, 100).map(({ name, expression }) => `${name} ${expression}`),
      ['[298] a[298]', '[299] a[299]'],
    );
    assert.equal(
      datumText(datumAt(memory, BASE, point), context),
      '{x = -5, flags = 5, name = 0x1100 "hi \\"there\\"\\n"}',
    );
    assert.equal(datumText(datumAt(memory, 0x1100n, array(char, 32)), context), '"hi \\"there\\"\\n"');
  });

  it('says why a value is not there', () => {
    assert.equal(datumText(datumAt(memory, 0x9000n, i32), context), '<cannot read memory at 0x9000>');
    const incomplete = { ...point, isIncomplete: true };
    assert.match(datumText(datumAt(memory, BASE, incomplete), context), /declared only/);
  });

  it('changes numbers and bit-fields in place', () => {
    const nodes = datumNode('s', datumAt(memory, BASE, point), context).children!.list(0, 9);
    nodes[0].set!(-7n);
    nodes[1].set!(2n);
    assert.equal(datumText(datumAt(memory, BASE, i32), context), '-7');
    assert.equal(bytes[4], 0b01000);
    assert.throws(() => storeInteger(constantDatum(i32, 1n), 2n), /no place of its own/);
  });

  it('does not follow types that contain themselves for ever', () => {
    const loop = { kind: 'typedef', name: 'loop', size: 8 } as unknown as Type & { target: Type };
    loop.target = loop;
    assert.equal(datumText(constantDatum(loop, 1n), context), 'void');
  });
});
