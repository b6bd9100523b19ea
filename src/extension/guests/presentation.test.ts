// Guests that are held, in menus and views.
import assert from 'node:assert/strict';
import type { GuestInfo } from '../../protocol/guests';
import { guestNote, guestOf, guestOffers, subjectOf } from './presentation';

const guests: GuestInfo[] = [
  { name: 'one', state: 'running', threads: [1, 2] },
  { name: 'two', state: 'held', threads: [3] },
  { name: 'three', state: 'ended', threads: [4, 12] },
];

describe('guests in views', () => {
  it('are held, or let go; one alone, and one that has ended, are neither', () => {
    assert.deepEqual(
      guests.map(({ name }) => guestOffers(guests, name)),
      ['running-guest', 'held-guest', ''],
    );
    assert.equal(guestOffers(guests.slice(0, 1), 'one'), '');
    assert.deepEqual(
      guests.map(({ name }) => guestNote(guests, name)),
      ['', 'held', 'ended'],
    );
  });

  it('are found by name, and by thread', () => {
    const named = (...args: unknown[]) => guestOf(subjectOf(args), guests)?.name;
    assert.equal(named({ kind: 'guest', guest: 'two' }, []), 'two');
    assert.equal(named(2, { sessionId: 'x1', threadId: 'thread:x1:2' }), 'one');
    assert.equal(named({ sessionId: 'x1', threadId: 'thread:x1:12' }), 'three');
    for (const other of [undefined, null, 'x', { sessionId: 'x1' }, { guest: 'four' }, { threadId: 9 }]) {
      assert.equal(named(other), undefined);
    }
  });
});
