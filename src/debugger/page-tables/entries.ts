/** One range of addresses as the guest's table and the shadow tables map it, and folding of like neighbours. */
import { PTE_A, PTE_D, PTE_R, PTE_V, PTE_W, PTE_X } from '../../machine/pte';

/** How the guest's entry and the shadow entries relate; see `Agreement` in protocol/page-table.ts, the same words. */
export type Agreement = 'agrees' | 'not-filled' | 'stale' | 'not-memory';

export interface ShadowEntry {
  /** The view: `vU`, `vS`, `vS+SUM`, `bare`. */
  readonly view: string;
  readonly entry: bigint;
  /** Host-physical address of the first byte of the range. */
  readonly hpa: number;
}

/** A leaf of the guest's table, of shadow tables, or of both, at one address. */
export interface MappedEntry {
  readonly gva: bigint;
  /** 0 for 4 KiB, 1 for 2 MiB, 2 for 1 GiB. */
  readonly level: number;
  /** The guest's leaf; undefined when the guest maps nothing here. Without translation, what that allows. */
  readonly guestEntry: bigint | undefined;
  /** Address of the guest's entry; undefined without translation. */
  readonly guestEntryAddress?: number;
  readonly gpa: number | undefined;
  /** Where the GPA lies in the machine; undefined when it is not the guest's memory. */
  readonly hpa: number | undefined;
  readonly shadow: readonly ShadowEntry[];
  readonly agreement: Agreement;
}

export interface FoldedEntry {
  readonly entry: MappedEntry;
  readonly count: number;
}

const FLAGS = 0xffn;

/** Bits of an entry that are shown and compared when folding. */
function flagBits(entry: bigint): bigint {
  return entry & FLAGS;
}

/**
 * How the entries relate. Shadow entries agree when each leads where the guest's entry leads and permits no more than it.
 * @param isShadowed false on the bare machine, where there is nothing to agree with
 */
export function agreementOf(
  guestEntry: bigint | undefined,
  hpa: number | undefined,
  shadow: readonly ShadowEntry[],
  isShadowed: boolean,
): Agreement {
  if (!isShadowed) return 'agrees';
  const isValid = guestEntry !== undefined && (guestEntry & BigInt(PTE_V)) !== 0n;
  for (const { entry, hpa: mapped } of shadow) {
    if (!isValid || hpa === undefined || mapped !== hpa || exceeds(entry, guestEntry)) return 'stale';
  }
  if (hpa === undefined) return 'not-memory';
  return shadow.length === 0 ? 'not-filled' : 'agrees';
}

/** Whether the shadow entry permits what the guest's does not: W needs the guest's W and D, everything needs A. */
function exceeds(shadow: bigint, guest: bigint): boolean {
  const has = (entry: bigint, bit: number): boolean => (entry & BigInt(bit)) !== 0n;
  if (!has(guest, PTE_A)) return true;
  if (has(shadow, PTE_W) && !(has(guest, PTE_W) && has(guest, PTE_D))) return true;
  if (has(shadow, PTE_X) && !has(guest, PTE_X)) return true;
  // With MXR a shadow entry may let data be read that the guest may only execute.
  return has(shadow, PTE_R) && !has(guest, PTE_R) && !has(guest, PTE_X);
}

/** Folds neighbours together that continue each other: same flags everywhere, addresses going on. */
export function fold(entries: readonly MappedEntry[]): FoldedEntry[] {
  const folded: { entry: MappedEntry; count: number }[] = [];
  for (const entry of entries) {
    const last = folded[folded.length - 1];
    if (last && continues(last.entry, last.count, entry)) last.count++;
    else folded.push({ entry, count: 1 });
  }
  return folded;
}

function continues(first: MappedEntry, count: number, next: MappedEntry): boolean {
  const distance = count * 4096 * 512 ** first.level;
  if (next.level !== first.level || next.gva !== BigInt.asUintN(64, first.gva + BigInt(distance))) return false;
  if (next.agreement !== first.agreement || next.shadow.length !== first.shadow.length) return false;
  if (!isOffset(first.gpa, next.gpa, distance) || !isOffset(first.hpa, next.hpa, distance)) return false;
  if (!sameFlags(first.guestEntry, next.guestEntry)) return false;
  return first.shadow.every((shadow, index) => {
    const other = next.shadow[index]!;
    return shadow.view === other.view && sameFlags(shadow.entry, other.entry) && other.hpa === shadow.hpa + distance;
  });
}

function isOffset(first: number | undefined, next: number | undefined, distance: number): boolean {
  return first === undefined || next === undefined ? first === next : next === first + distance;
}

function sameFlags(a: bigint | undefined, b: bigint | undefined): boolean {
  return a === undefined || b === undefined ? a === b : flagBits(a) === flagBits(b);
}
