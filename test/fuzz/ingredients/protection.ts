/** Page tables and physical memory protection at random. */
import type { Random } from '../../support/random';
import * as at from '../layout';
import type { Ingredient } from '../unit';
import { hex, POINTER, someOf, toMachineMode } from '../unit';

const machine = (): string[] => toMachineMode(at.CALL_MACHINE);
const FRAME_COUNT = at.DATA_FRAMES + at.CODE_FRAMES;

/** V, R, W, X, U, G, A, D: mostly what a kernel would write. */
function flags(random: Random): bigint {
  const usual = random.pick([
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
  ]);
  return random.below(3) === 0 ? random.bits(8) : usual;
}

const high = (random: Random): bigint => (random.below(12) === 0 ? 1n << BigInt(54 + random.below(10)) : 0n);
const software = (random: Random): bigint => random.bits(2) << 8n;
const entry = (address: bigint, random: Random): bigint =>
  ((address >> 12n) << 10n) | software(random) | flags(random) | high(random);

/** A store to the tables, then SFENCE.VMA: stale translations are not compared. */
const write = (where: bigint, value: bigint): string[] => [
  ...machine(),
  `li x${POINTER}, ${hex(where)}`,
  `li x9, ${hex(BigInt.asUintN(64, value))}`,
  `sd x9, 0(x${POINTER})`,
  'sfence.vma',
];

/** Maps one of the pages. */
export const mapPage: Ingredient = ({ random }) => {
  const page = random.below(FRAME_COUNT);
  const frame = page < at.DATA_FRAMES ? random.below(at.DATA_FRAMES) : at.DATA_FRAMES + random.below(at.CODE_FRAMES);
  const address = random.below(16) === 0 ? at.NOWHERE : at.FRAMES + at.PAGE * BigInt(frame);
  return write(at.LAST + 8n * BigInt(page), entry(address, random));
};

/** Maps the 2 MiB or the 1 GiB page, sometimes misaligned. */
export const mapSuperpage: Ingredient = ({ random }) => {
  const mega = random.below(2) === 0;
  const base = mega ? at.FRAMES : 0x80000000n;
  const wrong = random.below(5) === 0 ? random.pick([at.PAGE, 1n << 20n, 1n << 29n]) : 0n;
  // Without any of R, W and X it would be a pointer, into memory that is no table.
  const value = entry(base + (wrong < (mega ? 1n << 21n : 1n << 30n) ? wrong : 0n), random);
  return write(mega ? at.MEGAPAGE_ENTRY : at.GIGAPAGE_ENTRY, (value & 0xen) === 0n ? value | 2n : value);
};

/** Changes the entries that point to tables: with bits that are reserved there, or not valid. */
export const changePointer: Ingredient = ({ random }) => {
  const [where, to] = random.pick([
    [at.MIDDLE_POINTER, at.MIDDLE],
    [at.LAST_POINTER, at.LAST],
  ]);
  const bits = random.pick([1n, 1n, 1n, 0n, 0x11n, 0x41n, 0x81n, 0x21n, 0x301n]);
  return write(where, ((to >> 12n) << 10n) | bits | high(random));
};

/** One of the first eight entries over some of the data; the last entry opens everything else. */
export const protect: Ingredient = ({ random }) => {
  const n = random.below(8);
  // No entry ends at a page's border: an access across it is one there, and two here, as the specification allows.
  const start = at.FRAMES + at.PAGE * BigInt(random.below(at.DATA_FRAMES)) + BigInt(256 + random.below(3584));
  const size = random.pick([8n, 16n, 64n, 256n]);
  const permissions = BigInt(random.pick([0, 1, 3, 4, 5, 7]));
  const match = BigInt(random.pick([0, 2, 3, 3, 3]));
  const base = start - (start % size);
  const address = match === 3n ? (base >> 2n) | (size / 8n - 1n) : base >> 2n;
  const config = permissions | (match << 3n);
  const shift = 8n * BigInt(n);
  return [
    ...machine(),
    `li x${POINTER}, ${hex(address)}`,
    `csrw pmpaddr${n}, x${POINTER}`,
    `li x${POINTER}, ${hex(0xffn << shift)}`,
    `csrc pmpcfg0, x${POINTER}`,
    `li x${POINTER}, ${hex(config << shift)}`,
    `csrs pmpcfg0, x${POINTER}`,
    'sfence.vma',
  ];
};

/** SUM and MXR together with a mode is what the mappings above are looked at with. */
export const supervisorRights: Ingredient = ({ random }) => [
  `li x${POINTER}, 0xc0000`,
  `csrc sstatus, x${POINTER}`,
  `li x${POINTER}, ${hex(someOf(random, 0xc0000n))}`,
  `csrs sstatus, x${POINTER}`,
];
