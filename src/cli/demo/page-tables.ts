/** The part of the shadow-page-table tree around an address, as lines of text. */
import type { LeafNode, PageTableNode, TableNode } from '../../protocol/page-table';
import type { DapClient } from './dap-client';

const NEIGHBOURS = 1;

function covers({ gva }: TableNode | LeafNode, address: bigint): boolean {
  return BigInt(gva.first) <= address && address <= BigInt(gva.last);
}

/** Walks from the guest down to the leaf, reading only the nodes on the way; neighbours are shown beside them. */
export async function pageTablesAround(client: DapClient, address: bigint): Promise<string[]> {
  const lines: string[] = [];
  const line = (depth: number, text: string, mark = ' ') =>
    lines.push(`${mark} ${'  '.repeat(depth)}${text}`.trimEnd());
  const show = (node: PageTableNode, depth: number, mark?: string) =>
    line(depth, `${node.label}  ${node.description}`, mark);
  const children = async (node?: PageTableNode) =>
    (await client.custom('hypocaust/pageTable', node ? { node: node.id } : {})).nodes;

  /** The entries of a table next to the address, and below the one that covers it, those of its table. */
  const descend = async (parent: PageTableNode, depth: number): Promise<void> => {
    const entries = (await children(parent)).filter((node) => node.kind === 'table' || node.kind === 'leaf');
    const after = entries.findIndex((node) => BigInt(node.gva.last) >= address);
    const nearest = after < 0 ? entries.length : after;
    const hit = entries[nearest] && covers(entries[nearest], address) ? entries[nearest] : undefined;
    const before = entries.slice(Math.max(0, nearest - NEIGHBOURS), nearest);
    const behind = entries.slice(hit ? nearest + 1 : nearest).slice(0, NEIGHBOURS);
    const hidden = entries.length - before.length - behind.length - (hit ? 1 : 0);
    for (const node of before) show(node, depth);
    if (hit) show(hit, depth, '>');
    else line(depth, `(no entry for 0x${address.toString(16)})`, '>');
    if (hit?.kind === 'table') await descend(hit, depth + 1);
    for (const node of behind) show(node, depth);
    if (hidden > 0) line(depth, `(${hidden} more)`);
  };

  const [guest] = await children();
  show(guest, 0);
  const space = (await children(guest)).find((node) => node.kind === 'addressSpace' && node.isCurrent);
  if (space) {
    show(space, 1);
    await descend(space, 2);
  }
  return lines;
}
