/** Explains a page-table walk in words, down to the bit that decided it. */
import { LOAD, STORE } from '../engine/host';
import type { Access } from '../engine/host';
import { pageSizeAt } from './paging';
import {
  entryAddressOf,
  entryFlags,
  isLeaf,
  PTE_A,
  PTE_D,
  PTE_HIGH_FLAGS,
  PTE_N,
  PTE_PBMT,
  PTE_R,
  PTE_W,
  PTE_X,
} from './pte';
import type { Walk, WalkDenied, WalkFailure, WalkStep } from './walk';

/** Position of the memory type in an entry's high half. */
const PBMT_SHIFT = 29;

const units = ['KiB', 'MiB', 'GiB', 'TiB'];

/** A size in bytes as `4 KiB`, `64 KiB`, `2 MiB`, … */
function sizeName(bytes: number): string {
  const unit = Math.floor(Math.log2(bytes) / 10) - 1;
  return `${bytes / 1024 ** (unit + 1)} ${units[unit]}`;
}

/**
 * The walk in words. The first line is one sentence that says what came of it and why; one line per level follows.
 * @param va the virtual address that was walked for, 64 bits unsigned
 */
export function explainWalk(walk: Walk, va: bigint, access: Access): string[] {
  const start = `${accessName(access)} ${hex(va)}`;
  const steps = walk.steps.map(describeStep);
  if (!walk.ok) return [`${start}: ${reasons[walk.failure](walk, access)}.`, ...steps, ...unreadableStep(walk)];

  const page = `a ${sizeName(walk.pageSize)} page`;
  const first = `${start}: the leaf entry at ${hex(walk.entryAddress)} maps ${page}, so it is at ${hex(walk.address)}`;
  const set = Number((walk.updatedEntry ^ walk.entry) & 0xffn);
  const names = [set & PTE_A ? 'A' : '', set & PTE_D ? 'D' : ''].filter((name) => name !== '');
  const update = names.length === 0 ? '' : `; the access sets ${names.join(' and ')} (Privileged 4.3.2, step 7)`;
  return [`${first}${update}.`, ...steps];
}

/** The clause of the specification that a failed walk stopped at. */
export function violatedClause({ failure, level, unreadableEntry }: WalkDenied): string {
  if (failure === 'non-canonical') return `Privileged ${addressClauses[level] ?? '4.4.1'}`;
  if (failure === 'pmp' && unreadableEntry === undefined) return 'Privileged 3.7';
  return `Privileged 4.3.2, step ${failedSteps[failure]}`;
}

/** Where the width of addresses is said, by the level of the root. */
const addressClauses: Readonly<Record<number, string>> = { 2: '4.4.1', 3: '4.5.1', 4: '4.6.1' };

const failedSteps: Readonly<Record<Exclude<WalkFailure, 'non-canonical'>, number>> = {
  'entry-unreadable': 2,
  invalid: 3,
  'reserved-encoding': 3,
  'not-leaf-at-level-0': 4,
  'not-user': 5,
  'user-page-in-supervisor': 5,
  'not-readable': 5,
  'not-writable': 5,
  'not-executable': 5,
  'misaligned-superpage': 6,
  'accessed-clear': 7,
  'dirty-clear': 7,
  pmp: 2,
};

function accessName(access: Access): string {
  if (access === STORE) return 'Store to';
  return access === LOAD ? 'Load from' : 'Fetch from';
}

function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}

/** The last entry read, as a sentence begins: `the leaf entry at 0x… (level 0, index 5)`. */
function lastEntry(walk: WalkDenied): string {
  const step = walk.steps[walk.steps.length - 1];
  const kind = isLeaf(step.entry) ? 'leaf entry' : 'entry';
  return `the ${kind} at ${hex(step.entryAddress)} (level ${step.level}, index ${step.index})`;
}

function lastBits(walk: WalkDenied): number {
  return Number(walk.steps[walk.steps.length - 1].entry & 0xffn);
}

/** The clause of Privileged 4.3.2 that the walk stopped at. */
const step = (n: number): string => `(Privileged 4.3.2, step ${n})`;

const reasons: Record<WalkFailure, (walk: WalkDenied, access: Access) => string> = {
  'non-canonical': (walk) => {
    const bits = 12 + 9 * (walk.level + 1);
    const [scheme, clause] = { 39: ['Sv39', '4.4.1'], 48: ['Sv48', '4.5.1'], 57: ['Sv57', '4.6.1'] }[bits] ?? [];
    return `bits 63–${bits} do not all equal bit ${bits - 1}, so it is not an ${scheme} address (Privileged ${clause})`;
  },
  'entry-unreadable': (walk) =>
    `the entry at ${hex(walk.unreadableEntry ?? 0)} (level ${walk.level}) lies outside memory ${step(2)}`,
  invalid: (walk) => `${lastEntry(walk)} has V = 0, so nothing is mapped there ${step(3)}`,
  'reserved-encoding': (walk) => `${lastEntry(walk)} has ${reservedBits(walk)} ${step(3)}`,
  'not-leaf-at-level-0': (walk) =>
    `${lastEntry(walk)} has R = W = X = 0, so it points to a further table, but there is no level below 0 ${step(4)}`,
  'not-user': (walk) => `${lastEntry(walk)} has U = 0, so U-mode may not use the page ${step(5)}`,
  'user-page-in-supervisor': (walk, access) =>
    access === LOAD || access === STORE
      ? `${lastEntry(walk)} has U = 1, and S-mode may use user pages only while sstatus.SUM = 1 ${step(5)}`
      : `${lastEntry(walk)} has U = 1, and S-mode never executes from user pages ${step(5)}`,
  'not-readable': (walk) =>
    (lastBits(walk) & PTE_X) !== 0
      ? `${lastEntry(walk)} has R = 0, so the page is execute-only while sstatus.MXR = 0 ${step(5)}`
      : `${lastEntry(walk)} has R = 0, so the page may not be read ${step(5)}`,
  'not-writable': (walk) => `${lastEntry(walk)} has W = 0, so the page is read-only ${step(5)}`,
  'not-executable': (walk) => `${lastEntry(walk)} has X = 0, so the page holds no code that may run ${step(5)}`,
  'misaligned-superpage': (walk) =>
    `${lastEntry(walk)} maps ${sizeName(pageSizeAt(walk.level))}, but its page number is not aligned to that ${step(6)}`,
  'accessed-clear': (walk) => `${lastEntry(walk)} has A = 0, and A is kept by software here ${step(7)}`,
  'dirty-clear': (walk) => `${lastEntry(walk)} has D = 0, and D is kept by software here ${step(7)}`,
  pmp: (walk) =>
    walk.unreadableEntry === undefined
      ? `the page is mapped, but physical memory protection forbids the access (Privileged 3.7)`
      : `physical memory protection forbids reading the entry at ${hex(walk.unreadableEntry)} (level ${walk.level}) ${step(2)}`,
};

function reservedBits(walk: WalkDenied): string {
  const { entry } = walk.steps[walk.steps.length - 1];
  const high = Number(entry >> 32n);
  if ((high & PTE_HIGH_FLAGS & ~(PTE_N | PTE_PBMT)) !== 0) return 'a bit of bits 60–54 set, which are reserved';
  if ((high & PTE_PBMT) !== 0) {
    const type = pbmt(entry);
    if (!walk.rules.memoryTypes)
      return `memory type ${type} in bits 62–61, which are reserved unless Svpbmt is enabled`;
    if (!isLeaf(entry)) return `memory type ${type} in bits 62–61 although it points to a table, which is reserved`;
    if (type === 3) return 'memory type 3 in bits 62–61, which is reserved';
  }
  if ((high & PTE_N) !== 0) {
    if (!walk.rules.napot) return 'N = 1 (bit 63), which is reserved without Svnapot';
    if (!isLeaf(entry)) return 'N = 1 (bit 63) although it points to a table, which is reserved';
    if (walk.level !== 0) return 'N = 1 (bit 63) above level 0, which is reserved';
    if (((entry >> 10n) & 15n) !== 8n) {
      return 'N = 1 (bit 63) with a page number that does not end in binary 1000, which is reserved';
    }
  }
  if ((lastBits(walk) & (PTE_R | PTE_W)) === PTE_W) return 'W = 1 with R = 0, which is reserved';
  return 'D, A or U set although it points to a table, which is reserved';
}

function describeStep(step: WalkStep): string {
  const { level, index, entryAddress, entry } = step;
  const value = `0x${entry.toString(16).padStart(16, '0')}`;
  const start = `level ${level}: table ${hex(step.tableAddress)}, index ${index}: ${hex(entryAddress)} holds ${value} ${entryFlags(entry)}`;
  if ((entry & 1n) === 0n) return start;
  const target = hex(entryAddressOf(entry));
  if (!isLeaf(entry)) return `${start}: table ${target}`;
  const [isJoined, type] = [(Number(entry >> 32n) & PTE_N) !== 0 && level === 0, memoryTypes[pbmt(entry)]];
  const page = isJoined ? 'part of a 64 KiB page' : `${sizeName(pageSizeAt(level))} page ${target}`;
  return `${start}: ${page}${type === undefined ? '' : `, ${type}`}`;
}

/** What a memory type changes about accesses (Svpbmt); on this machine they are the same. */
const memoryTypes: Readonly<Record<number, string>> = { 1: 'memory type NC (not cached)', 2: 'memory type IO' };

const pbmt = (entry: bigint): number => (Number(entry >> 32n) & PTE_PBMT) >>> PBMT_SHIFT;

function unreadableStep(walk: WalkDenied): string[] {
  if (walk.unreadableEntry === undefined) return [];
  return [`level ${walk.level}: the entry at ${hex(walk.unreadableEntry)} cannot be read`];
}
