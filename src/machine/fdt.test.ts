// The device tree writer: the blob's form, and each kind of value.
import assert from 'node:assert/strict';
import { fdtText, readFdt } from '../../test/support/fdt';
import { cells64, encodeFdt } from './fdt';

describe('encodeFdt', () => {
  it('writes each kind of value, in order', () => {
    const blob = encodeFdt({
      name: '',
      properties: {
        flag: true,
        text: 'abc',
        texts: ['one', 'two'],
        cell: 0xdeadbeef,
        cells: [1, 2, 3],
        bytes: Uint8Array.of(1, 2, 3, 4, 5),
      },
      children: [
        { name: 'first@0', properties: { text: '' }, children: [{ name: 'deep', properties: {} }] },
        { name: 'second', properties: { 'not-ascii': 'ö' } },
      ],
    });
    assert.equal(
      fdtText(readFdt(blob)),
      `/ {
  flag;
  text = "abc";
  texts = "one", "two";
  cell = <deadbeef>;
  cells = <00000001 00000002 00000003>;
  bytes = [01 02 03 04 05];
  first@0 {
    text = [00];
    deep {
    };
  };
  second {
    not-ascii = [c3 b6 00];
  };
};
`,
    );
  });

  it('writes the smallest tree, byte for byte', () => {
    const blob = encodeFdt({ name: '', properties: { a: 1 } }, 3);
    const cells = (...values: number[]) =>
      values.flatMap((value) => [24, 16, 8, 0].map((bit) => (value >>> bit) & 255));
    assert.deepEqual(
      [...blob],
      [
        ...cells(0xd00dfeed, 90, 56, 88, 40, 17, 16, 3, 2, 32),
        ...cells(0, 0, 0, 0),
        ...cells(1, 0, 3, 4, 0, 1, 2, 9),
        ...[0x61, 0],
      ],
    );
  });

  it('stores each property name once', () => {
    const node = (name: string) => ({ name, properties: { 'a-rather-long-property-name': 1 } });
    const one = encodeFdt({ name: '', properties: {}, children: [node('a')] }).length;
    const two = encodeFdt({ name: '', properties: {}, children: [node('a'), node('b')] }).length;
    // Begin (with name), property, end.
    assert.equal(two - one, 8 + 16 + 4);
  });

  it('cuts text at a zero byte', () => {
    const blob = encodeFdt({ name: '', properties: { bootargs: 'quiet\0init=/bin/sh' } });
    assert.deepEqual(new TextDecoder().decode(readFdt(blob).properties[0][1]), 'quiet\0');
  });

  it('splits 64-bit numbers', () => {
    assert.deepEqual(cells64(0x1_8000_0001), [1, 0x80000001]);
    assert.deepEqual(cells64(0x80000000), [0, 0x80000000]);
  });
});
