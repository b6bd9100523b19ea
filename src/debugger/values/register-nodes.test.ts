// Floating-point registers as text.
import assert from 'node:assert/strict';
import { floatText } from './register-nodes';

describe('floating-point registers', () => {
  for (const [bits, text] of [
    [0x3ff8000000000000n, '1.5 (0x3ff8000000000000)'],
    [0xffffffff3fc00000n, '1.5f (0xffffffff3fc00000)'],
    [0n, '0 (0x0000000000000000)'],
    [0x7ff8000000000000n, 'NaN (0x7ff8000000000000)'],
    [0xfff0000000000000n, '-Infinity (0xfff0000000000000)'],
  ] as const) {
    it(`writes ${text}`, () => assert.equal(floatText(bits), text));
  }
});
