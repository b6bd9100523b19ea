import assert from 'node:assert/strict';
import { differingParts, results } from './report';

const line = (number: string, ...sums: string[]): string => `P${number.padStart(16, '0')} ${sums.join(' ')} \n`;

describe('the results of programs', () => {
  it('are found by number, also behind a program that lost its line', () => {
    const found = results(`${line('0', 'a')}noise${line('1', 'b')}${line('2', 'c')}`);
    assert.deepEqual([...found.keys()], [0, 2]);
  });

  it('differ in parts', () => {
    const same = line('0', 'r', 'f', 'c', 'm', 't');
    assert.deepEqual(differingParts([same, same, same]), []);
    assert.deepEqual(differingParts([same, line('0', 'r', 'f', 'C', 'm', 'T')]), ['CSRs', 'traps']);
    assert.deepEqual(differingParts([same, '']), ['end']);
    assert.deepEqual(differingParts(['', '']), []);
  });
});
