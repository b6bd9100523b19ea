/** Guests that are held, in menus and views. Without VS Code, so that it can be tested alone. */
import type { GuestInfo, GuestState } from '../../protocol/guests';

/** What a guest's node offers, as words that package.json's `viewItem =~ /…/` look for; a guest alone is not held. */
export function guestOffers(guests: readonly GuestInfo[], name: string): '' | 'running-guest' | 'held-guest' {
  const state = guests.length > 1 ? stateOf(guests, name) : undefined;
  if (state === 'running') return 'running-guest';
  return state === 'held' ? 'held-guest' : '';
}

/** Behind the name of a guest: `held`, `ended`, or nothing. */
export function guestNote(guests: readonly GuestInfo[], name: string): string {
  const state = stateOf(guests, name);
  return state === undefined || state === 'running' ? '' : state;
}

function stateOf(guests: readonly GuestInfo[], name: string): GuestState | undefined {
  return guests.find((guest) => guest.name === name)?.state;
}

/** What VS Code tells a command of what its menu was opened on. */
export interface MenuSubject {
  /** Of a node of our views. */
  readonly guest?: unknown;
  /** Of what is in the Call Stack: `thread:SESSION:NUMBER`. */
  readonly threadId?: unknown;
  readonly sessionId?: unknown;
}

/** @param args of a command: a node and further ones, or from the Call Stack a number or a text, and then the subject */
export function subjectOf(args: readonly unknown[]): MenuSubject {
  return args.find((one): one is MenuSubject => typeof one === 'object' && one !== null) ?? {};
}

/**
 * The guest that a menu's command is about: of a node of our views, or of a thread in the Call Stack; undefined for none.
 * @param subject see {@link subjectOf}
 */
export function guestOf({ guest, threadId }: MenuSubject, guests: readonly GuestInfo[]): GuestInfo | undefined {
  if (typeof guest === 'string') return guests.find(({ name }) => name === guest);
  const [digits] = /[0-9]+$/.exec(String(threadId)) ?? [];
  return digits === undefined ? undefined : guests.find(({ threads }) => threads.includes(Number(digits)));
}
