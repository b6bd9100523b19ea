// Addresses as users type them.
import assert from 'node:assert/strict';
import { parseTypedAddress } from './typed-address';

describe('typed addresses', () => {
  it('have a kind, the guest-virtual one unless said otherwise', () => {
    assert.deepEqual(parseTypedAddress(' 0x8020_0000 '), { kind: 'gva', address: '0x80200000' });
    assert.deepEqual(parseTypedAddress('GPA 4096'), { kind: 'gpa', address: '0x1000' });
    assert.deepEqual(parseTypedAddress('hpa:0x88200000'), { kind: 'hpa', address: '0x88200000' });
    assert.deepEqual(parseTypedAddress('hva 0x88200000'), { kind: 'hpa', address: '0x88200000' });
  });

  it('are refused when they are none', () => {
    for (const text of ['', 'gpa', '0x', 'main', 'abc 0x1', '0x1 0x2'])
      assert.equal(parseTypedAddress(text), undefined, text);
  });
});
