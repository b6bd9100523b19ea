/** Finds values of a machine's objects that a snapshot does not bring back. */
import { isDeepStrictEqual } from 'node:util';
import { restoreState, saveState, SnapshotError } from '../../src/engine/state-transfer';
import type { Machine } from '../../src/machine/machine';
import { setValue, slotName, slotsOf, valueOf } from './object-graph';

/** Whether what an object holds there is no state. */
export type IsNoState = (owner: object, key: string, value: unknown) => boolean;

/** A machine, and an object of it below which to look. */
export interface Place {
  readonly machine: Machine;
  readonly root: object;
}

/**
 * Changes one value after the other in `made`, and looks whether it gets into `fresh`, a machine made in the same way.
 * @returns how many kinds of values were tried, and those that did not come back
 */
export function forgottenValues(
  made: Place,
  fresh: Place,
  isNoState: IsNoState,
): { tried: number; forgotten: string[] } {
  const before = saveState(made.machine);
  const forgotten = new Set<string>();
  const tried = new Set<string>();
  for (const slot of slotsOf(made.root, isNoState)) {
    const value = valueOf(slot);
    // One of each kind is enough.
    const kind = slot.path.replace(/\d+/g, '#');
    if (value === undefined || slot.isCopy || tried.has(kind)) continue;
    tried.add(kind);
    setValue(slot, another(value));
    try {
      restoreState(fresh.machine, saveState(made.machine));
      const kept = slotsOf(fresh.root, isNoState).find(({ path }) => path === slot.path);
      if (!isDeepStrictEqual(kept && valueOf(kept), another(value))) forgotten.add(`${slot.path} (${slotName(slot)})`);
    } catch (error) {
      // A value that cannot be is noticed, so it is kept.
      if (!(error instanceof SnapshotError)) throw new Error(slot.path, { cause: error });
    }
    setValue(slot, value);
    restoreState(fresh.machine, before);
  }
  return { tried: tried.size, forgotten: [...forgotten] };
}

function another(value: unknown): unknown {
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'number') return value === 0 ? 1 : value - 1;
  if (typeof value === 'bigint') return value ^ 1n;
  if (typeof value === 'string') return `${value}?`;
  if (value instanceof Uint8Array || value instanceof Uint32Array) {
    const changed = value.slice();
    if (changed.length > 0) changed[0] ^= 1;
    return changed;
  }
  return value;
}
