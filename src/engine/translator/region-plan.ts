/** What is found out about a region's blocks before its code is written. */
import { findChasedPointers } from './chased-pointers';
import type { RegisterSet } from './dirty-registers';
import { findDirtyRegisters } from './dirty-registers';
import { leadsTo, structured, successors } from './edges';
import type { FlowGraph } from './flow-graph';
import { findLiveRegisters } from './live-registers';
import { findLoops } from './loops';
import type { NarrowRegisters } from './narrow-registers';
import { findNarrowRegisters, noNarrowRegisters } from './narrow-registers';
import type { Block } from './region';
import type { Guess } from './region-type';
import type { SingleRegisters } from './single-registers';
import { findSingleRegisters } from './single-registers';
import type { StridedAccesses } from './strided-accesses';
import { findStridedAccesses } from './strided-accesses';

/** A block that loops on itself is written so often at most, and with so many steps in all. */
const MOST_COPIES = 8;
const UNROLLED_STEPS = 100;
/** The same for one whose accesses are looked up for all copies at once. */
const AHEAD_STEPS = 400;

export interface PlanOptions {
  /** Registers whose values are taken to be sign-extended 32-bit ones where the region begins. */
  readonly signExtended: number;
  /** What may be guessed. */
  readonly guesses: ReadonlySet<Guess>;
  /** Whether it is one of the regions that are entered often. */
  readonly isLarge: boolean;
  /** Whether registers are kept as an i32 where that is enough. */
  readonly narrows: boolean;
  /** Whether registers that no code will read are stored early. */
  readonly dropsRegisters: boolean;
  /** Whether short loops are written several times in a row. */
  readonly unrolls: boolean;
  /** Whether they look into the TLB for several rounds at once. */
  readonly looksAhead: boolean;
}

export interface RegionPlan {
  readonly flow: FlowGraph;
  /** Registers that may differ from their place in memory where a block begins. */
  readonly dirty: readonly RegisterSet[];
  /** Integer registers whose values a block must find in locals. */
  readonly needed: readonly number[];
  readonly singles: SingleRegisters;
  readonly narrow: NarrowRegisters;
  /** Registers with addresses that a loop loads, where each block begins. */
  readonly chased: readonly number[];
  /**
   * How often each block is written: one that loops on itself several times in a row, so that the remaining count is looked at
   * less often.
   */
  readonly copies: readonly number[];
  /**
   * For a block, the accesses that are looked up for all its copies at once: where that fails, or the remaining count is too low,
   * another copy does one round.
   */
  readonly ahead: readonly (StridedAccesses | undefined)[];
  /** The most instructions from one check of the count to the next. */
  readonly longestPath: number;
}

export function planRegion(blocks: readonly Block[], how: PlanOptions): RegionPlan {
  const flow = structured(blocks);
  const live = how.dropsRegisters ? findLiveRegisters(blocks, flow.order) : undefined;
  const loops = findLoops(blocks, flow);
  const dirty = findDirtyRegisters(blocks, flow, loops, live);
  // In code that is just warm and has no loop, what they find would save less than it takes to find it.
  const isWorthIt = how.isLarge || flow.isLoopHead.includes(true);
  const ahead = blocks.map((block, node) => (how.unrolls && how.looksAhead ? aheadOf(block, node) : undefined));
  const copies = blocks.map((block, node) => ahead[node]?.rounds ?? (how.unrolls ? copiesOf(block, node) : 1));
  copies.forEach((count, node) => {
    // All copies lead to what comes after the loop.
    if (count > 1) for (const next of successors(blocks[node])) if (next !== node) flow.isMerge[next] = true;
  });
  return {
    flow,
    dirty,
    needed: dirty.map(({ integers }, node) => integers | (live?.[node] ?? -1)),
    singles: findSingleRegisters(blocks, flow.order, successors),
    narrow:
      how.narrows && isWorthIt
        ? findNarrowRegisters(blocks, flow, loops, how.signExtended, how.guesses.has('words'))
        : noNarrowRegisters(blocks),
    chased: isWorthIt ? findChasedPointers(blocks, flow) : blocks.map(() => 0),
    copies,
    ahead,
    longestPath: findLongestPath(
      blocks,
      flow,
      copies.map((count, node) => (ahead[node] ? 1 : count)),
    ),
  };
}

function aheadOf(block: Block, node: number): StridedAccesses | undefined {
  if (!loopsOnItself(block, node)) return undefined;
  const rounds = Math.min(MOST_COPIES, Math.floor(AHEAD_STEPS / block.steps.length));
  return rounds < 2 ? undefined : findStridedAccesses(block.steps, rounds);
}

function loopsOnItself({ end }: Block, node: number): boolean {
  return end.k === 'branch' && leadsTo(end.taken, node) !== leadsTo(end.other, node);
}

function copiesOf(block: Block, node: number): number {
  const { steps } = block;
  if (!loopsOnItself(block, node)) return 1;
  const copies = Math.min(MOST_COPIES, Math.floor(UNROLLED_STEPS / steps.length));
  return copies < 2 ? 1 : copies;
}

function findLongestPath(blocks: readonly Block[], { order, rank }: FlowGraph, copies: readonly number[]): number {
  const before = blocks.map(() => 0);
  let longest = 0;
  for (const from of order) {
    const after = before[from] + copies[from] * blocks[from].steps.length;
    longest = Math.max(longest, after);
    for (const to of successors(blocks[from])) {
      if (rank[to] > rank[from]) before[to] = Math.max(before[to], after);
    }
  }
  return longest;
}
