/** Code on pages of its own: calls through all mappings of it, and changes. */
import * as at from '../layout';
import type { Ingredient } from '../unit';
import { chance, hex, POINTER, toMachineMode } from '../unit';
import { addition } from './instructions';

/**
 * A call of code on one of the code pages, through some mapping of it; it returns by ra, or traps. It does not begin in the
 * middle of the instruction across the two pages: that half could be a store to any address.
 */
export const callElsewhere: Ingredient = ({ random }) => {
  const frame = random.below(at.CODE_FRAMES);
  const start = frame === 0 ? 0n : 4n;
  const offset = random.pick([start, 4n, 6n, 64n, 0xff8n, 0xffen]) + at.PAGE * BigInt(at.DATA_FRAMES + frame);
  const address = random.pick([
    at.PAGES + offset,
    at.PAGES + offset,
    random.pick(at.aliases(at.PAGES)) + offset,
    at.MEGAPAGE + offset,
    at.GIGAPAGE + (at.FRAMES - 0x80000000n) + offset,
    at.TERAPAGE + at.FRAMES + offset,
    at.PETAPAGE + at.FRAMES + offset,
    at.FRAMES + offset,
    at.FRAMES + at.USER_OFFSET + offset,
    at.NOWHERE,
    (at.PAGES + offset) | (1n << 39n),
  ]);
  return [`li x${POINTER}, ${hex(address)}`, `jalr ra, 0(x${POINTER})`];
};

/** Registers that code elsewhere may change: not those by which it returns. */
const TARGETS = [3, 4, 5, 6, 7, 10, 11, 15] as const;

/** Changes an instruction on a code page, or a half of the one across the two pages; a later call executes it. */
export const changeElsewhere: Ingredient = ({ random }) => {
  const instruction = addition(random, random.pick(TARGETS));
  const across = at.CODE + at.PAGE - 2n;
  const where = random.pick([at.CODE, at.CODE + 8n, at.CODE + 64n, at.CODE + 0xff8n, at.CODE + at.PAGE + 64n, across]);
  const stores =
    where === across
      ? [`sh x9, 0(x${POINTER})`, 'srli x9, x9, 16', `sh x9, 2(x${POINTER})`].slice(0, chance(random, 3) ? 1 : 3)
      : [`sw x9, 0(x${POINTER})`];
  return [...toMachineMode(), `li x${POINTER}, ${hex(where)}`, `li x9, ${hex(instruction)}`, ...stores];
};
