/** Delta debugging: the fewest parts with which something still happens. */

/**
 * Leaves out parts, in ever smaller groups, as long as `fails` says that it still happens.
 * @param most how often `fails` may be asked
 */
export function shrink<T>(parts: readonly T[], fails: (parts: readonly T[]) => boolean, most = 400): readonly T[] {
  let current = parts;
  let asked = 0;
  for (let size = Math.ceil(current.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < current.length;) {
      if (asked++ >= most) return current;
      const candidate = [...current.slice(0, start), ...current.slice(start + size)];
      if (fails(candidate)) current = candidate;
      else start += size;
    }
  }
  return current;
}
