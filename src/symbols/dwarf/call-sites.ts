/** Call sites (DWARF 5, 3.4): what a caller passed, for parameters that the callee no longer holds. */
import { AT, TAG } from './constants';
import type { Entry } from './entry';

const SITE_TAGS: ReadonlySet<number> = new Set([TAG.callSite, TAG.gnuCallSite]);
const PARAMETER_TAGS: ReadonlySet<number> = new Set([TAG.callSiteParameter, TAG.gnuCallSiteParameter]);

/** The call site in a function whose call returns to `returnAddress`. */
export function callSiteAt(owner: Entry, returnAddress: bigint): Entry | undefined {
  let found: Entry | undefined;
  owner.unit.walk(owner, (entry) => {
    if (found) return false;
    if (!SITE_TAGS.has(entry.tag)) return true;
    const address = entry.address(AT.callReturnPc) ?? entry.address(AT.lowPc);
    if (address === returnAddress) found = entry;
    return false;
  });
  return found;
}

/** The function that the site calls, when it is known. */
export function calleeOf(site: Entry): Entry | undefined {
  return site.reference(AT.callOrigin) ?? site.reference(AT.abstractOrigin);
}

/** The expression, in terms of the caller, for what `location` of the callee holds at its entry. */
export function passedValue(site: Entry, location: Uint8Array): Uint8Array | undefined {
  for (const parameter of site.unit.children(site)) {
    if (!PARAMETER_TAGS.has(parameter.tag)) continue;
    const where = parameter.expression(AT.location);
    if (where && areEqual(where, location)) {
      return parameter.expression(AT.callValue) ?? parameter.expression(AT.gnuCallSiteValue);
    }
  }
  return undefined;
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
