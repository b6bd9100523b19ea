import assert from 'node:assert/strict';
import { ByteReader, decodeText } from './byte-reader';
import { DwarfError } from './errors';

const reader = (...bytes: number[]): ByteReader => new ByteReader(Uint8Array.from(bytes), '.debug_test');

describe('ByteReader', () => {
  it('reads LEB128 numbers', () => {
    assert.equal(reader(0x02).uleb(), 2);
    assert.equal(reader(0xe5, 0x8e, 0x26).uleb(), 624485);
    assert.equal(reader(0x80, 0x80, 0x00).uleb(), 0);
    assert.equal(reader(0x7f).sleb(), -1);
    assert.equal(reader(0x3f).sleb(), 63);
    assert.equal(reader(0x80, 0x7f).sleb(), -128);
    assert.equal(reader(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f).sleb(), -1);
    assert.equal(reader(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01).ulebBig(), 2n ** 64n - 1n);
    assert.equal(reader(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f).slebBig(), -(2n ** 63n));
  });

  it('refuses numbers that do not fit and data that end early', () => {
    assert.throws(() => reader(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f).uleb(), DwarfError);
    assert.throws(() => reader(...new Array<number>(40).fill(0x80)).uleb(), /too long/);
    assert.throws(() => reader(0x80).uleb(), /\.debug_test: the data ends too early at offset 0x1/);
    assert.throws(() => reader(1, 2, 3).u32(), /ends too early/);
    assert.throws(() => reader(1, 0, 0, 0, 0, 0, 0, 0xff).u64AsNumber(), /too large/);
    assert.throws(() => reader(0x61, 0x62).string(), /has no end/);
    assert.throws(() => reader(1).seek(2), /outside the section/);
    assert.throws(() => reader(1).skip(-1), DwarfError);
  });

  it('keeps to the limits of a part', () => {
    const whole = reader(1, 2, 3, 4);
    const part = whole.sub(2);
    assert.equal(part.u16(), 0x0201);
    assert.throws(() => part.u8(), DwarfError);
    assert.equal(whole.u8(), 3);
    assert.throws(() => whole.sub(5), DwarfError);
  });

  it('reads unit lengths of both formats', () => {
    assert.deepEqual(reader(0x10, 0, 0, 0).initialLength(), { length: 16, is64: false });
    const wide = reader(0xff, 0xff, 0xff, 0xff, 0x20, 0, 0, 0, 0, 0, 0, 0);
    assert.deepEqual(wide.initialLength(), { length: 32, is64: true });
    assert.throws(() => reader(0xf5, 0xff, 0xff, 0xff).initialLength(), /reserved length/);
  });

  it('decodes text of any length', () => {
    for (const text of ['', 'plain', 'grün', 'x'.repeat(100), `${'x'.repeat(70)}é`]) {
      const bytes = new TextEncoder().encode(text);
      assert.equal(decodeText(bytes, 0, bytes.length), text);
    }
  });
});
