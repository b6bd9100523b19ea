// What reaches the guest of what is typed into a terminal.
import assert from 'node:assert/strict';
import { InputStream } from './input-stream';

describe('console input', () => {
  it('is UTF-8, control characters as they are', () => {
    assert.deepEqual(new InputStream().take('a\x03\x1b[Aé'), Uint8Array.of(0x61, 0x03, 0x1b, 0x5b, 0x41, 0xc3, 0xa9));
  });

  it('puts characters together that come in two pieces', () => {
    const stream = new InputStream();
    const [first, second] = ['😀'.slice(0, 1), '😀'.slice(1)];
    assert.deepEqual(stream.take(`x${first}`), Uint8Array.of(0x78));
    assert.deepEqual(stream.take(`${second}y`), new TextEncoder().encode('😀y'));
  });
});
