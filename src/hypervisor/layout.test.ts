import assert from 'node:assert/strict';
import { placeGuests } from './layout';

const MIB = 0x10_0000;

describe('memory of guests', () => {
  it('lies at multiples of 128 MiB', () => {
    assert.deepEqual(placeGuests([128 * MIB, 128 * MIB], 3072 * MIB), [
      { base: 0x8800_0000, size: 128 * MIB },
      { base: 0x9000_0000, size: 128 * MIB },
    ]);
  });

  it('shifts the guests after a larger one', () => {
    const bases = placeGuests([200 * MIB, MIB, 128 * MIB], 3072 * MIB).map(({ base }) => base);
    assert.deepEqual(bases, [0x8800_0000, 0x9800_0000, 0xa000_0000]);
  });

  it('may be all that the machine has, and not more', () => {
    assert.equal(placeGuests([2944 * MIB], 3072 * MIB)[0].base, 0x8800_0000);
    assert.throws(() => placeGuests([2945 * MIB], 3072 * MIB), /Guest 1 with 2945 MiB does not fit.*2944 MiB left/);
    assert.throws(() => placeGuests([128 * MIB, 128 * MIB], 256 * MIB), /Guest 2 .* 0 MiB left/);
    assert.throws(() => placeGuests([128 * MIB], 64 * MIB), /0 MiB left/);
  });

  it('is a multiple of 4 KiB', () => {
    for (const size of [0, -4096, 4096, 100_000, NaN, Infinity]) assert.throws(() => placeGuests([size], 3072 * MIB));
  });
});
