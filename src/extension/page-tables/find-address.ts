/** Finds the way from a guest down to the node that holds a guest-virtual address. */
import type { LeafNode, PageTableNode } from '../../protocol/page-table';

/** Reads a node's children; without a node, the roots. */
export type ReadChildren = (node: PageTableNode | undefined) => Promise<readonly PageTableNode[]>;

const ADDRESS = /^(0x[0-9a-f_]{1,20}|[0-9]{1,20})$/i;

/** A 64-bit address as a user types it, in hexadecimal with `0x` or in decimal; undefined when it is none. */
export function parseAddress(text: string): bigint | undefined {
  const trimmed = text.trim();
  if (!ADDRESS.test(trimmed)) return undefined;
  const digits = trimmed.replace(/_/g, '');
  if (digits.length < 3 && digits.startsWith('0x')) return undefined;
  const value = BigInt(digits);
  return value < 1n << 64n ? value : undefined;
}

/** Whether the node's range of guest-virtual addresses holds `gva`. */
function holds(node: PageTableNode, gva: bigint): boolean {
  if (node.kind !== 'table' && node.kind !== 'leaf') return false;
  return BigInt(node.gva.first) <= gva && gva <= BigInt(node.gva.last);
}

/**
 * The nodes from the address space in use down to the deepest one whose range holds `gva`. When the last is no leaf, the
 * address is not mapped there. With several guests, the first one's way that ends at a leaf, else the longest.
 */
export async function findAddress(gva: bigint, read: ReadChildren): Promise<readonly PageTableNode[]> {
  let best: readonly PageTableNode[] = [];
  for (const guest of await read(undefined)) {
    const space = (await read(guest)).find((node) => node.kind === 'addressSpace' && node.isCurrent);
    if (!space) continue;
    const path = [guest, space];
    for (let next: PageTableNode | undefined = space; next?.hasChildren;) {
      next = (await read(next)).find((node) => holds(node, gva));
      if (next) path.push(next);
    }
    if (path.at(-1)?.kind === 'leaf') return path;
    if (path.length > best.length) best = path;
  }
  return best;
}

/**
 * Where the guest's entry leads the address: `0x1234 → GPA 0x80001234 → HVA 0x88001234`. Where the shadow entry is stale,
 * also where the hart really goes.
 */
export function describeTranslation(gva: bigint, leaf: LeafNode): string {
  const offset = gva - BigInt(leaf.gva.first);
  const moved = (first: string): string => hex(BigInt(first) + offset);
  const way = [
    hex(gva),
    leaf.gpa === undefined ? 'no GPA: the guest maps nothing here' : `GPA ${moved(leaf.gpa)}`,
    ...(leaf.hva === undefined ? [] : [`HVA ${moved(leaf.hva)}`]),
  ].join(' → ');
  if (leaf.agreement !== 'stale') return way;
  const real = leaf.shadow.map(({ view, hpa }) => `HPA ${moved(hpa)} in ${view}`).join(', ');
  return `${way}. The stale shadow entry still leads to ${real}.`;
}

export const hex = (address: bigint): string => `0x${address.toString(16)}`;
