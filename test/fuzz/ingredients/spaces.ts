/** Address spaces: values of satp, and the fences that make changes of page tables take effect. */
import * as at from '../layout';
import type { Surroundings } from '../unit';
import { chance, hex, POINTER } from '../unit';

/** Bare, or a mode and a space with an ASID that stands for both. */
export function anySatp({ random, traits }: Surroundings): bigint {
  if (chance(random, 5)) return 0n;
  const mode = random.below(at.modes.length);
  const space = traits.spaces === 'separate' ? random.below(2) : 0;
  const asid = traits.spaces === 'one' ? 0 : 8 * random.pick([0, 1, 2, 3, 0x1fff]) + 4 * space + mode;
  const { satp, root } = at.modes[mode];
  return (satp << 60n) | (BigInt(asid) << 44n) | (at.spaces[space][root] >> 12n);
}

/** The space of a change of page tables. */
export const anySpace = ({ random, traits }: Surroundings): at.Space =>
  at.spaces[traits.spaces === 'separate' ? random.below(2) : 0];

/**
 * Fences after a change: as little as must be enough.
 * @param addresses where what was changed is seen; absent: everywhere
 */
export function fence({ random, traits }: Surroundings, addresses?: readonly bigint[]): string[] {
  const name = traits.extensions.has('Svinval') && chance(random, 3) ? 'sinval.vma' : 'sfence.vma';
  // ASID 0 is the only one.
  const asid = traits.spaces === 'one' && !traits.global && chance(random, 2) ? 'x9' : 'x0';
  const fences =
    addresses === undefined || chance(random, 3)
      ? [`${name} x0, ${asid}`]
      : addresses.flatMap((address) => [`li x${POINTER}, ${hex(address)}`, `${name} x${POINTER}, ${asid}`]);
  const zero = asid === 'x9' ? ['li x9, 0'] : [];
  return name === 'sfence.vma' ? [...zero, ...fences] : ['sfence.w.inval', ...zero, ...fences, 'sfence.inval.ir'];
}
