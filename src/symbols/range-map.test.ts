import assert from 'node:assert/strict';
import { RangeMap } from './range-map';

describe('RangeMap', () => {
  it('finds the innermost range around an address', () => {
    const map = new RangeMap<string>();
    map.add({ low: 0n, high: 100n }, 'outer');
    map.add({ low: 10n, high: 20n }, 'first');
    map.add({ low: 10n, high: 15n }, 'inner');
    map.add({ low: 30n, high: 40n }, 'second');
    map.add({ low: 200n, high: 210n }, 'alone');
    const expected: [bigint, string | undefined][] = [
      [0n, 'outer'],
      [10n, 'inner'],
      [14n, 'inner'],
      [15n, 'first'],
      [20n, 'outer'],
      [39n, 'second'],
      [99n, 'outer'],
      [100n, undefined],
      [205n, 'alone'],
      [210n, undefined],
    ];
    for (const [address, value] of expected) assert.equal(map.find(address), value, String(address));
    assert.equal(map.find(-1n), undefined);
  });

  it('survives ranges that overlap without nesting', () => {
    const map = new RangeMap<string>();
    map.add({ low: 0n, high: 10n }, 'a');
    map.add({ low: 5n, high: 8n }, 'b');
    map.add({ low: 7n, high: 20n }, 'c');
    assert.equal(map.find(7n), 'c');
    assert.equal(map.find(6n), 'b');
    assert.equal(map.find(4n), 'a');
    assert.equal(new RangeMap().find(1n), undefined);
  });
});
