/**
 * A region: the blocks of code that are translated together, found by following the code that has been executed from one
 * record on. Calls are followed into the function, with a copy of its blocks for each call, so that a return knows where it
 * goes. Addresses are positions: bytes from the start of the page in which the region begins, wherever that is mapped.
 */
import type { Decoded } from '../../isa/instruction';
import type { CodePage } from '../code-cache';
import type { JumpTable } from './jump-table';

export const PAGE_SIZE = 0x1000;

/** The decoded code that a region is made of. */
export interface CodeSource {
  /** The page that is this many pages behind the region's first one, if it is mapped and holds code; 0 is the first. */
  page(delta: number): CodePage | undefined;
  /** The instruction at a page offset, if it has been decoded and has no breakpoint. */
  instruction(page: CodePage, offset: number): Decoded | undefined;
  /** The instruction of which the first two bytes are the page's last and the others begin the next page. */
  crossing(page: CodePage, next: CodePage): Decoded | undefined;
  /** The table that a block's last step, an indirect jump, takes its target from. */
  jumpTable(steps: readonly Step[]): JumpTable | undefined;
}

export interface Step {
  readonly decoded: Decoded;
  readonly position: number;
  /** Its second half is in the next page. */
  readonly crosses: boolean;
}

/** Where a block goes on: another block, or out of the region, to a position. */
export type Edge =
  | { readonly block: number }
  /** `interpret`: the instruction there is one that the interpreter must do. */
  | { readonly leave: number; readonly interpret: boolean };

/** How a block ends. A branch, jump or return is the block's last step. */
export type BlockEnd =
  | { readonly k: 'go'; readonly to: Edge }
  | { readonly k: 'branch'; readonly taken: Edge; readonly other: Edge }
  /** To the address in the register: expected to be this position, at which the edge goes on. */
  | { readonly k: 'return'; readonly expected: number; readonly to: Edge }
  /** To the address in the register: through the table to one of its targets, or out of the region. */
  | { readonly k: 'indirect'; readonly table?: JumpTable; readonly targets: ReadonlyMap<number, Edge> };

export interface Block {
  readonly position: number;
  readonly page: number;
  readonly steps: readonly Step[];
  end: BlockEnd;
}

export interface Region {
  readonly blocks: readonly Block[];
  /** The pages it has code from, by their distance from the first. */
  readonly pages: ReadonlyMap<number, CodePage>;
}

export interface RegionLimits {
  readonly blocks: number;
  readonly steps: number;
  /** Calls followed into calls. */
  readonly depth: number;
}

/** Follows the code from this offset in the source's first page. @returns undefined when there is none to translate */
export function findRegion(source: CodeSource, offset: number, limits: RegionLimits): Region | undefined {
  return new RegionFinder(source, limits).find(offset);
}

/** A call that is followed: the blocks in it are its own. */
interface Call {
  readonly id: number;
  readonly caller: Call | undefined;
  readonly depth: number;
  /** The register with the return address, and where it leads to in the caller. */
  readonly link: number;
  readonly returnTo: number;
  readonly target: number;
}

/** Where a block begins: a position in a call. */
interface Leader {
  readonly call: Call;
  readonly position: number;
  readonly block: number;
}

/** How a stretch of steps ends, in terms of positions in calls. */
type Flow =
  | { readonly k: 'go'; readonly call: Call; readonly position: number }
  | { readonly k: 'branch'; readonly taken: number; readonly other: number }
  | { readonly k: 'return'; readonly call: Call; readonly position: number }
  | { readonly k: 'indirect'; readonly table: JumpTable | undefined }
  | { readonly k: 'stop'; readonly position: number; readonly interpret: boolean };

/** Positions fit 33 bits with their sign, so that a key can be made of them. */
const FARTHEST_PAGE = 0xfffff;

/** How many pages behind the region's first one a position lies. */
export const pageOf = (position: number): number => Math.floor(position / PAGE_SIZE);

class RegionFinder {
  private readonly leaders: Leader[] = [];
  private readonly leaderAt = new Map<number, Leader>();
  private readonly calls: Call[] = [];
  private readonly callAt = new Map<string, Call>();
  private readonly steps = new Map<number, Step | undefined>();
  private readonly pages = new Map<number, CodePage>();
  private readonly tables = new Map<Step, JumpTable | undefined>();
  private stepCount = 0;

  constructor(
    private readonly source: CodeSource,
    private readonly limits: RegionLimits,
  ) {}

  find(offset: number): Region | undefined {
    const outermost: Call = { id: 0, caller: undefined, depth: 0, link: 0, returnTo: 0, target: offset };
    this.calls.push(outermost);
    this.addLeader(outermost, offset);
    if (this.stepAt(offset) === undefined) return undefined;
    for (const leader of this.leaders) {
      if (this.stepCount < this.limits.steps) this.follow(leader);
    }
    const blocks = this.leaders.map((leader) => this.block(leader));
    return blocks[0].steps.length === 0 ? undefined : { blocks, pages: this.usedPages(blocks) };
  }

  private usedPages(blocks: readonly Block[]): Map<number, CodePage> {
    const used = new Map<number, CodePage>();
    for (const { page, steps } of blocks) {
      used.set(page, this.pages.get(page)!);
      if (steps.at(-1)?.crosses) used.set(page + 1, this.pages.get(page + 1)!);
    }
    return used;
  }

  /** Makes the places that a leader's block leads to leaders. */
  private follow({ call, position }: Leader): void {
    const { flow, steps } = this.walk(call, position, false);
    this.stepCount += steps.length;
    if (flow.k === 'go' || flow.k === 'return') {
      this.addLeader(flow.call, flow.position);
    } else if (flow.k === 'branch') {
      this.addLeader(call, flow.other);
      this.addLeader(call, flow.taken);
    } else if (flow.k === 'indirect') {
      for (const target of flow.table?.targets ?? []) if (target !== undefined) this.addLeader(call, target);
    }
  }

  private addLeader(call: Call, position: number): void {
    const key = leaderKey(call, position);
    if (this.leaderAt.has(key) || this.leaders.length >= this.limits.blocks || !this.stepAt(position)) return;
    const leader = { call, position, block: this.leaders.length };
    this.leaders.push(leader);
    this.leaderAt.set(key, leader);
  }

  private block({ call, position }: Leader): Block {
    const { steps, flow } = this.walk(call, position, true);
    return { position, page: pageOf(position), steps, end: this.end(call, flow, steps) };
  }

  private end(call: Call, flow: Flow, steps: readonly Step[]): BlockEnd {
    switch (flow.k) {
      case 'go':
        return { k: 'go', to: this.edge(flow.call, flow.position) };
      case 'branch':
        return { k: 'branch', taken: this.edge(call, flow.taken), other: this.edge(call, flow.other) };
      case 'return':
        return { k: 'return', expected: flow.position, to: this.edge(flow.call, flow.position) };
      case 'indirect':
        return this.indirect(call, flow.table && steps.includes(flow.table.load) ? flow.table : undefined);
      case 'stop':
        return { k: 'go', to: { leave: flow.position, interpret: flow.interpret } };
    }
  }

  private indirect(call: Call, table: JumpTable | undefined): BlockEnd {
    const targets = new Map<number, Edge>();
    for (const target of table?.targets ?? []) {
      if (target === undefined) continue;
      const edge = this.edge(call, target);
      if ('block' in edge) targets.set(target, edge);
    }
    return { k: 'indirect', ...(table && { table }), targets };
  }

  private edge(call: Call, position: number): Edge {
    const leader = this.leaderAt.get(leaderKey(call, position));
    return leader ? { block: leader.block } : { leave: position, interpret: false };
  }

  /** The steps from a position on, to where control may go elsewhere; `cut`: also to where another block begins. */
  private walk(call: Call, start: number, cut: boolean): { steps: Step[]; flow: Flow } {
    const steps: Step[] = [];
    for (let position = start; ;) {
      const step = this.stepAt(position);
      if (!step) return { steps, flow: { k: 'stop', position, interpret: false } };
      const isNew = position !== start;
      if (isNew && (pageOf(position) !== pageOf(start) || (cut && this.leaderAt.has(leaderKey(call, position))))) {
        return { steps, flow: { k: 'go', call, position } };
      }
      const { instruction, length } = step.decoded;
      if (instruction.action.k === 'system' || instruction.action.k.startsWith('float')) {
        return { steps, flow: { k: 'stop', position, interpret: true } };
      }
      steps.push(step);
      const flow = this.flowOf(call, step, steps);
      if (flow) return { steps, flow };
      position += length;
    }
  }

  private flowOf(call: Call, step: Step, steps: readonly Step[]): Flow | undefined {
    const { decoded, position } = step;
    const { instruction, length, imm } = decoded;
    const { action } = instruction;
    if (action.k === 'branch') return { k: 'branch', taken: position + imm, other: position + length };
    if (action.k !== 'jump') return undefined;
    const target = instruction.format === 'J' ? position + imm : knownTarget(steps);
    if (target !== undefined) return this.direct(call, decoded.rd, target, position + length);
    if (call.caller && decoded.rd === 0 && decoded.rs1 === call.link && imm === 0) {
      return { k: 'return', call: call.caller, position: call.returnTo };
    }
    return { k: 'indirect', table: decoded.rd === 0 ? this.jumpTable(step, steps) : undefined };
  }

  private jumpTable(jump: Step, steps: readonly Step[]): JumpTable | undefined {
    if (!this.tables.has(jump)) this.tables.set(jump, this.source.jumpTable(steps));
    return this.tables.get(jump);
  }

  /** A jump to a known place: a call when it leaves a return address. */
  private direct(call: Call, link: number, target: number, returnTo: number): Flow {
    if (link === 0) return { k: 'go', call, position: target };
    const key = `${call.id}:${returnTo}`;
    let callee = this.callAt.get(key);
    if (!callee) {
      if (call.depth >= this.limits.depth || this.leaders.length >= this.limits.blocks || this.recurses(call, target)) {
        return { k: 'stop', position: target, interpret: false };
      }
      callee = { id: this.calls.length, caller: call, depth: call.depth + 1, link, returnTo, target };
      this.calls.push(callee);
      this.callAt.set(key, callee);
    }
    return { k: 'go', call: callee, position: target };
  }

  /** Whether the function is being called from itself often enough already. */
  private recurses(call: Call, target: number): boolean {
    let times = 0;
    for (let outer: Call | undefined = call; outer; outer = outer.caller) if (outer.target === target) times++;
    return times > 1;
  }

  private stepAt(position: number): Step | undefined {
    if (!this.steps.has(position)) this.steps.set(position, this.decodeStep(position));
    return this.steps.get(position);
  }

  private decodeStep(position: number): Step | undefined {
    const delta = pageOf(position);
    const page = this.page(delta);
    if (!page) return undefined;
    const decoded = this.source.instruction(page, position - delta * PAGE_SIZE);
    if (decoded) return { decoded, position, crosses: false };
    if (position - delta * PAGE_SIZE !== PAGE_SIZE - 2) return undefined;
    const next = this.page(delta + 1);
    const crossing = next && this.source.crossing(page, next);
    return crossing && { decoded: crossing, position, crosses: true };
  }

  private page(delta: number): CodePage | undefined {
    const known = this.pages.get(delta);
    if (known) return known;
    if (Math.abs(delta) > FARTHEST_PAGE) return undefined;
    const page = this.source.page(delta);
    if (page) this.pages.set(delta, page);
    return page;
  }
}

const leaderKey = (call: Call, position: number): number => call.id * 2 ** 33 + position;

/** Where `auipc` and `jalr` together lead to; undefined when the last step is another jump. */
function knownTarget(steps: readonly Step[]): number | undefined {
  const [jump, before] = [steps[steps.length - 1], steps[steps.length - 2]];
  if (before?.decoded.instruction.name !== 'auipc' || before.decoded.rd !== jump.decoded.rs1) return undefined;
  if (before.decoded.rd === 0) return undefined;
  return before.position + before.decoded.imm + jump.decoded.imm;
}
