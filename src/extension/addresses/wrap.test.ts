import assert from 'node:assert/strict';
import { wrap } from './wrap';

describe('wrap', () => {
  it('breaks long lines between words, and indents what goes on', () => {
    assert.deepEqual(wrap(['short', '', 'one two three four', '  a b c d e f'], 10), [
      'short',
      '',
      'one two',
      '    three',
      '    four',
      '  a b c d',
      '      e f',
    ]);
  });

  it('leaves words whole, and spaces that are not where a line ends', () => {
    assert.deepEqual(wrap(['0x0123456789abcdef  x'], 10), ['0x0123456789abcdef', '     x']);
    assert.deepEqual(wrap(['a  b'], 10), ['a  b']);
  });
});
