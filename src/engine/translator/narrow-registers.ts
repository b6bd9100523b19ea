/**
 * Integer registers whose value is a sign-extended 32-bit one, as the instructions for words leave it. Where such a register
 * is used by instructions for words alone, a region keeps its lower half, as an i32, and extends it where it is left.
 */
import type { Condition, Expr } from '../../isa/semantics';
import { successors } from './edges';
import type { FlowGraph } from './flow-graph';
import { findLiveRegisters } from './live-registers';
import type { Loops } from './loops';
import type { Block, Step } from './region';
import { integerUse } from './registers';

/** How much more often a loop's inside is thought to be done than what is around it. */
const REPEATS = 8;
const HALF = 32n;

type Operands = Step['decoded'];

export interface NarrowRegisters {
  /**
   * For each block, the registers that are sign-extended when it begins. Those that are so on the ways round a loop, and are
   * used in it, are taken to be so where the loop is entered as well: that must be made sure of there.
   */
  readonly known: readonly number[];
  /** Of these, the registers that the block finds as an i32. */
  readonly atStart: readonly number[];
  /** Registers that are better kept as an i32. */
  readonly preferred: number;
}

export const noNarrowRegisters = (blocks: readonly Block[]): NarrowRegisters => {
  const none = blocks.map(() => 0);
  return { atStart: none, known: none, preferred: 0 };
};

/**
 * @param atEntry the registers that hold sign-extended values where the region begins, now: it is taken that they do so whenever
 * it does, and that a register which a loop does not write holds one there only if it does so now
 */
export function findNarrowRegisters(
  blocks: readonly Block[],
  flow: FlowGraph,
  loops: Loops,
  atEntry: number,
  guesses: boolean,
): NarrowRegisters {
  const live = findLiveRegisters(blocks, flow.order);
  const guessed = (head: number): number => {
    if (!guesses) return 0;
    const written = [...(loops.get(head) ?? [])].reduce((set, node) => set | writtenIn(blocks[node]), 0);
    return live[head] & (written | atEntry);
  };
  const likely = findKnown(blocks, flow, atEntry, guessed);
  const preferred = findPreferred(blocks, flow, likely, findWeights(blocks, loops));
  const known = findKnown(blocks, flow, atEntry, (head) => guessed(head) & preferred);
  return { known, atStart: known.map((set) => set & preferred), preferred };
}

/** @param guessed the registers that a loop's head takes to be sign-extended if they are so on the ways round */
function findKnown(
  blocks: readonly Block[],
  { order, rank, isLoopHead }: FlowGraph,
  atEntry: number,
  guessed: (head: number) => number,
): number[] {
  const known = blocks.map(() => -1);
  known[0] = isLoopHead[0] ? guessed(0) & atEntry : 0;
  for (let changed = true; changed;) {
    changed = false;
    for (const from of order) {
      const after = blocks[from].steps.reduce(knownAfter, known[from]);
      for (const to of successors(blocks[from])) {
        const enters = isLoopHead[to] && rank[from] < rank[to];
        const found = known[to] & (enters ? after | guessed(to) : after);
        if (found === known[to]) continue;
        known[to] = found;
        changed = true;
      }
    }
  }
  return known;
}

/** The registers that are sign-extended after a step. */
export function knownAfter(known: number, { decoded }: Step): number {
  const { writes } = integerUse(decoded.instruction, decoded);
  return writes !== 0 && isResultSignExtended(decoded, known) ? known | writes : known & ~writes;
}

function isResultSignExtended(decoded: Operands, known: number): boolean {
  const { action } = decoded.instruction;
  switch (action.k) {
    case 'compute':
      return isSignExtended(action.value, decoded, known);
    case 'load':
      return action.width < 4 || (action.width === 4 && action.signed);
    case 'load-reserved':
    case 'atomic':
      return action.width === 4;
    case 'store-conditional':
      return true;
    default:
      return false;
  }
}

/** Whether the expression's value is a sign-extended 32-bit one. @param known the registers whose values are */
export function isSignExtended(expr: Expr, decoded: Operands, known: number): boolean {
  const is = (e: Expr) => isSignExtended(e, decoded, known);
  switch (expr.k) {
    case 'const':
      return BigInt.asIntN(32, expr.value) === expr.value;
    case 'x':
      return decoded[expr.operand] === 0 || (known & (1 << decoded[expr.operand])) !== 0;
    case 'imm':
      return BigInt.asIntN(32, BigInt(decoded.imm)) === BigInt(decoded.imm);
    case 'pc':
    case 'old':
      return false;
    case 'test':
      return true;
    case 'select':
      return is(expr.then) && is(expr.otherwise);
    case 'unary':
      return ['sext8', 'sext16', 'sext32', 'zext8', 'zext16'].includes(expr.op);
    case 'binary':
      switch (expr.op) {
        case 'and':
          return (is(expr.a) && is(expr.b)) || isSmall(expr.a, decoded) || isSmall(expr.b, decoded);
        case 'or':
        case 'xor':
          return is(expr.a) && is(expr.b);
        case 'shrs':
          return is(expr.a);
        case 'add':
          return (isZero(expr.a, decoded) && is(expr.b)) || (isZero(expr.b, decoded) && is(expr.a));
        default:
          return false;
      }
  }
}

/** Whether the lower half of a value is certainly not negative. */
export function isPositive(expr: Expr, decoded: Operands): boolean {
  switch (expr.k) {
    case 'const':
    case 'imm':
      return isSmall(expr, decoded);
    case 'unary':
      if (expr.op === 'sext32' || expr.op === 'zext32') return isPositive(expr.a, decoded);
      return expr.op === 'zext8' || expr.op === 'zext16';
    case 'binary':
      if (expr.op === 'and') return isSmall(expr.a, decoded) || isSmall(expr.b, decoded);
      return expr.op === 'shru' && (constantOf(expr.b, decoded) ?? 0n) > 0n;
    default:
      return false;
  }
}

function constantOf(expr: Expr, { imm, rs1, rs2 }: Operands): bigint | undefined {
  if (expr.k === 'const') return expr.value;
  if (expr.k === 'imm') return BigInt(imm);
  return expr.k === 'x' && (expr.operand === 'rs1' ? rs1 : rs2) === 0 ? 0n : undefined;
}

const isZero = (expr: Expr, decoded: Operands): boolean => constantOf(expr, decoded) === 0n;

/** Whether it is a constant from 0 on that 32 bits with a sign hold. */
function isSmall(expr: Expr, decoded: Operands): boolean {
  const value = constantOf(expr, decoded);
  return value !== undefined && value >= 0n && value < 1n << 31n;
}

/** Whether the lower half of the expression's value can be computed from the lower halves of registers. */
export function isNarrow(expr: Expr, decoded: Operands): boolean {
  const is = (e: Expr) => isNarrow(e, decoded);
  switch (expr.k) {
    case 'const':
    case 'x':
    case 'imm':
      return true;
    case 'unary':
      return ['sext8', 'sext16', 'sext32', 'zext8', 'zext16', 'zext32'].includes(expr.op) && is(expr.a);
    case 'binary':
      switch (expr.op) {
        case 'add':
        case 'sub':
        case 'mul':
        case 'and':
        case 'or':
        case 'xor':
          return is(expr.a) && is(expr.b);
        case 'shl':
          return is(expr.a) && isAmount(expr.b, decoded);
        case 'shru':
          return isUnary(expr.a, 'zext32') && is(expr.a) && isAmount(expr.b, decoded);
        case 'shrs':
          return isUnary(expr.a, 'sext32') && is(expr.a) && isAmount(expr.b, decoded);
        default:
          return false;
      }
    default:
      return false;
  }
}

const isUnary = (expr: Expr, op: string): boolean => expr.k === 'unary' && expr.op === op;

/** Whether it is less than 32: then i32 and i64 shift by the same. */
function isAmount(expr: Expr, decoded: Operands): boolean {
  const value = constantOf(expr, decoded);
  if (value !== undefined) return value >= 0n && value < HALF;
  return expr.k === 'binary' && expr.op === 'and' && expr.b.k === 'const' && expr.b.value === HALF - 1n;
}

/** Whether an i32 comparison says the same. */
export const isNarrowCondition = ({ a, b }: Condition, decoded: Operands, known: number): boolean =>
  isNarrow(a, decoded) &&
  isNarrow(b, decoded) &&
  isSignExtended(a, decoded, known) &&
  isSignExtended(b, decoded, known);

/** The registers that are used more by instructions that need but the lower half. */
function findPreferred(
  blocks: readonly Block[],
  flow: FlowGraph,
  known: readonly number[],
  weights: readonly number[],
): number {
  const score = new Array<number>(32).fill(0);
  for (const node of flow.order) {
    let now = known[node];
    for (const step of blocks[node].steps) {
      const { reads } = integerUse(step.decoded.instruction, step.decoded);
      const narrow = narrowReads(step.decoded, now);
      for (let x = 1; x < 32; x++) {
        if (reads & now & (1 << x)) score[x] += narrow & (1 << x) ? weights[node] : -weights[node];
      }
      now = knownAfter(now, step);
    }
  }
  return score.reduce((set, value, x) => (value > 0 ? set | (1 << x) : set), 0);
}

/** The registers of which an instruction needs but the lower half. */
function narrowReads(decoded: Operands, known: number): number {
  const { action } = decoded.instruction;
  const { reads } = integerUse(decoded.instruction, decoded);
  switch (action.k) {
    case 'compute':
      return isSignExtended(action.value, decoded, known) && isNarrow(action.value, decoded) ? reads : 0;
    case 'store':
      return action.width < 8 ? reads & ~(1 << decoded.rs1) : 0;
    case 'branch':
      return isNarrowCondition(action.condition, decoded, known) ? reads : 0;
    default:
      return 0;
  }
}

/** How often each block is done, roughly: by the loops that it is in. */
function findWeights(blocks: readonly Block[], loops: Loops): number[] {
  const weights = blocks.map(() => 1);
  for (const loop of loops.values()) for (const node of loop) weights[node] *= REPEATS;
  return weights;
}

const writtenIn = ({ steps }: Block): number =>
  steps.reduce((set, { decoded }) => set | integerUse(decoded.instruction, decoded).writes, 0);
