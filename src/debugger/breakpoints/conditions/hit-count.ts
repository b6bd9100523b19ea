/** Hit conditions: `5` or `== 5` (the fifth hit), `> 5`, `>= 5`, `< 5`, `<= 5`, `% 5` (every fifth hit). */
import { DebuggerError } from '../../errors';

const TESTS: Readonly<Record<string, (hits: number, count: number) => boolean>> = {
  '==': (hits, count) => hits === count,
  '>': (hits, count) => hits > count,
  '>=': (hits, count) => hits >= count,
  '<': (hits, count) => hits < count,
  '<=': (hits, count) => hits <= count,
  '%': (hits, count) => hits % count === 0,
};

/** A test of the number of hits so far, this one included. @throws DebuggerError */
export function parseHitCondition(source: string): (hits: number) => boolean {
  const match = /^\s*(==?|>=?|<=?|%)?\s*([0-9]{1,9})\s*$/.exec(source);
  if (!match || match[2] === '0') {
    throw new DebuggerError(`The hit count "${source}" must be a number above 0, perhaps after ==, >, >=, <, <= or %.`);
  }
  const test = TESTS[match[1] === '=' ? '==' : (match[1] ?? '==')]!;
  const count = Number(match[2]);
  return (hits) => test(hits, count);
}
