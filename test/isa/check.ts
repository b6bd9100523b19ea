/** Compares what the engine does with what the formulas expect. */
import assert from 'node:assert/strict';
import { decode } from '../../src/isa/decode';
import { disassemble } from '../../src/isa/disassemble';
import type { ExecuteOptions } from './execute';
import { execute } from './execute';
import { formulas } from './expected/index';
import type { Case } from './operand-cases';
import type { Instruction } from './reference-hart';
import { differences, ReferenceHart } from './reference-hart';

const interpreted: ExecuteOptions = { engine: 'interpreter', pace: 'free', extensions: 'all' };
const translated: ExecuteOptions = { engine: 'translator', pace: 'free', extensions: 'all' };
const counted: ExecuteOptions = { engine: 'interpreter', pace: 'counted', extensions: 'all' };

/** So many cases of an instruction go every way. */
const EVERY_WAY = 1000;
/** The others take turns; seven divides the number of no list of values, so that each value meets each way. */
const TURNS = [counted, interpreted, translated, interpreted, translated, interpreted, translated];

function waysOf(index: number): readonly ExecuteOptions[] {
  return index < EVERY_WAY ? [interpreted, translated, counted] : [TURNS[index % TURNS.length]];
}

const text = ({ word }: Instruction): string => {
  const decoded = decode(word);
  return `${word.toString(16)} ${decoded ? disassemble(decoded, 0n, { aliases: false }).text : ''}`;
};

const registers = (all: BigUint64Array): string => [...all].map((value) => value.toString(16)).join(' ');

const expected = new ReferenceHart();

function check({ program, state }: Case, index: number): void {
  expected.set(state);
  const trap = expected.run(program, formulas);
  const behind = state.pc + program.reduce((sum, { length }) => sum + BigInt(length), 0n);
  const jumpsBack = trap === undefined && expected.pc >= state.pc && expected.pc < behind;
  // Free, it would go on with the program, or in the middle of it.
  for (const way of jumpsBack ? [counted] : waysOf(index)) {
    const outcome = execute(program, state, way);
    const found = differences(expected, outcome);
    const same = outcome.trap?.cause === trap?.cause && outcome.trap?.tval === trap?.tval;
    if (same && found.length === 0) continue;
    const show = (one: typeof trap) => (one ? `trap ${one.cause} with ${one.tval.toString(16)}` : 'no trap');
    if (!same) found.push(`expected ${show(trap)}, found ${show(outcome.trap)}`);
    const before = `fcsr ${state.fcsr}, FS ${state.floatState}, mode ${state.privilege}\nx ${registers(state.x)}\nf ${registers(state.f)}`;
    assert.fail(`${program.map(text).join('; ')} (${way.engine}, ${way.pace})\n${found.join('\n')}\nbefore: ${before}`);
  }
}

/** Runs the cases through the interpreter and the translator. @throws AssertionError for the first case that differs */
export function checkAll(cases: Iterable<Case>): void {
  let count = 0;
  for (const one of cases) {
    check(one, count++);
  }
  assert.ok(count > 0);
}
