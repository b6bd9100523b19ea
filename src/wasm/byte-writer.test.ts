import assert from 'node:assert/strict';
import { ByteWriter, unsignedLength } from './byte-writer';

const written = (write: (out: ByteWriter) => void) => {
  const out = new ByteWriter(1);
  write(out);
  return [...out.bytes];
};

describe('wasm byte writer', () => {
  it('writes unsigned numbers of any length, and knows the length', () => {
    assert.deepEqual(
      written((out) => out.unsigned(624485)),
      [0xe5, 0x8e, 0x26],
    );
    for (const value of [0, 0x7f, 0x80, 0x3fff, 0x4000, 0xffff_ffff]) {
      assert.equal(written((out) => out.unsigned(value)).length, unsignedLength(value));
    }
  });

  it('writes signed numbers as short as they can be', () => {
    const cases: [value: bigint, bytes: number[]][] = [
      [63n, [0x3f]],
      [64n, [0xc0, 0x00]],
      [-64n, [0x40]],
      [-65n, [0xbf, 0x7f]],
      [-123456n, [0xc0, 0xbb, 0x78]],
      [0x7fff_ffffn, [0xff, 0xff, 0xff, 0xff, 0x07]],
      [-0x8000_0000n, [0x80, 0x80, 0x80, 0x80, 0x78]],
    ];
    for (const [value, bytes] of cases) {
      assert.deepEqual(
        written((out) => out.signed32(Number(value))),
        bytes,
      );
      assert.deepEqual(
        written((out) => out.signed64(value)),
        bytes,
      );
    }
  });

  it('writes 64-bit numbers, also those given as unsigned', () => {
    const minimum = [...Array.from({ length: 9 }, () => 0x80), 0x7f];
    assert.deepEqual(
      written((out) => out.signed64(-(2n ** 63n))),
      minimum,
    );
    assert.deepEqual(
      written((out) => out.signed64(2n ** 63n)),
      minimum,
    );
    assert.deepEqual(
      written((out) => out.signed64(2n ** 64n - 1n)),
      [0x7f],
    );
  });

  it('grows', () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i);
    assert.deepEqual(
      written((out) => out.append(bytes)),
      [...bytes],
    );
  });
});
