/** Interrupts: several at once, for either mode, and waiting for them. */
import { INTERRUPT } from '../traits';
import type { Ingredient, Surroundings } from '../unit';
import { chance, hex, POINTER, replaceBits, someOf, toMachineMode } from '../unit';
import { returnTo } from './modes';

const setPending = (bit: bigint): string[] => [`li x9, ${hex(bit)}`, 'csrs mip, x9'];

/** What makes each interrupt pending. */
const raise: Readonly<Record<keyof typeof INTERRUPT, (around: Surroundings) => string[]>> = {
  SSI: () => setPending(INTERRUPT.SSI),
  MSI: () => ['li x9, 0x2000000', 'li x7, 1', 'sw x7, 0(x9)'],
  STI: ({ traits, random }) =>
    traits.comparesTime ? [`li x9, ${random.below(2)}`, 'csrw stimecmp, x9'] : setPending(INTERRUPT.STI),
  MTI: () => ['li x9, 0x2004000', 'sd x0, 0(x9)'],
  SEI: () => setPending(INTERRUPT.SEI),
};

/** Some of the program's interrupts, at least one. */
function someSources({ random, traits }: Surroundings): (keyof typeof INTERRUPT)[] {
  const all = (Object.keys(raise) as (keyof typeof INTERRUPT)[]).filter(
    (name) => (INTERRUPT[name] & traits.interrupts.sources) !== 0n,
  );
  const some = all.filter(() => chance(random, 2));
  return some.length > 0 ? some : [random.pick(all)];
}

const bitsOf = (names: readonly (keyof typeof INTERRUPT)[]): bigint =>
  names.reduce((bits, name) => bits | INTERRUPT[name], 0n);

/** Makes interrupts pending while they are off, for both machines to take them at the same instruction. */
function pend(around: Surroundings, names: readonly (keyof typeof INTERRUPT)[], delegated: bigint): string[] {
  return [
    ...toMachineMode(),
    'csrci mstatus, 10',
    'csrw mie, x0',
    'csrw mip, x0',
    `li x9, ${hex(delegated)}`,
    'csrw mideleg, x9',
    ...names.flatMap((name) => raise[name](around)),
    'fence.i',
  ];
}

/** They are taken at an instruction that enables them, or at the return to a lower mode. */
export const interrupt: Ingredient = (around) => {
  const { random, traits } = around;
  const names = someSources(around);
  const enabled = INTERRUPT[random.pick(names)] | someOf(random, 0xaaan);
  return [
    ...pend(around, names, traits.interrupts.delegated(random)),
    `li x9, ${hex(enabled)}`,
    'csrw mie, x9',
    ...(chance(random, 3) ? ['wfi'] : []),
    ...(chance(random, 2) ? returnTo(around) : [`csrsi mstatus, ${random.pick([2, 8, 10])}`]),
    ...(chance(random, 2) ? [] : ['csrsi sstatus, 2']),
  ];
};

/** WFI in a lower mode, with something pending that S-mode keeps off: it goes on at once, or is illegal. */
export const waiting: Ingredient = (around) => {
  const { random, traits } = around;
  const delegated = traits.interrupts.delegated(random);
  const names = (Object.keys(raise) as (keyof typeof INTERRUPT)[]).filter(
    (name) => (INTERRUPT[name] & traits.interrupts.sources & delegated) !== 0n,
  );
  if (names.length === 0) return interrupt(around);
  const TW = 1n << 21n;
  return [
    ...pend(around, names, delegated),
    `li x9, ${hex(bitsOf(names))}`,
    'csrw mie, x9',
    `li x9, ${hex(TW)}`,
    `${random.pick(['csrs', 'csrc'])} mstatus, x9`,
    // SIE, and SPIE, which SRET makes SIE.
    ...replaceBits('mstatus', 0x22n, 0n),
    ...returnTo(around),
    'wfi',
  ];
};

/** stimecmp in whatever mode: in the past, or never. */
export const compareTime: Ingredient = ({ random, traits }) =>
  traits.comparesTime && (traits.interrupts.sources & INTERRUPT.STI) !== 0n
    ? [
        `li x${POINTER}, ${random.pick(['0', '1', '-1', '-2'])}`,
        `csrrw x${random.pick([0, 5, 6])}, stimecmp, x${POINTER}`,
      ]
    : [`csrrs x0, stimecmp, x0`];
