/** Physical memory protection at random. */
import type { Random } from '../../support/random';
import * as at from '../layout';
import type { Ingredient } from '../unit';
import { chance, hex, POINTER, replaceBits, someOf, toMachineMode } from '../unit';

const TOR = 1n;
const NA4 = 2n;
const NAPOT = 3n;
const LOCKED = 0x80n;

/** A range of physical memory, both ends multiples of 4. */
interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

const naturallyAligned = (near: bigint, size: bigint): Range => {
  const start = near - (near % size);
  return { start, end: start + size };
};

/** Within a page, away from its borders. */
const within = (random: Random): bigint =>
  at.FRAMES + at.PAGE * BigInt(random.below(at.DATA_FRAMES)) + BigInt(256 + 4 * random.below(896));

/** Whole pages, of code too. */
const wholePages = (random: Random): bigint =>
  at.FRAMES + at.PAGE * BigInt(random.below(at.DATA_FRAMES + at.CODE_FRAMES));

/** An entry's configuration without its rights, and what its address register (and for TOR the one before) gets. */
function placed(random: Random, borders: boolean): { match: bigint; addresses: readonly bigint[] } {
  const napot = ({ start, end }: Range) => ({
    match: NAPOT,
    addresses: [(start >> 2n) | ((end - start) / 8n - 1n)],
  });
  const tor = (one: bigint, other: bigint) => ({ match: TOR, addresses: [one >> 2n, other >> 2n] });
  if (borders && chance(random, 2)) {
    if (chance(random, 2)) return tor(wholePages(random), wholePages(random));
    return napot(naturallyAligned(wholePages(random), random.pick([4096n, 4096n, 8192n, 16384n])));
  }
  switch (random.below(4)) {
    case 0:
      // Sometimes the wrong way round: then it matches nothing.
      return tor(within(random), within(random));
    case 1:
      return { match: random.pick([0n, NA4]), addresses: [within(random) >> 2n] };
    default:
      return napot(naturallyAligned(within(random), random.pick([8n, 16n, 64n, 256n])));
  }
}

/** One of the first eight entries over some of the data; the last entry opens everything else. */
export const protect: Ingredient = ({ random, traits }) => {
  const { match, addresses } = placed(random, traits.borders);
  const n = addresses.length === 2 ? 1 + random.below(7) : random.below(8);
  const locked = traits.locks && chance(random, 3) ? LOCKED : 0n;
  const config = BigInt(random.pick([0, 1, 3, 4, 5, 7])) | (match << 3n) | locked;
  const shift = 8n * BigInt(n);
  const writes = addresses.flatMap((address, i) => [
    `li x${POINTER}, ${hex(address)}`,
    `csrw pmpaddr${n - addresses.length + 1 + i}, x${POINTER}`,
  ]);
  // QEMU 7.2 looks at the address below a TOR entry when a configuration is written, not when that address is.
  return [...toMachineMode(), ...writes, ...replaceBits('pmpcfg0', 0xffn << shift, config << shift), 'sfence.vma'];
};

/** SUM and MXR together with a mode is what mappings are looked at with. */
export const supervisorRights: Ingredient = ({ random }) => replaceBits('sstatus', 0xc0000n, someOf(random, 0xc0000n));
