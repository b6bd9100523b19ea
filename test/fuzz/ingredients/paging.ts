/** Page tables at random: pages, superpages, pointers, and reserved bits. */
import type { Random } from '../../support/random';
import * as at from '../layout';
import type { Traits } from '../traits';
import type { Ingredient, Surroundings } from '../unit';
import { chance, hex, POINTER, toMachineMode } from '../unit';
import { anySpace, fence } from './spaces';

const FRAME_COUNT = at.DATA_FRAMES + at.CODE_FRAMES;
/** The page that an instruction of the one before it may reach into. */
const REACHED_PAGE = FRAME_COUNT - 1;
const GLOBAL = 1n << 5n;
const NAPOT = 1n << 63n;

/** What a kernel would write: V, R, W, X, U, G, A, D. */
const USUAL = [
  0xcfn,
  0xdfn,
  0xc3n,
  0xc7n,
  0xd7n,
  0xd3n,
  0x4bn,
  0x5bn,
  0xcbn,
  0x0fn,
  0x1fn,
  0x9fn,
  0x8fn,
  0xefn,
] as const;

function flags({ random, traits }: Surroundings): bigint {
  const bits = chance(random, 3) ? random.bits(8) : random.pick(USUAL);
  return traits.global ? bits : bits & ~GLOBAL;
}

/**
 * Bits above the address: reserved, or of Svnapot and Svpbmt. Once one of the two is on, QEMU 7.2 lets reserved bits pass,
 * and memory types whatever menvcfg.PBMTE says; it takes the reserved type for one that exists.
 */
function high(random: Random, { extensions, memoryTypes }: Traits): bigint {
  if (!chance(random, 10)) return 0n;
  const [hasNapot, hasTypes] = [extensions.has('Svnapot'), extensions.has('Svpbmt')];
  if (!hasNapot && !hasTypes) return 1n << BigInt(54 + random.below(10));
  const bits = [...(hasTypes && !memoryTypes ? [] : [61n, 62n]), ...(hasNapot ? [63n] : [])];
  return bits.length > 0 ? 1n << random.pick(bits) : 0n;
}

const software = (random: Random): bigint => random.bits(2) << 8n;
const entry = (address: bigint, around: Surroundings): bigint =>
  ((address >> 12n) << 10n) | software(around.random) | flags(around) | high(around.random, around.traits);

/** An entry where the mark of 64 KiB is reserved has its A and D bits: QEMU 7.2 sets them before it looks. */
const settled = (value: bigint): bigint => ((value & NAPOT) === 0n ? value : value | 0xc0n);

/** A store to the tables, then a fence: stale translations are not compared. */
const write = (around: Surroundings, where: bigint, value: bigint, addresses?: readonly bigint[]): string[] => [
  ...toMachineMode(),
  `li x${POINTER}, ${hex(where)}`,
  `li x9, ${hex(BigInt.asUintN(64, value))}`,
  `sd x9, 0(x${POINTER})`,
  ...fence(around, addresses),
];

/** Maps one of the pages. */
export const mapPage: Ingredient = (around) => {
  const { random } = around;
  const page = random.below(FRAME_COUNT);
  const frame = page < at.DATA_FRAMES ? random.below(at.DATA_FRAMES) : at.DATA_FRAMES + random.below(at.CODE_FRAMES);
  // An access from nowhere into a page that faults: which fault comes first is free. None crosses where borders matter.
  // No instruction, either: QEMU 7.2 aborts when its second half is on a page without memory.
  const nowhere = around.traits.borders && chance(random, 8) && page !== REACHED_PAGE;
  const address = nowhere ? at.NOWHERE : at.FRAMES + at.PAGE * BigInt(frame);
  const value = entry(address, around);
  // 64 KiB from where the frames begin, in most cases: then the address has a mark of the size.
  const marked = (value & NAPOT) !== 0n && !chance(random, 3) ? ((at.FRAMES >> 12n) | 8n) << 10n : undefined;
  const seen = at.aliases(at.PAGES + at.PAGE * BigInt(page));
  return write(
    around,
    anySpace(around).last + 8n * BigInt(page),
    marked === undefined ? settled(value) : (value & 0xfc000000000003ffn) | marked,
    seen,
  );
};

/** Maps a superpage, sometimes misaligned. */
export const mapSuperpage: Ingredient = (around) => {
  const { random } = around;
  const superpage = random.pick([...at.superpages, ...at.superpages.slice(0, 2)]);
  const off = chance(random, 5) ? random.pick([at.PAGE, 1n << 20n, 1n << 29n, 1n << 38n]) : 0n;
  const value = entry(superpage.frame + (off < superpage.size ? off : 0n), around);
  // Without any of R, W and X it would be a pointer, into memory that is no table.
  const leaf = (value & 0xen) === 0n ? value | 2n : value;
  // One address of the page stands for all of it.
  const within = superpage.at + (chance(random, 2) ? 0n : random.bits(16));
  return write(around, superpage.entry(anySpace(around)), settled(leaf), at.aliases(within));
};

/** Changes an entry that points to a table: with bits that are reserved there, or not valid. */
export const changePointer: Ingredient = (around) => {
  const { random, traits } = around;
  const { entry: where, table } = random.pick(at.pointers)(anySpace(around));
  const bits = random.pick([1n, 1n, 1n, 0n, 0x11n, 0x41n, 0x81n, 0x21n, 0x301n]) & ~(traits.global ? 0n : GLOBAL);
  return write(around, where, ((table >> 12n) << 10n) | bits | high(random, traits));
};
