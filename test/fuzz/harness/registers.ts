/** How the harness saves registers: each in the doubleword of its number. */
import { registerNumber } from '../../../src/isa/registers';

export function register(name: string): number {
  const number = registerNumber(name);
  if (number === undefined) throw new Error(`no register is called ${name}`);
  return number;
}

/** Where a register is saved. */
export const SAVED = (name: string): number => 8 * register(name);

export const FLOATS = Array.from({ length: 32 }, (_, f) => f);
/** All but x0 and sp, which is changed last. */
export const notSp = FLOATS.filter((x) => x !== 0 && x !== 2);
