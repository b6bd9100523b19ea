// Base64 against Node's.
import assert from 'node:assert/strict';
import { decodeBase64, encodeBase64 } from './base64';

describe('base64', () => {
  it('agrees with Node for all lengths', () => {
    for (let length = 0; length < 70; length++) {
      const bytes = Uint8Array.from({ length }, (_, index) => (index * 37 + length) & 255);
      const encoded = encodeBase64(bytes);
      assert.equal(encoded, Buffer.from(bytes).toString('base64'));
      assert.deepEqual(decodeBase64(encoded), bytes);
    }
  });
  it('refuses other text', () => {
    assert.throws(() => decodeBase64('AA*A'), /contains "\*"/);
    assert.throws(() => decodeBase64('A'), /length/);
  });
});
