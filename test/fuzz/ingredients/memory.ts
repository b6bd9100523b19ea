/** Accesses anywhere: across pages, to mappings that may fault, to nothing, and jumps there. */
import type { Random } from '../../support/random';
import * as at from '../layout';
import type { Ingredient } from '../unit';
import { anySource, anyTarget, hex, POINTER } from '../unit';

const WIDTHS = { b: 1, h: 2, w: 4, d: 8 } as const;
const FRAME_BYTES = at.PAGE * BigInt(at.DATA_FRAMES);

/** An offset into the data frames; often where an access crosses a page. */
function offsetInData(random: Random): bigint {
  const page = at.PAGE * BigInt(random.below(at.DATA_FRAMES));
  if (random.below(3) !== 0) return page + BigInt(random.below(4088));
  return BigInt.asUintN(64, page + 4096n - BigInt(1 + random.below(8))) % (FRAME_BYTES - 8n);
}

/** An address to read or write. */
function dataAddress(random: Random): bigint {
  const offset = offsetInData(random);
  switch (random.below(12)) {
    case 0:
      return at.FRAMES + offset;
    case 1:
      return at.FRAMES + at.USER_OFFSET + offset;
    case 2:
      return at.MEGAPAGE + offset;
    case 3:
      return at.GIGAPAGE + (at.FRAMES - 0x80000000n) + offset;
    case 4:
      return at.NOWHERE + BigInt(random.below(64));
    case 5:
      return (at.PAGES + offset) | (random.pick([1n, 1n << 24n, (1n << 25n) - 1n]) << 39n);
    case 6:
      return random.pick([0n, (1n << 64n) - 4n, (1n << 38n) - 4n, (1n << 63n) + 8n, 1n << 56n]);
    default:
      return at.PAGES + offset;
  }
}

/** A load or store of any width, aligned or not. */
export const anyAccess: Ingredient = ({ random }) => {
  const width = random.pick(['b', 'h', 'w', 'd'] as const);
  const address = dataAddress(random);
  const aligned = random.below(2) === 0 ? address - (address % BigInt(WIDTHS[width])) : address;
  const access =
    random.below(2) === 0
      ? `l${width}${width !== 'd' && random.below(2) === 0 ? 'u' : ''} x${anyTarget(random)}`
      : `s${width} x${anySource(random)}`;
  return [`li x${POINTER}, ${hex(aligned)}`, `${access}, 0(x${POINTER})`];
};

/** A call of code on one of the code pages, through some mapping of it; it returns by ra, or traps. */
export const callElsewhere: Ingredient = ({ random }) => {
  const frame = BigInt(at.DATA_FRAMES + random.below(at.CODE_FRAMES));
  const offset = random.pick([0n, 4n, 6n, 64n, 0xff8n, 0xffen]) + at.PAGE * frame;
  const address = random.pick([
    at.PAGES + offset,
    at.PAGES + offset,
    at.MEGAPAGE + offset,
    at.GIGAPAGE + (at.FRAMES - 0x80000000n) + offset,
    at.FRAMES + offset,
    at.FRAMES + at.USER_OFFSET + offset,
    at.NOWHERE,
    (at.PAGES + offset) | (1n << 39n),
  ]);
  return [`li x${POINTER}, ${hex(address)}`, `jalr ra, 0(x${POINTER})`];
};

/**
 * A store that changes an instruction further on, which is executed after FENCE.I or a jump: in straight code without
 * either, QEMU goes on with the old one.
 */
export const selfModification: Ingredient = ({ random }) => {
  const target = anyTarget(random);
  const instruction = (((random.next() & 0xfff) << 20) | (anySource(random) << 15) | (target << 7) | 0x13) >>> 0;
  const wait = random.pick([['fence.i'], ['j 1f'], ['nop', 'fence.i'], ['fence', 'j 1f']]);
  return [
    `la x${POINTER}, 1f`,
    `li x9, ${hex(instruction)}`,
    random.below(4) === 0 ? `sh x9, 0(x${POINTER})` : `sw x9, 0(x${POINTER})`,
    ...wait,
    '1: addi x9, x9, 1',
  ];
};
