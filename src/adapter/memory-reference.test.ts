// Memory references.
import assert from 'node:assert/strict';
import { parseReference } from './memory-reference';

describe('memory references', () => {
  for (const [text, kind, address] of [
    ['0x80200000', 'gva', 0x80200000n],
    ['gpa:0x1000', 'gpa', 0x1000n],
    ['HPA:0xffffffffffffffff', 'hpa', 0xffffffffffffffffn],
    ['hva:0x88000000', 'hpa', 0x88000000n],
    ['4096', 'gva', 4096n],
  ] as const) {
    it(`reads ${text}`, () => assert.deepEqual(parseReference(text), { kind, address }));
  }
  for (const text of ['', 'main', '0x', '-1', '0x1ffffffffffffffff', '99999999999999999999', 'xyz:0x0']) {
    it(`refuses "${text}"`, () => assert.throws(() => parseReference(text), /is no address/));
  }
});
