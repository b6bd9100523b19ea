/** Addresses in all mappings, and loads and stores there. */
import type { Random } from '../../support/random';
import * as at from '../layout';
import type { Traits } from '../traits';
import type { Ingredient, Surroundings } from '../unit';
import { anySource, anyTarget, chance, hex, POINTER } from '../unit';

export const WIDTHS = { b: 1, h: 2, w: 4, d: 8 } as const;
const FRAME_BYTES = at.PAGE * BigInt(at.DATA_FRAMES);
/** Distance of a frame's address in the pages of 1 GiB, which begin where memory does. */
const IN_GIGABYTE = at.FRAMES - 0x80000000n;
/** The end of all addresses, from which no access reaches around to the beginning: the order of its faults is free. */
const LAST = (1n << 64n) - 16n;

/** An offset into the data frames; often where an access crosses a page. */
function offsetInData(random: Random, traits: Traits): bigint {
  const page = at.PAGE * BigInt(random.below(at.DATA_FRAMES));
  if (traits.borders || !chance(random, 3)) return page + BigInt(random.below(4088));
  return BigInt.asUintN(64, page + 4096n - BigInt(1 + random.below(8))) % (FRAME_BYTES - 8n);
}

/** Addresses that no mode translates, or only some do. */
export const noncanonical = (random: Random): bigint =>
  random.pick([0n, LAST, (1n << 38n) - 8n, (1n << 47n) + 16n, (1n << 56n) - 4n, (1n << 63n) + 8n, 1n << 62n]);

/** An address of data for a load or store. */
export function dataAddress({ random, traits }: Surroundings): bigint {
  const offset = offsetInData(random, traits);
  switch (random.below(16)) {
    case 0:
      return at.FRAMES + offset;
    case 1:
      return at.FRAMES + at.USER_OFFSET + offset;
    case 2:
      return at.MEGAPAGE + offset;
    case 3:
      return at.GIGAPAGE + IN_GIGABYTE + offset;
    case 4:
      return random.pick([at.TERAPAGE, at.PETAPAGE]) + at.FRAMES + offset;
    case 5:
      return at.NOWHERE + BigInt(random.below(64));
    case 6:
      return (at.PAGES + offset) | (random.pick([1n, 1n << 8n, 1n << 17n, 1n << 24n]) << 39n);
    case 7:
      return noncanonical(random);
    case 8:
    case 9:
    case 10:
      return random.pick(at.aliases(at.PAGES)) + offset;
    default:
      return at.PAGES + offset;
  }
}

/** A load or store of any width: mnemonic and register. */
function access(random: Random, width: keyof typeof WIDTHS): string {
  const isFloat = (width === 'w' || width === 'd') && chance(random, 5);
  const float = (): string => `f${random.below(32)}`;
  if (chance(random, 2)) {
    if (isFloat) return `fl${width} ${float()}`;
    return `l${width}${width !== 'd' && chance(random, 2) ? 'u' : ''} x${anyTarget(random)}`;
  }
  return isFloat ? `fs${width} ${float()}` : `s${width} x${anySource(random)}`;
}

/**
 * Whether eight bytes from here on lie on both sides of where a mapping of the pages begins: in front of it there may be an
 * address without memory, and an access from there into a page that faults has two faults, either of which may come first.
 */
const reachesIn = (address: bigint): boolean =>
  at.aliases(at.PAGES).some((start) => address < start && address + 8n > start);

/** Some loads and stores near each other, aligned or not: the later ones find what the first has left in caches. */
export const anyAccess: Ingredient = (around) => {
  const { random, traits } = around;
  const width = random.pick(['b', 'h', 'w', 'd'] as const);
  const address = dataAddress(around);
  const size = BigInt(WIDTHS[width]);
  const aligned = chance(random, 2) ? address - (address % size) : address;
  const others = Array.from({ length: random.below(3) }, () => {
    const other = random.pick(['b', 'h', 'w', 'd'] as const);
    const far = traits.borders ? 0 : random.below(2) * random.below(2048);
    const offset = chance(random, 2) || far === 0 || reachesIn(aligned + BigInt(far - 1024)) ? 0 : far - 1024;
    return `${access(random, other)}, ${offset}(x${POINTER})`;
  });
  return [`li x${POINTER}, ${hex(aligned)}`, `${access(random, width)}, 0(x${POINTER})`, ...others];
};
