// What reaches the terminal of what the guest writes.
import assert from 'node:assert/strict';
import { OutputStream } from './output-stream';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('console output', () => {
  it('is written as it comes', () => {
    const stream = new OutputStream();
    assert.deepEqual(stream.take(0, bytes('abc')), { missing: 0, text: 'abc' });
    assert.deepEqual(stream.take(3, bytes('def')), { missing: 0, text: 'def' });
  });

  it('is written once, where the backlog and the events overlap', () => {
    const stream = new OutputStream();
    assert.equal(stream.take(0, bytes('hello')).text, 'hello');
    assert.equal(stream.take(0, bytes('he')).text, '');
    assert.equal(stream.take(2, bytes('llo, world')).text, ', world');
    assert.equal(stream.take(12, bytes('!')).text, '!');
  });

  it('says how much is missing', () => {
    const stream = new OutputStream();
    assert.deepEqual(stream.take(100, bytes('late')), { missing: 100, text: 'late' });
    assert.equal(stream.take(104, bytes('!')).missing, 0);
  });

  it('puts characters together that are split between pieces', () => {
    const stream = new OutputStream();
    const [first, second] = [bytes('é').subarray(0, 1), bytes('é').subarray(1)];
    assert.equal(stream.take(0, first).text, '');
    assert.equal(stream.take(1, second).text, 'é');
  });

  it('shows bytes that are no text', () => {
    assert.equal(new OutputStream().take(0, Uint8Array.of(0xff, 0x41)).text, '\ufffdA');
  });

  it('returns to the first column at each line feed', () => {
    const stream = new OutputStream();
    assert.equal(stream.take(0, bytes('a\nb\r\n\n\rc')).text, 'a\r\nb\r\n\r\n\rc');
  });
});
