/**
 * Finds the targets of an indirect jump that takes its address from a table, as compilers make of `switch`. What it finds is
 * a guess, checked whenever the jump is done: register values are those at the time of the translation.
 */
import type { Step } from './region';

export interface JumpTable {
  /** The step of the block that loads from the table. */
  readonly load: Step;
  /** Virtual address of entry 0, and log2 of an entry's size. */
  readonly base: bigint;
  readonly shift: number;
  /** The positions that the entries lead to; undefined for those that lead out of reach. */
  readonly targets: readonly (number | undefined)[];
}

/** What a guess may look at. */
export interface Machinery {
  /** Virtual address of the region's first page. */
  readonly page: bigint;
  /** The integer register's value now. */
  register(x: number): bigint;
  /** Reads data at a virtual address, if the TLB has the page; sign-extended. */
  read(va: bigint, width: 4 | 8): bigint | undefined;
}

const MAX_ENTRIES = 256;
/** The most that is read of a table. */
export const MAX_TABLE_BYTES = MAX_ENTRIES * 8;
/** Bytes from the jump to a target, at most. */
const REACH = 0x10000;

/** What is known of a register's value: a constant, one plus an unknown index, or one plus an entry loaded from a table. */
type Known =
  | { readonly k: 'constant'; readonly value: bigint }
  | { readonly k: 'indexed'; readonly base: bigint }
  | { readonly k: 'entry'; readonly load: Step; readonly base: bigint; readonly added: bigint }
  | undefined;

const loadWidths: Readonly<Record<string, 4 | 8>> = { lw: 4, ld: 8 };

/** @param steps a block's; the last one is the jump */
export function findJumpTable(steps: readonly Step[], machinery: Machinery): JumpTable | undefined {
  const jump = steps[steps.length - 1];
  const known = new Map<number, Known>();
  const valueOf = (x: number): Known => {
    if (known.has(x)) return known.get(x);
    return { k: 'constant', value: x === 0 ? 0n : machinery.register(x) };
  };
  for (const step of steps.slice(0, -1)) {
    const { rd } = step.decoded;
    known.set(rd, result(step, valueOf, machinery.page));
  }
  const target = valueOf(jump.decoded.rs1);
  if (target?.k !== 'entry') return undefined;
  const { load, base, added } = target;
  const width = loadWidths[load.decoded.instruction.name];
  const targets = readTargets(jump, base, width, added + BigInt(jump.decoded.imm), machinery);
  return targets.length < 2 ? undefined : { load, base, shift: width === 4 ? 2 : 3, targets };
}

function result(step: Step, valueOf: (x: number) => Known, page: bigint): Known {
  const { instruction, rs1, rs2, imm } = step.decoded;
  const constant = (value: bigint): Known => ({ k: 'constant', value });
  switch (instruction.name) {
    case 'lui':
      return constant(BigInt(imm));
    case 'auipc':
      return constant(page + BigInt(step.position + imm));
    case 'addi':
      return add(valueOf(rs1), constant(BigInt(imm)));
    case 'add':
      return add(valueOf(rs1), valueOf(rs2));
    case 'sh2add':
    case 'sh3add':
      return add(undefined, valueOf(rs2));
    case 'lw':
    case 'ld': {
      const address = valueOf(rs1);
      return address?.k === 'indexed'
        ? { k: 'entry', load: step, base: address.base + BigInt(imm), added: 0n }
        : undefined;
    }
    default:
      return undefined;
  }
}

function add(a: Known, b: Known): Known {
  if (a?.k !== 'constant') [a, b] = [b, a];
  if (a?.k !== 'constant') return undefined;
  if (b === undefined) return { k: 'indexed', base: a.value };
  switch (b.k) {
    case 'constant':
      return { k: 'constant', value: a.value + b.value };
    case 'indexed':
      return { k: 'indexed', base: a.value + b.base };
    case 'entry':
      return { ...b, added: a.value + b.added };
  }
}

/** Entries up to the first that cannot be one. */
function readTargets(
  jump: Step,
  base: bigint,
  width: 4 | 8,
  added: bigint,
  machinery: Machinery,
): (number | undefined)[] {
  const targets: (number | undefined)[] = [];
  for (let i = 0; i < MAX_ENTRIES; i++) {
    const entry = machinery.read(BigInt.asUintN(64, base + BigInt(i * width)), width);
    if (entry === undefined) break;
    const position = BigInt.asIntN(64, entry + added - machinery.page);
    const distance = position - BigInt(jump.position);
    if (distance < -REACH || distance > REACH || position % 2n !== 0n) break;
    targets.push(Number(position));
  }
  return targets;
}
