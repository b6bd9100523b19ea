// Memory as the memory document shows it.
import assert from 'node:assert/strict';
import { hexDump } from './hex-dump';

describe('hex dump', () => {
  it('shows sixteen bytes a line with their characters', () => {
    const bytes = Uint8Array.from({ length: 18 }, (_, index) => 0x3d + index);
    assert.equal(
      hexDump(0x80200000n, bytes),
      [
        '0x0000000080200000  3d 3e 3f 40 41 42 43 44  45 46 47 48 49 4a 4b 4c  |=>?@ABCDEFGHIJKL|',
        '0x0000000080200010  4d 4e                                             |MN|',
      ].join('\n'),
    );
  });

  it('marks what cannot be read, and wraps at the end of the address space', () => {
    assert.equal(
      hexDump(0xffff_ffff_ffff_fff0n, Uint8Array.of(0, 0x7f), 16),
      [
        '0xfffffffffffffff0  00 7f -- -- -- -- -- --  -- -- -- -- -- -- -- --  |................|',
        '0x0000000000000000  -- --                                             |..|',
      ].join('\n'),
    );
  });
});
