/** Which floating-point registers have their single-precision value at hand, in a local of its own, where blocks begin. */
import type { Instruction, Operands } from '../../isa/instruction';
import type { Block } from './region';
import { floatUse } from './registers';

/** Sets of registers 0..31 as bits. */
export interface SingleRegisters {
  /** Registers that the region reads as singles: their values are taken when it is entered. */
  readonly taken: number;
  /** For each block, what it may rely on. */
  readonly atStart: readonly number[];
}

const ALL = -1;

/** @param order the reachable blocks, the one at which the region is entered first */
export function findSingleRegisters(
  blocks: readonly Block[],
  order: readonly number[],
  successors: (block: Block) => readonly number[],
): SingleRegisters {
  let taken = 0;
  for (const node of order) for (const { decoded } of blocks[node].steps) taken |= readAsSingle(decoded);
  const atStart = blocks.map(() => ALL);
  atStart[order[0]] = taken;
  for (let changed = true; changed;) {
    changed = false;
    for (const from of order) {
      const after = blocks[from].steps.reduce((known, { decoded }) => knownAfter(known, decoded), atStart[from]);
      for (const to of successors(blocks[from])) {
        if ((atStart[to] & after) === atStart[to]) continue;
        atStart[to] &= after;
        changed = true;
      }
    }
  }
  return { taken, atStart };
}

type Decoded = Operands & { readonly instruction: Instruction };

function readAsSingle(decoded: Decoded): number {
  const { action } = decoded.instruction;
  const readsSingles = action.k === 'float' && action.operation.operands[0] === 's';
  return readsSingles ? floatUse(decoded.instruction, decoded).reads : 0;
}

/** Reading a register as a single takes its value out; writing a double makes that worthless. */
function knownAfter(known: number, decoded: Decoded): number {
  const { action } = decoded.instruction;
  const { writes } = floatUse(decoded.instruction, decoded);
  const isSingle =
    action.k === 'float' ? action.operation.result === 's' : action.k === 'float-load' && action.width === 4;
  const before = known | readAsSingle(decoded);
  return isSingle ? before | writes : before & ~writes;
}
