/** Guests and threads as the client shows them: what they are called, and whether they run. */
import type { Session } from '../debugger/session';
import type { Target } from '../debugger/target';
import type { GuestsBody, GuestState } from '../protocol/guests';

/** `linux, vCPU 1`, with `(held)`, `(ended)` or `(off)` behind it where it executes nothing. */
export function threadName({ name, standstill }: Target): string {
  return standstill ? `${name} (${standstill})` : name;
}

export function guestsOf({ guests, targets }: Session): GuestsBody {
  return {
    guests: guests.map((name) => {
      const own = targets.filter(({ guest }) => guest === name);
      return { name, state: stateOf(own[0]!), threads: own.map(({ id }) => id) };
    }),
  };
}

function stateOf({ standstill }: Target): GuestState {
  return standstill === 'held' || standstill === 'ended' ? standstill : 'running';
}
