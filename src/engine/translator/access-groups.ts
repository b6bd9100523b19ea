/**
 * Memory accesses of a block that look into the TLB together: those relative to the same register, while it keeps its value,
 * that lie close to each other. One check then answers for all, if they are in the same page.
 */
import type { Expr, Width } from '../../isa/semantics';
import type { Step } from './region';
import { integerUse } from './registers';

/** Bytes from the first to the last access of a group, at most: the more, the more often a page ends in between. */
const REACH = 256;

export interface AccessGroup {
  /** The register that all addresses are relative to. */
  readonly base: number;
  /** From the register to the first byte that the group covers: a multiple of `width` if the accesses are aligned. */
  first: number;
  /** To the byte behind the last one. */
  end: number;
  /** The widest access. */
  width: Width;
  loads: boolean;
  stores: boolean;
}

export interface Access {
  readonly step: Step;
  readonly width: Width;
  readonly isStore: boolean;
}

/** The group of each load and store in a block's steps. @param together false: each is a group of its own */
export function groupAccesses(steps: readonly Step[], together: boolean): Map<Step, AccessGroup> {
  const groups = new Map<Step, AccessGroup>();
  const open = new Map<number, AccessGroup>();
  for (const step of steps) {
    const access = accessOf(step);
    if (access) {
      const { rs1 } = step.decoded;
      let group = together ? open.get(rs1) : undefined;
      if (!group || !join(group, access)) open.set(rs1, (group = groupOf(access)));
      groups.set(step, group);
    }
    const { writes } = integerUse(step.decoded.instruction, step.decoded);
    for (const register of open.keys()) if (writes & (1 << register)) open.delete(register);
  }
  return groups;
}

/** The load or store relative to a register that a step is. */
export function accessOf(step: Step): Access | undefined {
  const { action } = step.decoded.instruction;
  if ('address' in action && !isBasePlusOffset(action.address)) return undefined;
  switch (action.k) {
    case 'load':
    case 'float-load':
      return { step, width: action.width, isStore: false };
    case 'store':
    case 'float-store':
      return { step, width: action.width, isStore: true };
    default:
      return undefined;
  }
}

function groupOf({ step, width, isStore }: Access): AccessGroup {
  const { rs1, imm } = step.decoded;
  return { base: rs1, first: imm, end: imm + width, width, loads: !isStore, stores: isStore };
}

/** Takes an access into the group, if it is near and aligned when the others are. */
function join(group: AccessGroup, { step, width, isStore }: Access): boolean {
  const { imm } = step.decoded;
  if ((imm - group.first) % Math.min(width, group.width) !== 0) return false;
  const widest = Math.max(width, group.width) as Width;
  // The first byte stays aligned as the widest access is: that one is in the group already, or it is this one.
  const anchor = width > group.width ? imm : group.first;
  const least = Math.min(imm, group.first);
  const first = anchor - Math.ceil((anchor - least) / widest) * widest;
  const end = Math.max(imm + width, group.end);
  if (end - first > REACH) return false;
  group.first = first;
  group.end = end;
  group.width = widest;
  group.loads ||= !isStore;
  group.stores ||= isStore;
  return true;
}

function isBasePlusOffset(address: Expr): boolean {
  return address.k === 'binary' && address.op === 'add' && address.a.k === 'x' && address.b.k === 'imm';
}
