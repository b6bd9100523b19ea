/**
 * Memory accesses of a loop of one block whose addresses move on by the same distance each time it goes round: by how much is
 * known, so that one look into the TLB can answer for several rounds.
 */
import type { Width } from '../../isa/semantics';
import type { AccessGroup } from './access-groups';
import { accessOf } from './access-groups';
import type { Step } from './region';
import { integerUse } from './registers';

/** Bytes that the accesses of all rounds span, at most: the more, the more often a page ends in between. */
const REACH = 1024;

/** All accesses relative to one register, in all rounds; `first` and `end` are relative to its value before the first one. */
export interface StridedGroup extends AccessGroup {
  /** What the register grows by in each round. */
  readonly stride: number;
}

export interface StridedAccesses {
  /** How many rounds one look answers for. */
  readonly rounds: number;
  readonly groups: readonly StridedGroup[];
  /** For an access, its distance in the first round from the register's value before that. */
  readonly places: ReadonlyMap<Step, { readonly group: StridedGroup; readonly offset: number }>;
}

interface Place {
  readonly step: Step;
  readonly offset: number;
  readonly width: Width;
  readonly isStore: boolean;
}

/** @returns undefined when there are none */
export function findStridedAccesses(steps: readonly Step[], rounds: number): StridedAccesses | undefined {
  const byBase = new Map<number, { readonly stride: number; readonly places: Place[] }>();
  let moved = 0;
  for (const step of steps) {
    const access = accessOf(step);
    if (access) {
      const { rs1, imm } = step.decoded;
      let known = byBase.get(rs1);
      if (!known) {
        const stride = strideOf(steps, rs1);
        if (stride === undefined) continue;
        byBase.set(rs1, (known = { stride, places: [] }));
      }
      known.places.push({ ...access, offset: imm + (moved & (1 << rs1) ? known.stride : 0) });
    }
    moved |= integerUse(step.decoded.instruction, step.decoded).writes;
  }
  const places = new Map<Step, { readonly group: StridedGroup; readonly offset: number }>();
  const groups: StridedGroup[] = [];
  for (const [base, { stride, places: found }] of byBase) {
    const group = groupOf(base, stride, found, rounds);
    if (!group) continue;
    groups.push(group);
    for (const { step, offset } of found) places.set(step, { group, offset });
  }
  return groups.length === 0 ? undefined : { rounds, groups, places };
}

/** What the steps add to a register; undefined: they do something else with it. */
function strideOf(steps: readonly Step[], register: number): number | undefined {
  const writing = steps.filter(({ decoded }) => integerUse(decoded.instruction, decoded).writes & (1 << register));
  if (writing.length === 0) return 0;
  const [{ decoded }] = writing;
  const adds = writing.length === 1 && decoded.instruction.name === 'addi' && decoded.rs1 === register;
  return adds ? decoded.imm : undefined;
}

/** @returns undefined when they are not aligned to each other in each round, or too far apart */
function groupOf(base: number, stride: number, places: readonly Place[], rounds: number): StridedGroup | undefined {
  const width = Math.max(...places.map((place) => place.width)) as Width;
  const anchor = places.find((place) => place.width === width)!.offset;
  const isAligned = (place: Place) => (place.offset - anchor) % place.width === 0;
  if (stride % width !== 0 || !places.every(isAligned)) return undefined;
  const way = (rounds - 1) * stride;
  const least = Math.min(...places.map(({ offset }) => offset)) + Math.min(0, way);
  const first = anchor - Math.ceil((anchor - least) / width) * width;
  const end = Math.max(...places.map((place) => place.offset + place.width)) + Math.max(0, way);
  if (end - first > REACH) return undefined;
  const stores = places.some(({ isStore }) => isStore);
  const loads = places.some(({ isStore }) => !isStore);
  return { base, stride, first, end, width, loads, stores };
}
