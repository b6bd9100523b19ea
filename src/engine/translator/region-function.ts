/**
 * Writes a region as one WebAssembly function: guest registers in locals, loops and branches as structured code, one check
 * of the remaining count per loop, and exits with the exact pc and count.
 */
import type { Code, Label } from '../../wasm/code';
import type { Arithmetic } from '../expression';
import * as at from '../layout';
import type { RegisterSet } from './dirty-registers';
import { union, writes } from './dirty-registers';
import { leadsTo, successors } from './edges';
import { GuessFailures } from './guess-failures';
import type { ValidLocals } from './integer-registers';
import { validAtStart } from './integer-registers';
import type { JumpTable } from './jump-table';
import type { RemembersPages } from './memory-access';
import { MemoryAccess } from './memory-access';
import type { Block, BlockEdge, BlockEnd, Edge, Region, Step } from './region';
import { PAGE_SIZE, pageOf } from './region';
import type { PlanOptions, RegionPlan } from './region-plan';
import { planRegion } from './region-plan';
import { CONTINUE, INTERPRET } from './region-type';
import { floatUse, integerUse } from './registers';
import { StepEmitter } from './step-emitter';

/** The parameters, as `REGION_TYPE` has them. */
const PAGE = 0;
const DATA_TLB = 1;
const FETCH_TLB = 2;
const BUDGET = 3;

/** How a region's code is written. */
export interface RegionOptions extends PlanOptions {
  readonly arithmetic: Arithmetic;
  /** Index of a function of `float/helpers.ts`. */
  readonly floatHelper: (name: string) => number;
  /** Whether accesses that are close to each other look into the TLB together. */
  readonly groupsAccesses: boolean;
  /** Whether the last page of a base register is remembered. */
  readonly remembersPages: RemembersPages;
  /** Whether a chased pointer's page is taken to lie where the one before suggests. */
  readonly guessesAddends: boolean;
  /** Address of the region's counts of guesses that failed. */
  readonly failures: number;
}

export class RegionFunction {
  private readonly blocks: readonly Block[];
  private readonly plan: RegionPlan;
  private readonly failures: GuessFailures;
  private readonly memory: MemoryAccess;
  private readonly steps: StepEmitter;
  private readonly target: number;
  /** The local with the entry that a dispatch goes on to. */
  private readonly entry: number;
  /** Where to branch to for a block: its label or its loop's. */
  private readonly labels = new Map<number, Label>();

  constructor(
    private readonly code: Code,
    private readonly region: Region,
    how: RegionOptions,
  ) {
    this.blocks = region.blocks;
    this.plan = planRegion(this.blocks, how);
    this.failures = new GuessFailures(code, how.failures);
    this.memory = new MemoryAccess(code, DATA_TLB, how, this.failures);
    this.steps = new StepEmitter(code, PAGE, DATA_TLB, how.arithmetic, how.floatHelper, this.memory);
    this.target = code.local('i64');
    this.entry = code.local('i32');
  }

  generate(): void {
    const { code } = this;
    this.loadRegisters();
    if (!this.plan.flow.isLoopHead[0]) this.leaveWhenUsedUp(0);
    this.subtree(0);
    code.op('unreachable');
  }

  private loadRegisters(): void {
    const { code } = this;
    let [integers, floats] = [0, 0];
    for (const node of this.plan.flow.order) {
      for (const { decoded } of this.blocks[node].steps) {
        const [x, f] = [integerUse(decoded.instruction, decoded), floatUse(decoded.instruction, decoded)];
        integers |= x.reads | x.writes;
        floats |= f.reads | f.writes;
      }
    }
    forEachBit(integers, (x) => {
      code.i32(0).memory('i64.load', at.X_REGISTERS + 8 * x);
      code.set(this.steps.integers.wide(x));
    });
    const steps = this.plan.flow.order.map((node) => this.blocks[node].steps);
    this.steps.startRegion(steps, this.plan.narrow.preferred);
    forEachBit(floats, (f) => {
      code.i32(0).memory('f64.load', at.F_REGISTERS + 8 * f);
      code.set(this.steps.floats.local(f));
    });
    this.steps.floats.startBlock(0);
    forEachBit(this.plan.singles.taken, (f) => this.steps.floats.prepare(f, 's'));
    const state = { ...this.stateAt(0), valid: validAtStart(0), known: 0 };
    this.guard({ block: 0 }, this.plan.narrow.known[0], state);
    this.steps.integers.convert(state.valid, this.plan.narrow.atStart[0], this.plan.needed[0]);
  }

  /** Leaves in front of a block that takes a register to be sign-extended which is not. */
  private guard(edge: BlockEdge, registers: number, state: State): void {
    const { code } = this;
    if (registers === 0) return;
    code.i64(0n);
    forEachBit(registers, (x) => {
      const local = this.steps.integers.wide(x);
      code.get(local).get(local).op('i64.extend32_s', 'i64.xor', 'i64.or');
    });
    code.op('i64.eqz', 'i32.eqz').unlikely();
    code.if(() => {
      this.leaveTo(
        () => this.steps.pushPosition(this.destination(edge)),
        () => {
          this.failures.count('words');
          this.failures.pushStatus(['words']);
        },
        state,
      );
    });
  }

  /** A block with all that it dominates. */
  private subtree(node: number): void {
    const merges = this.plan.flow.dominated[node].filter((child) => this.plan.flow.isMerge[child]);
    if (!this.plan.flow.isLoopHead[node]) {
      this.within(node, merges);
      return;
    }
    this.code.loop((label) => {
      this.labels.set(node, label);
      this.leaveWhenUsedUp(node);
      this.within(node, merges);
    });
  }

  /** A block, inside the WebAssembly blocks that end where the given blocks begin. */
  private within(node: number, [outer, ...inner]: readonly number[]): void {
    if (outer === undefined) {
      this.block(node);
      return;
    }
    this.code.block((label) => {
      this.labels.set(outer, label);
      this.within(node, inner);
    });
    this.subtree(outer);
  }

  private block(node: number): void {
    const { page, position, steps } = this.blocks[node];
    if (this.needsPageCheck(node)) this.checkPage(page, position, this.stateAt(node), CONTINUE);
    const copies = this.plan.copies[node];
    this.count(-copies * steps.length);
    this.steps.integers.startBlock(this.plan.narrow.atStart[node]);
    let { dirty } = this.stateAt(node);
    for (let left = copies - 1; left >= 0; left--) dirty = this.copy(node, left * steps.length, dirty);
  }

  /** What is known where a block begins. */
  private stateAt(node: number): State {
    const { atStart, known } = this.plan.narrow;
    return { dirty: this.plan.dirty[node], uncounted: 0, valid: validAtStart(atStart[node]), known: known[node] };
  }

  /** Adds to the remaining count. */
  private count(instructions: number): void {
    if (instructions !== 0) this.code.get(BUDGET).i32(instructions).op('i32.add').set(BUDGET);
  }

  /**
   * A block's steps and its end.
   * @param ahead instructions of the copies that follow, which are counted already
   * @param dirty registers that may differ from their place in memory
   * @returns those that may do so in the next copy
   */
  private copy(node: number, ahead: number, dirty: RegisterSet): RegisterSet {
    const { steps, end } = this.blocks[node];
    const state: State = { ...this.stateAt(node), dirty, uncounted: ahead, valid: this.steps.integers.locals };
    this.steps.startBlock(steps, this.plan.singles.atStart[node], this.plan.narrow.known[node], this.plan.chased[node]);
    const last = steps.at(-1);
    const endsWithJump = last !== undefined && ['branch', 'jump'].includes(last.decoded.instruction.action.k);
    const table = end.k === 'indirect' ? end.table : undefined;
    const entry = table && this.steps.keepAddress(table.load);
    const inside = endsWithJump ? steps.slice(0, -1) : steps;
    this.inside(inside, ahead + steps.length, state);
    state.valid = this.steps.integers.locals;
    if (endsWithJump && last.crosses) {
      this.checkPage(this.blocks[node].page + 1, last.position, { ...state, uncounted: ahead + 1 }, INTERPRET);
    }
    state.uncounted = ahead;
    if (endsWithJump && last.decoded.instruction.action.k === 'jump') {
      this.steps.jump(last, this.target);
      state.dirty = union(state.dirty, writes(last));
    }
    if (end.k === 'branch') this.steps.pushCondition(last!);
    state.valid = this.steps.integers.locals;
    state.known = this.steps.known;
    this.end(node, state, entry);
    return state.dirty;
  }

  /** How a block ends. @param entry the local with the address of its jump table's entry, if it has one */
  private end(node: number, state: State, entry: number | undefined): void {
    const { code } = this;
    const { end } = this.blocks[node];
    switch (end.k) {
      case 'go':
        this.go(node, end.to, state);
        return;
      case 'branch':
        this.branch(node, end, state);
        return;
      case 'return':
        for (const site of end.sites) {
          code.get(this.target);
          this.steps.pushPosition(site.position);
          code.op('i64.eq').if(() => this.go(node, site.to, state));
        }
        this.leaveTo(() => code.get(this.target), CONTINUE, state);
        return;
      case 'dispatch':
        this.dispatch(node, end.entries, state);
        return;
      case 'indirect':
        if (end.table) this.throughTable(node, end.table, end.targets, entry!, state);
        this.leaveTo(() => code.get(this.target), CONTINUE, state);
    }
  }

  /** By the condition that was pushed: to one of two blocks; or from a copy, on to the next one, or out of the loop. */
  private branch(node: number, { taken, other }: Extract<BlockEnd, { k: 'branch' }>, state: State): void {
    const { code } = this;
    const { uncounted: ahead } = state;
    if (ahead === 0) {
      code.if(() => this.go(node, taken, state));
      this.go(node, other, state);
      return;
    }
    const loops = leadsTo(taken, node);
    if (loops) code.op('i32.eqz');
    code.if(() => {
      const out = loops ? other : taken;
      if (!('block' in out)) return this.go(node, out, state);
      this.count(ahead);
      this.go(node, out, { ...state, uncounted: 0 });
    });
  }

  /** The steps that go on to the next one; behind them an exit for each that may miss the TLB. */
  private inside(steps: readonly Step[], counted: number, state: State): void {
    const { code } = this;
    const exits: { readonly step: Step; readonly state: State }[] = [];
    const body = (labels: readonly Label[]) => {
      steps.forEach((step, i) => {
        state.uncounted = counted - i;
        state.valid = this.steps.integers.locals;
        if (step.crosses) this.checkPage(pageOf(step.position) + 1, step.position, state, INTERPRET);
        this.steps.emit(step, labels[exits.length]);
        if (this.steps.canMiss(step)) exits.push({ step, state: { ...state } });
        state.dirty = union(state.dirty, writes(step));
      });
    };
    // The first exit's block is the innermost.
    const nest = (index: number, labels: readonly Label[], done: Label) => {
      if (index < 0) {
        body(labels);
        code.br(done);
        return;
      }
      code.block((label) => nest(index - 1, [label, ...labels], done));
      const { step, state: left } = exits[index];
      this.leaveTo(() => this.steps.pushPosition(step.position), this.statusOfMiss(step), left);
    };
    const count = steps.filter((step) => this.steps.canMiss(step)).length;
    if (count === 0) body([]);
    else code.block((done) => nest(count - 1, [], done));
  }

  /** Chooses the block by the entry's number, and goes there if the target is what the entry was when it was translated. */
  private throughTable(
    from: number,
    table: JumpTable,
    edges: ReadonlyMap<number, Edge>,
    entry: number,
    state: State,
  ): void {
    const { code } = this;
    const targets = [...edges.keys()];
    code.block((other) => {
      const nest = (index: number, labels: readonly Label[]) => {
        if (index < 0) {
          const choices = table.targets.map((target) => labels[targets.indexOf(target ?? -1)] ?? other);
          code.get(entry).i64(BigInt.asIntN(64, table.base)).op('i64.sub');
          code.i64(BigInt(table.shift)).op('i64.shr_u', 'i32.wrap_i64').brTable(choices, other);
          return;
        }
        code.block((label) => nest(index - 1, [label, ...labels]));
        code.get(this.target);
        this.steps.pushPosition(targets[index]);
        code.op('i64.ne').brIf(other);
        this.go(from, edges.get(targets[index])!, state);
      };
      nest(targets.length - 1, []);
    });
  }

  private go(from: number, edge: Edge, state: State): void {
    if ('leave' in edge) {
      const status = edge.interpret ? INTERPRET : CONTINUE;
      this.leaveTo(() => this.steps.pushPosition(edge.leave), status, state);
      return;
    }
    const { block, entry } = edge;
    this.guard(edge, this.plan.narrow.known[block] & ~state.known, state);
    this.storeRegisters({ integers: state.dirty.integers & ~this.plan.dirty[block].integers, floats: 0 }, state.valid);
    this.steps.integers.convert(state.valid, this.plan.narrow.atStart[block], this.plan.needed[block]);
    if (entry !== undefined) this.code.i32(entry).set(this.entry);
    const { rank, isMerge } = this.plan.flow;
    if (rank[block] <= rank[from] || isMerge[block]) this.code.br(this.labels.get(block)!);
    else this.subtree(block);
  }

  /** Leaves before the block when the slice may end before the next check. */
  private leaveWhenUsedUp(node: number): void {
    const { code } = this;
    code.get(BUDGET).i32(this.plan.longestPath).op('i32.lt_s').unlikely();
    code.if(() => {
      this.leaveTo(() => this.pushBeginning(node), INTERPRET, this.stateAt(node));
    });
  }

  /** Pushes the virtual address of the code that a block stands for. */
  private pushBeginning(node: number): void {
    const { code } = this;
    const { end, position } = this.blocks[node];
    if (end.k !== 'dispatch') {
      this.steps.pushPosition(position);
      return;
    }
    const choose = ([first, ...others]: readonly Edge[], index: number): void => {
      this.steps.pushPosition(this.destination(first));
      if (others.length === 0) return;
      choose(others, index + 1);
      code.get(this.entry).i32(index).op('i32.eq', 'select');
    };
    choose(end.entries, 0);
  }

  /** The position of the code that an edge leads to. */
  private destination(edge: Edge): number {
    if ('leave' in edge) return edge.leave;
    const { end, position } = this.blocks[edge.block];
    return end.k === 'dispatch' ? this.destination(end.entries[edge.entry!]) : position;
  }

  /** Goes on to the entry that was chosen. */
  private dispatch(from: number, entries: readonly Edge[], state: State): void {
    const { code } = this;
    const nest = (index: number, labels: readonly Label[]) => {
      if (index < 0) {
        code.get(this.entry).brTable(labels, labels[0]);
        return;
      }
      code.block((label) => nest(index - 1, [label, ...labels]));
      this.go(from, entries[index], state);
    };
    nest(entries.length - 1, []);
  }

  private needsPageCheck(node: number): boolean {
    const { page } = this.blocks[node];
    if (page === 0) return false;
    return this.plan.flow.order.some(
      (from) => this.blocks[from].page !== page && successors(this.blocks[from]).includes(node),
    );
  }

  /** Leaves unless the page is still mapped to the code that was translated. */
  private checkPage(delta: number, position: number, state: State, status: number): void {
    const { code } = this;
    const shift = 12 - Math.log2(at.FETCH_ENTRY_SIZE);
    const mask = (at.FETCH_ENTRIES - 1) * at.FETCH_ENTRY_SIZE;
    const page = () => this.steps.pushPosition(delta * PAGE_SIZE);
    page();
    code.op('i32.wrap_i64').i32(shift).op('i32.shr_u').i32(mask).op('i32.and').get(FETCH_TLB).op('i32.add');
    const entry = code.local('i32');
    code.tee(entry).memory('i64.load', 0);
    page();
    code.op('i64.ne').get(entry).memory('i32.load', at.SLOTS);
    code.i32(this.region.pages.get(delta)!.slotTable).op('i32.ne', 'i32.or');
    code.unlikely().if(() => this.leaveTo(() => this.steps.pushPosition(position), status, state));
  }

  /** The status to leave with where an access misses the TLB, or what pushes it. */
  private statusOfMiss(step: Step): number | (() => void) {
    const isGroup = this.memory.beginsGroup(step);
    const guesses = [
      ...(isGroup ? ['groups' as const] : []),
      ...(this.memory.hasGuessed(step) ? ['addends' as const] : []),
    ];
    if (guesses.length === 0) return INTERPRET;
    return () => {
      if (isGroup) this.failures.count('groups');
      this.failures.pushStatus(guesses);
    };
  }

  /** Stores what the region keeps in locals, and returns. */
  private leaveTo(pushPc: () => void, status: number | (() => void), { dirty, uncounted, valid }: State): void {
    const { code } = this;
    this.storeRegisters(dirty, valid);
    code.i32(0);
    pushPc();
    code.memory('i64.store', at.PC);
    code.i32(0).get(BUDGET);
    if (uncounted !== 0) code.i32(uncounted).op('i32.add');
    code.memory('i32.store', at.BUDGET);
    if (typeof status === 'number') code.i32(status);
    else status();
    code.op('return');
  }

  private storeRegisters({ integers, floats }: RegisterSet, valid: ValidLocals): void {
    const { code } = this;
    forEachBit(integers, (x) => {
      code.i32(0);
      this.steps.integers.pushAt(valid, x);
      code.memory('i64.store', at.X_REGISTERS + 8 * x);
    });
    forEachBit(floats, (f) => {
      code.i32(0).get(this.steps.floats.local(f));
      code.memory('f64.store', at.F_REGISTERS + 8 * f);
    });
  }
}

/** What an exit must restore. */
interface State {
  /** Registers that may differ from their place in memory. */
  dirty: RegisterSet;
  /** Instructions of the block that are counted already but not done. */
  uncounted: number;
  /** Where their values are. */
  valid: ValidLocals;
  /** Integer registers that hold sign-extended 32-bit values. */
  known: number;
}

function forEachBit(set: number, visit: (bit: number) => void): void {
  for (let bit = 0; bit < 32; bit++) if (set & (1 << bit)) visit(bit);
}
