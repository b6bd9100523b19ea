/** A target: one processor as the user debugs it. Under the hypervisor a vCPU of a guest, on the bare machine a hart. */
import type { CsrDescription } from '../isa/csrs';
import type { AccessOutcome, EntryStep, ShadowState, ViolatedRule } from './explain/access-record';
import type { Memory } from './values/place';

/**
 * The kinds of address: `gva`, what the guest's code uses now; `gpa`, what its page tables lead to; `hpa`, where that lies
 * in the machine. On the bare machine, the first is the virtual address and the other two are both the physical one.
 */
export const ADDRESS_KINDS = ['gva', 'gpa', 'hpa'] as const;
export type AddressKind = (typeof ADDRESS_KINDS)[number];

/** A mode as the guest believes it to be: `vS` and `vU` in a guest, `M`, `S` and `U` on the bare machine. */
export type ModeName = 'vS' | 'vU' | 'M' | 'S' | 'U';

/** One CSR with its value, decoded by its description. */
export interface CsrValue {
  readonly description: CsrDescription;
  readonly value: bigint;
  /** Writes it as the hypervisor or the machine would, fields keeping to their rules; absent when it cannot be set. */
  readonly set?: (value: bigint) => void;
}

/** CSRs shown together. */
export interface CsrSet {
  readonly kind: 'guest' | 'host';
  /** As a scope's title. */
  readonly title: string;
  list(): readonly CsrValue[];
  /** By lower-case name; undefined when the set has none of that name. */
  find(name: string): CsrValue | undefined;
}

/** What is known of the translation of an address. */
export interface Translation {
  readonly address: bigint;
  readonly access: AccessKind;
  /** The mode of the access, and the address space; `satp` is 0n where nothing is translated. */
  readonly mode: ModeName;
  readonly satp: bigint;
  readonly outcome: AccessOutcome;
  /** Why not, where it is refused. */
  readonly rule?: ViolatedRule;
  /** The page-table entries on the way, root first. */
  readonly steps: readonly EntryStep[];
  /** Where the address leads, as far as it leads anywhere. */
  readonly gpa?: bigint;
  readonly hpa?: bigint;
  /** The device that is there. */
  readonly device?: string;
  /** Under the hypervisor. */
  readonly shadow?: ShadowState;
  /** In words: one sentence, then a line per level. */
  readonly lines: readonly string[];
}

/** Where a byte lies in the machine's memory. */
export interface Location {
  /** Undefined where there is no memory. */
  readonly hpa: number | undefined;
  /** A device is there instead. */
  readonly isDevice: boolean;
  /** HPAs of the page-table entries that were looked at; when one of them changes, the byte may lie elsewhere. */
  readonly entries: readonly number[];
  /** The page table gives it to user programs. */
  readonly isUser: boolean;
}

export type AccessKind = 'fetch' | 'load' | 'store';

/** Why a target executes nothing, however long it is let run: its guest is held or has ended, or its SBI has not started it. */
export type Standstill = 'held' | 'ended' | 'off';

export interface Target {
  /** From 1, also the thread's id for clients. */
  readonly id: number;
  /** For the user: `teaching-kernel` or `linux, vCPU 1`. */
  readonly name: string;
  /** Name of the guest. */
  readonly guest: string;
  /** The number by which its code knows it: `mhartid`, or the vCPU's number in its guest. */
  readonly hart: number;
  /** Undefined while it could execute. */
  readonly standstill: Standstill | undefined;
  pc: bigint;
  /** Integer register 0 to 31, unsigned. */
  x(index: number): bigint;
  setX(index: number, value: bigint): void;
  /** Floating-point register 0 to 31, its 64 bits. */
  f(index: number): bigint;
  setF(index: number, value: bigint): void;
  readonly mode: ModeName;
  /** The `satp` that translates now: the guest's, or the hart's on the bare machine; 0n when nothing is translated. */
  readonly satp: bigint;
  memory(kind: AddressKind): Memory;
  /** The first set is what code at the target sees. */
  readonly csrSets: readonly CsrSet[];
  /** Where a byte lies, whatever the mode may access; `satp` says in which address space, for the kind `gva`. */
  locate(kind: AddressKind, address: bigint, satp: bigint): Location;
  /**
   * Explains how an address is translated for an access. Changes nothing.
   * @param as the mode of the access: the current one unless given
   */
  translate(address: bigint, access: AccessKind, as?: ModeName): Translation;
}

/** Whether two moments are in the same mode and, for user programs, in the same program. */
export interface Context {
  readonly mode: ModeName;
  readonly satp: bigint;
}

export function contextOf(target: Target): Context {
  return { mode: target.mode, satp: target.satp };
}

/** Kernels may switch `satp` on their way; user programs cannot. */
export function isSameContext(a: Context, b: Context): boolean {
  return a.mode === b.mode && (a.satp === b.satp || !isUserMode(a.mode));
}

export function isUserMode(mode: ModeName): boolean {
  return mode === 'U' || mode === 'vU';
}
