// Conditions, hit counts and log messages of breakpoints.
import assert from 'node:assert/strict';
import { integer } from '../../expressions/evaluate';
import type { GuardContext } from './guard';
import { Guard } from './guard';

const context = (a0 = 5): GuardContext => ({
  environment: {
    lookup: (name) => (name === 'a0' ? integer(a0) : undefined),
    memory: { read: () => undefined, write: () => undefined },
  },
  show: (value) => (value.kind === 'integer' ? String(value.value) : value.kind),
});

describe('breakpoint guards', () => {
  it('stop without any condition, and evaluate nothing', () => {
    const guard = Guard.of({ condition: ' ', hitCondition: '', logMessage: '' });
    assert.deepEqual(
      guard.decide(() => assert.fail()),
      { kind: 'stop' },
    );
  });

  it('go on while the condition does not hold', () => {
    const guard = Guard.of({ condition: 'a0 == 6' });
    assert.equal(guard.decide(() => context(5)).kind, 'go');
    assert.equal(guard.decide(() => context(6)).kind, 'stop');
    assert.equal(guard.hits, 1);
  });

  it('stop with the problem when the condition cannot be evaluated', () => {
    const verdict = Guard.of({ condition: 'b0 == 6' }).decide(() => context());
    assert.match(verdict.kind === 'stop' ? verdict.problem! : '', /condition cannot be evaluated: "b0" is not known/);
  });

  const counts: readonly [string, string][] = [
    ['3', '..x...'],
    ['= 3', '..x...'],
    ['>= 3', '..xxxx'],
    ['> 3', '...xxx'],
    ['< 3', 'xx....'],
    ['%2', '.x.x.x'],
  ];
  for (const [hitCondition, pattern] of counts) {
    it(`count hits: ${hitCondition}`, () => {
      const guard = Guard.of({ hitCondition });
      const seen = [...pattern].map(() => (guard.decide(() => context()).kind === 'stop' ? 'x' : '.'));
      assert.equal(seen.join(''), pattern);
    });
  }

  it('log, with values, instead of stopping', () => {
    const guard = Guard.of({ logMessage: 'a0 = {a0 + 1}, \\{b0\\} = {b0}' });
    const verdict = guard.decide(() => context());
    assert.match(verdict.kind === 'log' ? verdict.text : '', /^a0 = 6, \{b0\} = <"b0" is not known here/);
  });

  for (const options of [
    { condition: '1 +' },
    { hitCondition: 'often' },
    { hitCondition: '%0' },
    { logMessage: '{a' },
  ]) {
    it(`refuse ${JSON.stringify(options)}`, () => assert.throws(() => Guard.of(options)));
  }
});
