/** Changes of mode, returns from traps, vectors, delegation, accesses with another mode's rights. */
import * as at from '../layout';
import type { Ingredient } from '../unit';
import { anyTarget, chance, hex, POINTER, replaceBits, someOf, toMachineMode } from '../unit';
import { anyDelegation } from './csrs';
import { anySatp } from './spaces';

const MPRV = 1n << 17n;
const MPP = 0x1800n;

/** Returns to a lower mode, in which the next line is. U-mode continues where its own mapping is, if translation is on. */
export const returnTo: Ingredient = ({ random }) => {
  const user = chance(random, 2);
  const bySret = chance(random, 3);
  const [epc, field, bits] = bySret ? ['sepc', 0x100n, user ? 0n : 0x100n] : ['mepc', MPP, user ? 0n : 0x800n];
  const offset = user
    ? [`csrr x9, satp`, 'sltu x9, x0, x9', 'slli x9, x9, 30', `add x${POINTER}, x${POINTER}, x9`]
    : [];
  return [
    `la x${POINTER}, 1f`,
    ...offset,
    `csrw ${epc}, x${POINTER}`,
    ...replaceBits('mstatus', field, bits),
    bySret ? 'sret' : 'mret',
    '1: la sp, middle',
  ];
};

/** Goes on in a lower mode, by MRET or SRET. */
export const enterMode: Ingredient = (around) => [...toMachineMode(), ...returnTo(around)];

/** Some of what another ingredient makes, in a lower mode. */
export const below =
  (ingredient: Ingredient): Ingredient =>
  (around) => [
    ...enterMode(around),
    ...Array.from({ length: 1 + around.random.below(5) }, () => ingredient(around)).flat(),
  ];

export const enterMachineMode: Ingredient = () => [...toMachineMode(), 'la sp, middle'];

/** ECALL, EBREAK, fences, and returns where they may be forbidden. */
export const systemInstruction: Ingredient = ({ random }) =>
  random.pick<string[]>([
    ['ecall'],
    ['ebreak'],
    ['c.ebreak'],
    ['sfence.vma'],
    ['fence.i'],
    [`sfence.vma x${anyTarget(random)}, x${anyTarget(random)}`],
    // Where these are illegal, QEMU gives no instruction in tval (the first) or executes them (the others).
    [
      ...toMachineMode(),
      random.pick([`sinval.vma x${anyTarget(random)}, x${anyTarget(random)}`, 'sfence.w.inval', 'sfence.inval.ir']),
    ],
    [`li x${POINTER}, ${hex(at.PAGES + at.PAGE * BigInt(random.below(8)))}`, `sfence.vma x${POINTER}`],
    // Where it is legal, it goes on in the next unit in whatever mode the register says. A trap before it clears MPRV.
    ['ebreak', `la x${POINTER}, skip:1`, `csrw sepc, x${POINTER}`, 'sret'],
  ]);

/** Turns translation on or off. */
export const translation: Ingredient = (around) => [
  ...toMachineMode(),
  `li x${POINTER}, ${hex(anySatp(around))}`,
  `csrw satp, x${POINTER}`,
  ...(chance(around.random, 2) ? ['sfence.vma'] : []),
];

/** Loads and stores in M-mode with the rights of another mode; sometimes what follows has them, too, until a trap. */
export const modifiedPrivilege: Ingredient = ({ random }) => {
  const mode = random.pick([0n, 1n, 3n]) << 11n;
  const address = at.PAGES + BigInt(random.below(6 * 4096));
  return [
    ...toMachineMode(),
    `li x9, ${hex(address - (address % 4n))}`,
    ...replaceBits('mstatus', MPP, mode | MPRV | someOf(random, 0xc0000n)),
    chance(random, 2) ? `lw x${anyTarget(random)}, 0(x9)` : 'sw x7, 0(x9)',
    ...(chance(random, 4) ? [] : [`li x${POINTER}, ${hex(MPRV)}`, `csrc mstatus, x${POINTER}`]),
  ];
};

/**
 * After a trap, which ends another mode's rights: QEMU 7.2 ignores them on the page from which it fetches, where this
 * ingredient stores.
 */
export const withOwnRights =
  (ingredient: Ingredient): Ingredient =>
  (around) => ['ebreak', ...ingredient(around)];

/** Vectors of S- and M-mode, direct or vectored; reserved modes change nothing. */
export const vectors: Ingredient = ({ random }) => {
  const [csr, label] = random.pick([
    ['stvec', 'supervisor_handler'],
    ['mtvec', 'machine_vectors'],
  ] as const);
  return [
    ...toMachineMode(),
    `la x${POINTER}, ${label}`,
    `addi x${POINTER}, x${POINTER}, ${random.below(2)}`,
    `csrw ${csr}, x${POINTER}`,
    ...(chance(random, 4) ? [`csrsi ${csr}, ${random.pick([2, 3])}`] : []),
  ];
};

/** Which traps go to S-mode. */
export const delegation: Ingredient = ({ random }) => [
  ...toMachineMode(),
  `li x${POINTER}, ${hex(anyDelegation(random))}`,
  `csrw medeleg, x${POINTER}`,
];
