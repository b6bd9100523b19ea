/** The tree of scopes inside a function: inlined copies and lexical blocks, with the variables that each declares. */
import type { AddressRange } from '../model';
import { TAG } from './constants';
import { contains } from './functions';
import type { Entry } from './entry';

export interface Scope {
  readonly kind: 'function' | 'inlined' | 'block';
  readonly entry: Entry;
  readonly ranges: readonly AddressRange[];
  readonly children: Scope[];
  /** Formal parameters and variables, in the order of declaration. */
  readonly variables: Entry[];
}

const SCOPE_KINDS: Readonly<Record<number, 'inlined' | 'block'>> = {
  [TAG.inlinedSubroutine]: 'inlined',
  [TAG.lexicalBlock]: 'block',
};
const MAX_DEPTH = 500;

/** Reads the scopes of a function with code. @throws DwarfError when they are damaged. */
export function readScopes(entry: Entry, ranges: readonly AddressRange[]): Scope {
  const root: Scope = { kind: 'function', entry, ranges, children: [], variables: [] };
  const enclosing: Scope[] = [root];
  entry.unit.walk(entry, (child, depth) => {
    const parent = enclosing[depth - 1]!;
    enclosing.length = depth;
    enclosing[depth] = parent;
    if (child.tag === TAG.formalParameter || child.tag === TAG.variable) {
      parent.variables.push(child);
      return false;
    }
    const kind = SCOPE_KINDS[child.tag];
    if (!kind || depth > MAX_DEPTH) return false;
    const scopeRanges = child.ranges();
    // A block without code of its own stands for its parent; an inlined copy without code is gone.
    if (scopeRanges.length === 0) return kind === 'block';
    const scope: Scope = { kind, entry: child, ranges: scopeRanges, children: [], variables: [] };
    parent.children.push(scope);
    enclosing[depth] = scope;
    return true;
  });
  return root;
}

/** The scopes that hold the address, from the function to the innermost. */
export function scopesAt(root: Scope, address: bigint): Scope[] {
  const path = [root];
  for (let scope: Scope | undefined = root; scope;) {
    scope = scope.children.find(({ ranges }) => ranges.some((range) => contains(range, address)));
    if (scope) path.push(scope);
  }
  return path;
}
