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
import { validAtStart } from './integer-registers';
import type { JumpTable } from './jump-table';
import type { RemembersPages } from './memory-access';
import { MemoryAccess } from './memory-access';
import type { Block, BlockEnd, Edge, Region, Step } from './region';
import { pageOf } from './region';
import type { State } from './region-exits';
import { forEachBit, RegionExits } from './region-exits';
import type { PlanOptions, RegionPlan } from './region-plan';
import { planRegion } from './region-plan';
import { CONTINUE, INTERPRET } from './region-type';
import { floatUse, integerUse } from './registers';
import { StepEmitter } from './step-emitter';
import type { StridedAccesses } from './strided-accesses';

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

/** Code that is gone through once has no use for what a register's last access tells; and the less there is to compile, the better. */
const WITHOUT_LOOPS = { remembersPages: 'never', guessesAddends: false } as const;

export class RegionFunction {
  private readonly blocks: readonly Block[];
  private readonly plan: RegionPlan;
  private readonly exits: RegionExits;
  private readonly memory: MemoryAccess;
  private readonly steps: StepEmitter;
  private readonly target: number;
  /** The local with the entry that a dispatch goes on to. */
  private readonly entry: number;
  /** Where to branch to for a block: its label or its loop's. */
  private readonly labels = new Map<number, Label>();

  constructor(
    private readonly code: Code,
    region: Region,
    how: RegionOptions,
  ) {
    this.blocks = region.blocks;
    this.plan = planRegion(this.blocks, how);
    const failures = new GuessFailures(code, how.failures);
    const loops = this.plan.flow.isLoopHead.includes(true);
    this.memory = new MemoryAccess(code, DATA_TLB, loops ? how : { ...how, ...WITHOUT_LOOPS }, failures);
    this.steps = new StepEmitter(code, PAGE, DATA_TLB, BUDGET, how.arithmetic, how.floatHelper, this.memory);
    this.exits = new RegionExits(code, region.pages, this.steps, failures, FETCH_TLB, BUDGET);
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
    const ahead = this.plan.ahead.filter((accesses) => accesses !== undefined);
    this.steps.startRegion(steps, this.plan.narrow.preferred, ahead);
    forEachBit(floats, (f) => {
      code.i32(0).memory('f64.load', at.F_REGISTERS + 8 * f);
      code.set(this.steps.floats.local(f));
    });
    this.steps.floats.startBlock(0);
    forEachBit(this.plan.singles.taken, (f) => this.steps.floats.prepare(f, 's'));
    const state = { ...this.stateAt(0), valid: validAtStart(0), known: 0 };
    this.exits.guard(this.destination({ block: 0 }), this.plan.narrow.known[0], state);
    this.steps.integers.convert(state.valid, this.plan.narrow.atStart[0], this.plan.needed[0]);
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
    const { page, position } = this.blocks[node];
    if (this.needsPageCheck(node)) this.exits.checkPage(page, position, this.stateAt(node), CONTINUE);
    const ahead = this.plan.ahead[node];
    if (ahead) this.code.block((other) => this.roundsAhead(node, ahead, other));
    this.rounds(node, ahead ? 1 : this.plan.copies[node], undefined);
  }

  /** Several rounds of a loop of one block whose accesses are looked up for all of them; to `other` when that fails. */
  private roundsAhead(node: number, ahead: StridedAccesses, other: Label): void {
    const { code, plan } = this;
    const { rounds } = ahead;
    code.get(BUDGET).i32(plan.longestPath + (rounds - 1) * this.blocks[node].steps.length);
    code.op('i32.lt_s').unlikely().brIf(other);
    this.steps.integers.startBlock(plan.narrow.atStart[node]);
    this.memory.lookUpAhead(ahead, plan.chased[node], (x) => this.steps.integers.push(x), other);
    this.rounds(node, rounds, ahead);
  }

  /** A block, which is written so often in a row. */
  private rounds(node: number, count: number, ahead: StridedAccesses | undefined): void {
    const { steps } = this.blocks[node];
    this.count(-count * steps.length);
    this.steps.integers.startBlock(this.plan.narrow.atStart[node]);
    let { dirty } = this.stateAt(node);
    for (let round = 0; round < count; round++) {
      this.memory.startBlock(steps, this.plan.chased[node], ahead && { accesses: ahead, round });
      dirty = this.copy(node, (count - 1 - round) * steps.length, dirty);
    }
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
    this.steps.startBlock(this.plan.singles.atStart[node], this.plan.narrow.known[node]);
    const last = steps.at(-1);
    const endsWithJump = last !== undefined && ['branch', 'jump'].includes(last.decoded.instruction.action.k);
    const table = end.k === 'indirect' ? end.table : undefined;
    const entry = table && this.steps.keepAddress(table.load);
    const inside = endsWithJump ? steps.slice(0, -1) : steps;
    this.inside(inside, ahead + steps.length, state);
    state.valid = this.steps.integers.locals;
    if (endsWithJump && last.crosses) {
      this.exits.checkPage(this.blocks[node].page + 1, last.position, { ...state, uncounted: ahead + 1 }, INTERPRET);
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
        this.exits.leave(() => code.get(this.target), CONTINUE, state);
        return;
      case 'dispatch':
        this.dispatch(node, end.entries, state);
        return;
      case 'indirect':
        if (end.table) this.throughTable(node, end.table, end.targets, entry!, state);
        this.exits.leave(() => code.get(this.target), CONTINUE, state);
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
        if (step.crosses) this.exits.checkPage(pageOf(step.position) + 1, step.position, state, INTERPRET);
        this.steps.emit(step, labels[exits.length], state.uncounted);
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
      this.exits.miss(step, left);
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
      this.exits.leave(() => this.steps.pushPosition(edge.leave), status, state);
      return;
    }
    const { block, entry } = edge;
    this.exits.guard(this.destination(edge), this.plan.narrow.known[block] & ~state.known, state);
    this.exits.storeRegisters(
      { integers: state.dirty.integers & ~this.plan.dirty[block].integers, floats: 0 },
      state.valid,
    );
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
      this.exits.leave(() => this.pushBeginning(node), INTERPRET, this.stateAt(node));
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
}
