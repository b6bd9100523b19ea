/** Reads the page-table tree: the guest's table and its shadow views side by side, a table at a time. */
import { entryAddressOf, isLeaf, leafAddressOf, makeEntry, PTE_V } from '../../machine/pte';
import { agreementOf, fold } from './entries';
import type { MappedEntry, ShadowEntry } from './entries';
import type { PageTableTree, TreeNode } from './tree';

/** Tables of one kind: where the root is, and how entries are read. */
export interface Tables {
  /** `guest`, or the name of the view. */
  readonly name: string;
  /** Physical address of the root: GPA for the guest's own table, HPA for shadow views. */
  readonly root: number;
  /** The entry (8 bytes) at such an address; undefined where there is no memory. */
  read(address: number): bigint | undefined;
  /** Its low half. */
  readLow(address: number): number | undefined;
}

/** One address space, to be shown. */
export interface SpaceTables {
  readonly satp: bigint;
  readonly asid: number;
  readonly levels: number;
  readonly isCurrent: boolean;
  /** The guest's own table; undefined when it translates nothing. */
  readonly guest: Tables | undefined;
  /** The shadow views; undefined on the bare machine. */
  readonly views: readonly Tables[] | undefined;
  /** Where guest-physical memory lies in the machine; undefined outside the guest's memory. */
  toHpa(gpa: number): number | undefined;
}

export interface GuestTables {
  readonly guest: string;
  /** Where host memory lies in the guest's; undefined where it is not the guest's. */
  toGpa(hpa: number): number | undefined;
  spaces(): readonly SpaceTables[];
}

/** What one kind of tables has at some level: a table, a part of a larger leaf, or nothing. */
type At = { readonly tables: Tables } & (
  | { readonly kind: 'table'; readonly address: number }
  | { readonly kind: 'leaf'; readonly entry: bigint }
  | { readonly kind: 'none' }
);

const ENTRIES = 512;

/** `g0`, then `s` and satp in hexadecimal, then table indices from the root on. */
const ID = /^g(\d{1,4})(?:\/s([0-9a-f]{1,16})((?:\/\d{1,3}){0,4}))?$/;

export class MachinePageTables implements PageTableTree {
  constructor(readonly guests: readonly GuestTables[]) {}

  children(id?: string): readonly TreeNode[] {
    if (id === undefined) return this.guests.map((guest, index) => this.guestNode(guest, index));
    const match = ID.exec(id);
    const guest = match && this.guests[Number(match[1])];
    if (!match || !guest) return [];
    if (match[2] === undefined) return inUseFirst(guest.spaces()).map((space) => spaceNode(id, space));
    const satp = BigInt(`0x${match[2]}`);
    const space = guest.spaces().find((candidate) => candidate.satp === satp);
    if (!space) return [];
    const path = (match[3] ?? '').split('/').filter(Boolean).map(Number);
    if (path.length >= space.levels || path.some((index) => index >= ENTRIES)) return [];
    return tableChildren(id, space, path);
  }

  private guestNode({ guest, spaces }: GuestTables, index: number): TreeNode {
    return { kind: 'guest', id: `g${index}`, guest, spaces: spaces().length };
  }
}

function inUseFirst(spaces: readonly SpaceTables[]): SpaceTables[] {
  return [...spaces].sort((a, b) => Number(b.isCurrent) - Number(a.isCurrent));
}

function spaceNode(parent: string, { satp, asid, guest, isCurrent, views }: SpaceTables): TreeNode {
  return {
    kind: 'addressSpace',
    id: `${parent}/s${satp.toString(16)}`,
    satp,
    asid,
    root: guest?.root,
    isCurrent,
    ...(views ? { views: views.map((view) => view.name) } : {}),
  };
}

function tableChildren(id: string, space: SpaceTables, path: readonly number[]): TreeNode[] {
  let here: readonly At[] = roots(space);
  let level = space.levels - 1;
  let gva = 0n;
  for (const index of path) {
    here = here.map((at) => below(at, index, level));
    gva |= BigInt(index) << BigInt(12 + 9 * level);
    level--;
  }
  const unreadable = here.filter((at) => at.kind === 'table' && at.tables.read(at.address) === undefined);
  const notes = unreadable.map((at, index): TreeNode => {
    const address = at.kind === 'table' ? at.address.toString(16) : '';
    return {
      kind: 'note',
      id: `${id}/!${index}`,
      text: `The ${at.tables.name} table at 0x${address} is outside memory.`,
    };
  });
  return [...notes, ...entriesOf(id, space, here, level, gva)];
}

function roots({ guest, views }: SpaceTables): At[] {
  return [...(guest ? [guest] : []), ...(views ?? [])].map((tables) => ({
    tables,
    kind: 'table',
    address: tables.root,
  }));
}

function entriesOf(id: string, space: SpaceTables, here: readonly At[], level: number, base: bigint): TreeNode[] {
  const nodes: TreeNode[] = [];
  let leaves: { entry: MappedEntry; index: number }[] = [];
  const flush = (): void => {
    let at = 0;
    for (const { entry, count } of fold(leaves.map((leaf) => leaf.entry))) {
      const size = BigInt(count) * sizeAt(level);
      nodes.push({ kind: 'leaf', id: `${id}/=${leaves[at]!.index}`, entry, count, size });
      at += count;
    }
    leaves = [];
  };
  for (let index = 0; index < ENTRIES; index++) {
    const gva = signExtend(base | (BigInt(index) << BigInt(12 + 9 * level)), space.levels);
    const found = here.map((at) => below(at, index, level));
    if (level > 0 && found.some((at) => at.kind === 'table')) {
      flush();
      nodes.push(tableNode(`${id}/${index}`, found, level, gva));
    } else if (found.some((at) => at.kind === 'leaf')) {
      leaves.push({ entry: leafOf(space, here, found, level, gva, index), index });
    }
  }
  flush();
  return nodes;
}

function tableNode(id: string, found: readonly At[], level: number, gva: bigint): TreeNode {
  const guest = found.find((at) => at.tables.name === 'guest');
  return {
    kind: 'table',
    id,
    level,
    gva,
    size: sizeAt(level),
    guestTable: guest?.kind === 'table' ? guest.address : undefined,
    views: found.filter((at) => at.kind === 'table' && at !== guest).map((at) => at.tables.name),
  };
}

function leafOf(
  space: SpaceTables,
  here: readonly At[],
  found: readonly At[],
  level: number,
  gva: bigint,
  index: number,
): MappedEntry {
  const position = found.findIndex((at) => at.tables.name === 'guest');
  const guest = found[position];
  const guestEntry = guest?.kind === 'leaf' ? guest.entry : undefined;
  const table = here[position];
  const gpa =
    guestEntry === undefined ? (space.guest ? undefined : Number(gva)) : leafAddressOf(guestEntry, level, gva);
  const hpa = gpa === undefined ? undefined : space.toHpa(gpa);
  const shadow = found.flatMap((at): ShadowEntry[] =>
    at.kind === 'leaf' && at !== guest
      ? [{ view: at.tables.name, entry: at.entry, hpa: entryAddressOf(at.entry) }]
      : [],
  );
  return {
    gva,
    level,
    guestEntry,
    ...(table?.kind === 'table' ? { guestEntryAddress: table.address + index * 8 } : {}),
    gpa,
    hpa,
    shadow,
    agreement: agreement(space, guestEntry, hpa, shadow),
  };
}

function agreement(
  space: SpaceTables,
  guestEntry: bigint | undefined,
  hpa: number | undefined,
  shadow: readonly ShadowEntry[],
): MappedEntry['agreement'] {
  if (space.guest || !space.views) return agreementOf(guestEntry, hpa, shadow, space.views !== undefined);
  return shadow.every((entry) => entry.hpa === hpa) ? 'agrees' : 'stale';
}

/** One step down: what the entry at this index leads to. */
function below(at: At, index: number, level: number): At {
  const { tables } = at;
  if (at.kind === 'none') return at;
  if (at.kind === 'leaf') {
    const part = entryAddressOf(at.entry) + index * Number(sizeAt(level));
    return { tables, kind: 'leaf', entry: makeEntry(part, Number(at.entry & 0x3ffn)) };
  }
  const entry = tables.read(at.address + index * 8);
  if (entry === undefined || (entry & BigInt(PTE_V)) === 0n) return { tables, kind: 'none' };
  if (isLeaf(entry)) return { tables, kind: 'leaf', entry };
  return level === 0 ? { tables, kind: 'none' } : { tables, kind: 'table', address: entryAddressOf(entry) };
}

function sizeAt(level: number): bigint {
  return 4096n << BigInt(9 * level);
}

function signExtend(gva: bigint, levels: number): bigint {
  return BigInt.asUintN(64, BigInt.asIntN(12 + 9 * levels, gva));
}
