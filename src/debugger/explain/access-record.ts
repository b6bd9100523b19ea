/** What came of an access, or would come of it, as a record: for views, and for the words made from it. */
import type { Access } from '../../engine/host';
import { entryAddressOf, entryFlags, isLeaf, leafAddressOf, PTE_V } from '../../machine/pte';
import type { Walk, WalkFailure } from '../../machine/walk';
import { explainWalk, violatedClause } from '../../machine/walk-explain';

/** One page-table entry that was read. */
export interface EntryStep {
  readonly level: number;
  /** Index in its table, 0 to 511. */
  readonly index: number;
  /** Of the entry: GPA in a guest's tables, physical on the bare machine. */
  readonly entryAddress: number;
  readonly entry: bigint;
  /** `DAGUXWRV`, with `-` for clear bits. */
  readonly flags: string;
  readonly kind: 'table' | 'leaf' | 'invalid';
  /** The table or page that it names; undefined for an invalid one. */
  readonly target?: number;
}

/** The rule that the access breaks. */
export interface ViolatedRule {
  readonly name: WalkFailure | 'no-memory' | 'not-executable-device';
  /** `Privileged 4.3.2, step 5`. */
  readonly clause: string;
}

/** What the shadow page table has for an address. */
export interface ShadowState {
  readonly view: string;
  /** HPA of the root. */
  readonly root: number;
  readonly level: number;
  /** HPA of the entry at the end of the walk. */
  readonly entryAddress: number;
  readonly entry: bigint;
  readonly flags: string;
  /**
   * `empty`: nothing is mapped. `stale`: it leads elsewhere than the guest's table. `suspect`: the guest wrote its table
   * since, and the next use decides.
   */
  readonly state: 'empty' | 'allows' | 'denies' | 'stale' | 'suspect';
  /** Where it leads, for a leaf. */
  readonly hpa?: number;
}

/** `allowed`: memory is reached. `device`: a device is. Otherwise the exception that the access raises. */
export type AccessOutcome = 'allowed' | 'device' | 'page-fault' | 'access-fault';

/** What is known of a walk: the part of the record that it decides. */
export interface WalkRecord {
  readonly steps: readonly EntryStep[];
  readonly rule?: ViolatedRule;
  readonly lines: readonly string[];
  /** Where it leads. */
  readonly address?: number;
}

/** @param va the address that was walked for */
export function walkRecord(walk: Walk, va: bigint, access: Access): WalkRecord {
  const steps = walk.steps.map(({ level, index, entryAddress, entry }): EntryStep => {
    const flags = entryFlags(entry);
    const at = { level, index, entryAddress, entry, flags };
    if ((entry & BigInt(PTE_V)) === 0n) return { ...at, kind: 'invalid' };
    if (!isLeaf(entry)) return { ...at, kind: 'table', target: entryAddressOf(entry) };
    return { ...at, kind: 'leaf', target: leafAddressOf(entry, level, va) };
  });
  const lines = explainWalk(walk, va, access);
  if (walk.ok) return { steps, lines, address: walk.address };
  return { steps, lines, rule: { name: walk.failure, clause: violatedClause(walk) } };
}

/** Whether a rule is about memory that cannot be reached, which raises an access fault (4.3.2, step 2). */
export function isAccessRule({ name }: ViolatedRule): boolean {
  return ['entry-unreadable', 'pmp', 'no-memory', 'not-executable-device'].includes(name);
}

/** No memory and no device: the physical memory attributes of that address allow nothing (Privileged 3.6). */
export const NO_MEMORY: ViolatedRule = { name: 'no-memory', clause: 'Privileged 3.6.1' };
export const DEVICE_CODE: ViolatedRule = { name: 'not-executable-device', clause: 'Privileged 3.6.1' };
