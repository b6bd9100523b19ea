/** Changes of mode, returns from traps, interrupts, accesses with another mode's rights. */
import type { Random } from '../../support/random';
import * as at from '../layout';
import type { Ingredient } from '../unit';
import { anyTarget, hex, POINTER, someOf, toMachineMode } from '../unit';

const MPRV = 1n << 17n;
const machine = (): string[] => toMachineMode(at.CALL_MACHINE);

/** Goes on in a lower mode, by MRET or SRET. U-mode continues where its own mapping is, if translation is on. */
export const enterMode: Ingredient = ({ random }) => {
  const user = random.below(2) === 0;
  const bySret = random.below(3) === 0;
  const [epc, field, bits] = bySret ? ['sepc', 0x100, user ? 0 : 0x100] : ['mepc', 0x1800, user ? 0 : 0x800];
  const offset = user
    ? [`csrr x9, satp`, 'srli x9, x9, 63', 'slli x9, x9, 30', `add x${POINTER}, x${POINTER}, x9`]
    : [];
  return [
    ...machine(),
    `la x${POINTER}, 1f`,
    ...offset,
    `csrw ${epc}, x${POINTER}`,
    `li x${POINTER}, ${field}`,
    `csrc mstatus, x${POINTER}`,
    `li x${POINTER}, ${bits}`,
    `csrs mstatus, x${POINTER}`,
    bySret ? 'sret' : 'mret',
    '1: la sp, middle',
  ];
};

export const enterMachineMode: Ingredient = () => [...machine(), 'la sp, middle'];

/** ECALL, EBREAK, and returns where they may be forbidden. */
export const systemInstruction: Ingredient = ({ random }) =>
  random.pick<string[]>([
    ['ecall'],
    ['ebreak'],
    ['c.ebreak'],
    ['sfence.vma'],
    ['fence.i'],
    [`sfence.vma x${anyTarget(random)}, x${anyTarget(random)}`],
    [`li x${POINTER}, ${hex(at.PAGES + at.PAGE * BigInt(random.below(8)))}`, `sfence.vma x${POINTER}`],
    // Where it is legal, it goes on in the next unit in whatever mode the register says.
    [`la x${POINTER}, skip:1`, `csrw sepc, x${POINTER}`, 'sret'],
  ]);

/** Turns translation on or off, with an address space's number or none. */
export const translation: Ingredient = ({ random }) => [
  ...machine(),
  `li x${POINTER}, ${hex(random.pick([0n, at.SATP, at.SATP, at.SATP | (random.bits(16) << 44n)]))}`,
  `csrw satp, x${POINTER}`,
  ...(random.below(2) === 0 ? ['sfence.vma'] : []),
];

/** Loads and stores in M-mode with the rights of another mode. */
export const modifiedPrivilege: Ingredient = ({ random }) => {
  const mode = random.pick([0n, 1n, 3n]) << 11n;
  const address = at.PAGES + BigInt(random.below(6 * 4096));
  return [
    ...machine(),
    `li x${POINTER}, 0x1800`,
    `csrc mstatus, x${POINTER}`,
    `li x${POINTER}, ${hex(mode | MPRV | someOf(random, 0xc0000n))}`,
    `li x9, ${hex(address)}`,
    `csrs mstatus, x${POINTER}`,
    random.below(2) === 0 ? `lw x${anyTarget(random)}, 0(x9)` : 'sw x7, 0(x9)',
    `li x${POINTER}, ${hex(MPRV)}`,
    `csrc mstatus, x${POINTER}`,
  ];
};

/** What makes an interrupt pending, and the bit of mie that lets it through. */
const sources = [
  { raise: ['li x9, 0x2000000', 'li x7, 1', 'sw x7, 0(x9)'], enable: 1n << 3n },
  { raise: ['li x9, 0x2004000', 'sd x0, 0(x9)'], enable: 1n << 7n },
  { raise: ['li x9, 2', 'csrs mip, x9'], enable: 1n << 1n },
  { raise: ['li x9, 0x20', 'csrs mip, x9'], enable: 1n << 5n },
] as const;

/**
 * An interrupt. It is made pending while interrupts are off, so that both machines take it at the same instruction: one
 * that enables it, or the return to a lower mode.
 */
export const interrupt: Ingredient = (around) => {
  const { random } = around;
  const { raise, enable } = random.pick(sources);
  const lower = random.below(2) === 0;
  return [
    ...machine(),
    'csrci mstatus, 10',
    'csrw mie, x0',
    'csrw mip, x0',
    `li x9, ${hex(someOf(random, 0x222n))}`,
    'csrw mideleg, x9',
    ...raise,
    'fence.i',
    `li x9, ${hex(enable)}`,
    'csrw mie, x9',
    ...(random.below(3) === 0 ? ['wfi'] : []),
    ...(lower ? enterMode(around).slice(2) : [`csrsi mstatus, ${random.pick([2, 8, 10])}`]),
    ...(random.below(2) === 0 ? [] : ['csrsi sstatus, 2']),
  ];
};

/** Vectors of S-mode, direct or vectored. */
export const vectors: Ingredient = ({ random }) => [
  ...machine(),
  `la x${POINTER}, supervisor_handler`,
  `addi x${POINTER}, x${POINTER}, ${random.below(2)}`,
  `csrw stvec, x${POINTER}`,
];

/** Which traps go to S-mode. */
export function delegation(delegable: (random: Random) => bigint): Ingredient {
  return ({ random }) => [...machine(), `li x${POINTER}, ${hex(delegable(random))}`, `csrw medeleg, x${POINTER}`];
}
