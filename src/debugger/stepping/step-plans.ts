/**
 * Steps, as plans: sequences of single instructions and free runs to a place. Whatever happens during a step that is not
 * part of it (an interrupt, a page fault that the kernel repairs, another process that runs meanwhile) is run over: the step
 * goes on when the same program is back, recognised by mode, stack pointer and, in user mode, address space.
 */
import type { AddressRange } from '../../symbols/model';
import type { StepCommand } from '../run-loop';
import type { SymbolModule, SymbolSpace } from '../symbol-space';
import { Stack } from '../stack';
import type { TrapNotice } from '../systems/system';
import { contextOf, isSameContext } from '../target';
import type { Context, Target } from '../target';
import { nextInstruction, RETURN_ADDRESS, STACK_POINTER } from './instruction-kind';
import type { NextInstruction } from './instruction-kind';
import { lineExits } from './line-exits';

export type StepKind = 'over' | 'into' | 'out';
export type Granularity = 'line' | 'instruction';

/** What the plans need of the session. */
export interface StepWorld {
  readonly target: Target;
  readonly symbols: SymbolSpace;
  /** Traps of the target since the last call, oldest first. */
  takeTraps(): readonly TrapNotice[];
}

type Plan = Generator<StepCommand, void, void>;
type Outcome<T> = Generator<StepCommand, T, void>;

/** After so many instructions in code without line information a step ends, so that it ends at all. */
const MAX_LINES_CROSSED = 10_000;

export function planStep(world: StepWorld, kind: StepKind, granularity: Granularity): Plan {
  if (kind === 'out') return stepOut(world);
  return granularity === 'instruction' ? stepInstruction(world, kind) : stepLine(world, kind);
}

/** Where a piece of execution stands: enough to know it again after something else has run. */
interface Mark extends Context {
  readonly pc: bigint;
  readonly sp: bigint;
}

function markOf(target: Target): Mark {
  return { ...contextOf(target), pc: target.pc, sp: target.x(STACK_POINTER) };
}

function isBack(target: Target, mark: Mark): boolean {
  return target.x(STACK_POINTER) === mark.sp && isSameContext(contextOf(target), mark);
}

/** Runs until one of the places is reached by the same piece of execution. */
function* runBack(world: StepWorld, mark: Mark, places: readonly bigint[]): Plan {
  const { target } = world;
  const until = new Set(places);
  if (until.has(target.pc) && isBack(target, mark)) return;
  yield { kind: 'run', target, until, accept: () => isBack(target, mark) };
  world.takeTraps();
}

/**
 * Executes one instruction of the program, and whatever traps it leads to.
 * @param follow go into the handler of an exception: of any, of `ecall` and `ebreak` only, or of none
 * @returns 'trapped' when the handler's first instruction has been reached
 */
function* execute(
  world: StepWorld,
  next: NextInstruction | undefined,
  follow: 'any' | 'environment' | 'none',
): Outcome<'done' | 'trapped'> {
  const { target } = world;
  const mark = markOf(target);
  const after = mark.pc + BigInt(next?.length ?? 4);
  do {
    world.takeTraps();
    yield { kind: 'instruction', target };
    const trap = world.takeTraps().find((taken) => !taken.isHandledBelow);
    if (!trap) return 'done';
    const isFollowed = follow === 'any' || (follow === 'environment' && next?.kind === 'environment');
    if (!trap.interrupt && isFollowed) return 'trapped';
    // An interrupt goes back to where it came; a handler of an exception repeats the instruction or goes on after it.
    yield* runBack(world, mark, trap.interrupt ? [trap.pc] : [mark.pc, after]);
  } while (target.pc === mark.pc);
  return 'done';
}

function* stepInstruction(world: StepWorld, kind: 'over' | 'into'): Plan {
  const { target } = world;
  const next = nextInstruction(target);
  const mark = markOf(target);
  const outcome = yield* execute(world, next, kind === 'into' ? 'any' : 'none');
  if (kind === 'over' && outcome === 'done' && next?.kind === 'call') {
    yield* runBack(world, mark, [mark.pc + BigInt(next.length)]);
  }
}

/** Where a line step began. */
interface Line {
  readonly mark: Mark;
  ranges: readonly AddressRange[];
  readonly module: SymbolModule | undefined;
  /** Entry of the function, to notice when it is left. */
  readonly owner: bigint | undefined;
  /** How many functions are inlined around the place. */
  readonly depth: number;
}

function lineAt({ target, symbols }: StepWorld): Line | undefined {
  const { pc } = target;
  const module = symbols.moduleAt(pc, target.memory('gva'));
  const ranges = module?.file.statementRanges(pc) ?? [];
  if (ranges.length === 0) return undefined;
  return {
    mark: markOf(target),
    ranges,
    module,
    owner: module?.file.findFunction(pc)?.low,
    depth: depthAt(module, pc),
  };
}

function depthAt(module: SymbolModule | undefined, pc: bigint): number {
  return module?.file.inlineChain(pc).length ?? 0;
}

const isIn = (ranges: readonly AddressRange[], pc: bigint): boolean =>
  ranges.some(({ low, high }) => pc >= low && pc < high);

function* stepLine(world: StepWorld, kind: 'over' | 'into'): Plan {
  const { target } = world;
  const line = lineAt(world);
  // Without line information the only line there is is the instruction.
  if (!line) return yield* stepInstruction(world, kind);
  for (let crossed = 0; crossed < MAX_LINES_CROSSED;) {
    const hasRun = yield* runThrough(world, line, kind);
    if (!hasRun && (yield* stepWithin(world, kind)) === 'ended') return;
    if (isIn(line.ranges, target.pc)) continue;
    const arrival = arriveAt(world, line, kind);
    if (arrival === 'stop') return;
    if (arrival === 'leave') yield* leave(world);
    crossed++;
  }
}

/** One instruction of a line step, with the call that it makes. @returns 'ended' when the step ends where that leads */
function* stepWithin(world: StepWorld, kind: 'over' | 'into'): Outcome<'ended' | 'done'> {
  const { target } = world;
  const next = nextInstruction(target);
  const mark = markOf(target);
  const outcome = yield* execute(world, next, kind === 'into' ? 'environment' : 'none');
  if (outcome === 'trapped' || next?.kind === 'return-from-trap') return 'ended';
  if (next?.kind === 'call' && target.pc !== mark.pc + BigInt(next.length)) {
    if (kind === 'into' && (yield* enter(world))) return 'ended';
    yield* runBack(world, mark, [mark.pc + BigInt(next.length)]);
  }
  return 'done';
}

/**
 * Runs freely to where the present line can be left. Interrupts, faults and calls on the way need no care: what runs then
 * has another stack, or is deeper in this one.
 * @returns false when the next instruction is to be executed alone
 */
function* runThrough(world: StepWorld, line: Line, kind: 'over' | 'into'): Outcome<boolean> {
  const { target, symbols } = world;
  const { pc } = target;
  const isOnLine = isIn(line.ranges, pc);
  const ranges = isOnLine ? line.ranges : (symbols.moduleAt(pc, target.memory('gva'))?.file.statementRanges(pc) ?? []);
  const until = ranges.length === 0 ? undefined : lineExits(target, ranges, kind === 'into');
  if (!until || until.has(pc)) return false;
  const mark = markOf(target);
  yield { kind: 'run', target, until, accept: () => isBack(target, mark) };
  world.takeTraps();
  return true;
}

/** Whether a step may end where the target is now, outside the ranges of the line that it began on. */
function arriveAt(world: StepWorld, line: Line, kind: 'over' | 'into'): 'stop' | 'go' | 'leave' {
  const { target, symbols } = world;
  const { pc } = target;
  const module = symbols.moduleAt(pc, target.memory('gva'));
  const location = module?.file.lineFor(pc);
  const isSameFunction = module === line.module && module?.file.findFunction(pc)?.low === line.owner;
  const hasReturned = target.x(STACK_POINTER) > line.mark.sp;
  if (!location) {
    if (module && isSameFunction) return 'go';
    // A jump to a function without line information, such as a tail call, is run over like a call.
    return module && !hasReturned ? 'leave' : 'stop';
  }
  if (!isSameFunction) return 'stop';
  if (kind === 'over' && depthAt(module, pc) > line.depth) return 'go';
  // In the middle of another line, which a jump may lead to: that line is run to its end.
  if (location.range.low !== pc && !location.isStatement) return 'go';
  return 'stop';
}

/** Runs to where the function just entered returns to. */
function* leave(world: StepWorld): Plan {
  const { target } = world;
  yield* runBack(world, markOf(target), [target.x(RETURN_ADDRESS)]);
}

/**
 * At the first instruction of a function just called: goes behind its prologue.
 * @returns false when it has no line information, so that it should be run over
 */
function* enter(world: StepWorld): Outcome<boolean> {
  const { target, symbols } = world;
  const module = symbols.moduleAt(target.pc, target.memory('gva'));
  if (!module?.file.lineFor(target.pc)) return false;
  const owner = module.file.findFunction(target.pc);
  if (!owner || owner.low !== target.pc) return true;
  const behind = module.file
    .functionBreakpointAddresses(owner.linkageName ?? owner.name)
    .find((address) => address >= owner.low && address < owner.high);
  if (behind === undefined || behind === target.pc) return true;
  const context = contextOf(target);
  const limit = target.x(STACK_POINTER);
  const accept = (): boolean =>
    isSameContext(contextOf(target), context) &&
    target.x(STACK_POINTER) <= limit &&
    limit - target.x(STACK_POINTER) < 0x10000n;
  yield { kind: 'run', target, until: new Set([behind]), accept };
  world.takeTraps();
  return true;
}

function* stepOut(world: StepWorld): Plan {
  const { target, symbols } = world;
  const module = symbols.moduleAt(target.pc, target.memory('gva'));
  const depth = depthAt(module, target.pc);
  if (depth > 1) {
    yield* leaveInlined(world, depth);
    return;
  }
  const { caller } = new Stack(target, symbols);
  if (!caller) {
    // The outermost function: what is left is to run on.
    yield { kind: 'run', target, until: new Set(), accept: () => false };
    return;
  }
  const { frame, isInterrupted } = caller;
  const sp = frame.registers[STACK_POINTER];
  const context = contextOf(target);
  const before = target.x(STACK_POINTER);
  const accept = (): boolean => {
    const now = target.x(STACK_POINTER);
    // Out of a trap handler is back to what it interrupted, in whatever mode that was.
    if (isInterrupted) return true;
    return isSameContext(contextOf(target), context) && (sp === undefined ? now >= before : now === sp);
  };
  yield { kind: 'run', target, until: new Set([frame.pc]), accept };
}

/** Lines in turn until the inlined function is left. */
function* leaveInlined(world: StepWorld, depth: number): Plan {
  const { target, symbols } = world;
  const { sp } = markOf(target);
  for (let lines = 0; lines < MAX_LINES_CROSSED; lines++) {
    yield* stepLine(world, 'over');
    const module = symbols.moduleAt(target.pc, target.memory('gva'));
    if (depthAt(module, target.pc) < depth || target.x(STACK_POINTER) > sp) return;
  }
}
