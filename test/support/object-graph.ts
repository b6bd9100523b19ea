/** Walks the values that objects hold, private ones too, to find what a snapshot may have forgotten. */

export interface Slot {
  readonly owner: object;
  readonly key: string;
  /** As in `harts.0.csrs`; the same for the same place of two machines. */
  readonly path: string;
  /** Of a collection: to set it changes nothing. */
  readonly isCopy: boolean;
}

type Skips = (owner: object, key: string, value: unknown) => boolean;

/** All places below `root` that hold a primitive value, or bytes; those of collections by index. */
export function slotsOf(root: object, skips: Skips): Slot[] {
  const seen = new Set<object>();
  const slots: Slot[] = [];
  const visit = (owner: object, path: string, isCopy: boolean): void => {
    if (seen.has(owner)) return;
    seen.add(owner);
    for (const key of Object.keys(owner)) {
      // What is computed is held elsewhere.
      if (Object.getOwnPropertyDescriptor(owner, key)?.get) continue;
      const value = (owner as Record<string, unknown>)[key];
      if (typeof value === 'function' || skips(owner, key, value)) continue;
      const at = path ? `${path}.${key}` : key;
      if (value instanceof Map || value instanceof Set) visit([...value] as object, at, true);
      else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) visit(value, at, isCopy);
      else slots.push({ owner, key, path: at, isCopy });
    }
  };
  visit(root, '', false);
  return slots;
}

export function valueOf({ owner, key }: Slot): unknown {
  return (owner as Record<string, unknown>)[key];
}

export function setValue({ owner, key }: Slot, value: unknown): void {
  (owner as Record<string, unknown>)[key] = value;
}

/** A name for the place that does not depend on which object it is. */
export function slotName({ owner, key }: Slot): string {
  return `${owner.constructor.name}.${key}`;
}
