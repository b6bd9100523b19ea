/**
 * A unit: some lines of assembly that belong together. Programs are lists of units, and shrinking leaves units out.
 * `skip:N` stands for the beginning of the unit N further on.
 */
import type { Random } from '../support/random';
import { CALL_MACHINE } from './layout';
import type { Traits } from './traits';

export type Unit = readonly string[];

/** What generators need to know of the program that they contribute to. */
export interface Surroundings {
  readonly random: Random;
  readonly traits: Traits;
}

/** Makes a unit. */
export type Ingredient = (around: Surroundings) => Unit;

/** sp points to the middle of the data; x8 is the address register that units set for themselves. */
export const SP = 2;
export const POINTER = 8;

/** Registers that random instructions may write: not sp, x8, nor a7 with its calls; ra only as a link. */
const TARGETS = [0, 3, 4, 5, 6, 7, 9, 10, 11, 15, 16, 24, 31] as const;
export const anyTarget = (random: Random): number => random.pick(TARGETS);
export const anyLink = (random: Random): number => random.pick([0, 1, 1, 5, 31]);
export const anySource = (random: Random): number => random.below(32);

export const hex = (value: bigint | number): string => `0x${value.toString(16)}`;
export const word = (value: number): string => `.word ${hex(value >>> 0)}`;
export const chance = (random: Random, oneIn: number): boolean => random.below(oneIn) === 0;

const EDGES = [0n, 1n, 2n ** 31n, 2n ** 32n, 2n ** 63n, 2n ** 31n - 1n, 2n ** 63n - 1n, 2n ** 64n - 1n];

/** 64 bits, often at an edge. */
export function anyValue(random: Random): bigint {
  const wide = random.bits(64);
  switch (random.below(4)) {
    case 0:
      return BigInt.asUintN(64, random.pick(EDGES) + BigInt(random.below(3)) - 1n);
    case 1:
      return wide >> BigInt(random.below(64));
    case 2:
      return BigInt.asUintN(64, BigInt.asIntN(32, wide));
    default:
      return wide;
  }
}

/** Some of these bits. */
export function someOf(random: Random, bits: bigint): bigint {
  return chance(random, 3) ? bits & random.bits(64) & random.bits(64) : bits & random.bits(64);
}

/** Lines that go on in M-mode, from whatever mode. */
export const toMachineMode = (): string[] => [`li a7, ${CALL_MACHINE}`, 'ecall'];

/** Lines that replace these bits of a CSR. Destroys x8. */
export const replaceBits = (csr: string, field: bigint, bits: bigint): string[] => [
  `li x${POINTER}, ${hex(field)}`,
  `csrc ${csr}, x${POINTER}`,
  `li x${POINTER}, ${hex(bits)}`,
  `csrs ${csr}, x${POINTER}`,
];
