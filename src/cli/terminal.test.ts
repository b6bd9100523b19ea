import assert from 'node:assert/strict';
import { EscapeFilter } from './terminal';

describe('escape key of the terminal', () => {
  const type = (filter: EscapeFilter, text: string) => {
    const { bytes, quit } = filter.filter(new TextEncoder().encode(text));
    return [new TextDecoder().decode(bytes), quit];
  };

  it('passes everything else on', () => {
    assert.deepEqual(type(new EscapeFilter(), 'ls\r\x03\x1b[A'), ['ls\r\x03\x1b[A', false]);
  });

  it('ends with Ctrl-A X, also when typed in two pieces', () => {
    assert.deepEqual(type(new EscapeFilter(), 'ab\x01xcd'), ['ab', true]);
    const filter = new EscapeFilter();
    assert.deepEqual(type(filter, '\x01'), ['', false]);
    assert.deepEqual(type(filter, 'X'), ['', true]);
  });

  it('sends Ctrl-A itself when typed twice', () => {
    assert.deepEqual(type(new EscapeFilter(), '\x01\x01x'), ['\x01x', false]);
  });
});
