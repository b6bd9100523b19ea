/**
 * A region: the blocks of code that are translated together, found by following the code that has been executed from one
 * record on. Calls are followed into the function, with a copy of its blocks for each call, so that a return knows where it
 * goes. Addresses are positions: bytes from the start of the page in which the region begins, wherever that is mapped.
 */
import type { Decoded } from '../../isa/instruction';
import type { CsrUse } from '../stored-csrs';
import type { JumpTable } from './jump-table';

export const PAGE_SIZE = 0x1000;

/** A page of code, as far as a region's code knows it. */
export interface RegionPage {
  /** Address of its slot table, by which generated code asks whether a virtual page is still this one. */
  readonly slotTable: number;
}

/** The decoded code that a region is made of. */
export interface CodeSource<P extends RegionPage> {
  /** The page that is this many pages behind the region's first one, if it is mapped and holds code; 0 is the first. */
  page(delta: number): P | undefined;
  /** The instruction at a page offset, if it has been decoded and has no breakpoint. */
  instruction(page: P, offset: number): Decoded | undefined;
  /** The instruction of which the first two bytes are the page's last and the others begin the next page. */
  crossing(page: P, next: P): Decoded | undefined;
  /** How often the instruction at a page offset was jumped to, if that is known. */
  jumps(page: P, offset: number): number | undefined;
  /** The table that a block's last step, an indirect jump, takes its target from. */
  jumpTable(steps: readonly Step[]): JumpTable | undefined;
  /** What the instruction does with a CSR, if generated code may do that. */
  csr(decoded: Decoded): CsrUse | undefined;
}

export interface Step {
  readonly decoded: Decoded;
  readonly position: number;
  /** Its second half is in the next page. */
  readonly crosses: boolean;
  /** A system instruction that generated code does: an access to a CSR that is but a stored value. */
  readonly csr?: CsrUse;
}

/** To another block; `entry`: which of its entries that is to go on to, where its end is a dispatch. */
export interface BlockEdge {
  readonly block: number;
  readonly entry?: number;
}

/** Where a block goes on: another block, or out of the region, to a position. */
export type Edge =
  | BlockEdge
  /** `interpret`: the instruction there is one that the interpreter must do. */
  | { readonly leave: number; readonly interpret: boolean };

/** How a block ends. A branch, jump or return is the block's last step. */
export type BlockEnd =
  | { readonly k: 'go'; readonly to: Edge }
  /** To the entry that the edge by which it is reached says. */
  | { readonly k: 'dispatch'; readonly entries: readonly Edge[] }
  | { readonly k: 'branch'; readonly taken: Edge; readonly other: Edge }
  /** To the address in the register: one of these positions, or out of the region. */
  | { readonly k: 'return'; readonly sites: readonly ReturnSite[] }
  /** To the address in the register: through the table to one of its targets, or out of the region. */
  | { readonly k: 'indirect'; readonly table?: JumpTable; readonly targets: ReadonlyMap<number, Edge> };

export interface ReturnSite {
  readonly position: number;
  readonly to: Edge;
}

export interface Block {
  readonly position: number;
  readonly page: number;
  readonly steps: readonly Step[];
  /** How often it was jumped to before it was translated, as far as is known. */
  readonly jumps: number | undefined;
  end: BlockEnd;
}

/** Blocks that are translated together; the first one is where it begins. */
export interface Region<P extends RegionPage = RegionPage> {
  readonly blocks: readonly Block[];
  /** The pages it has code from, by their distance from the first. */
  readonly pages: ReadonlyMap<number, P>;
}

export interface RegionLimits {
  readonly blocks: number;
  readonly steps: number;
  /** Calls followed into calls. */
  readonly depth: number;
  /** Whether floating-point instructions belong to regions. */
  readonly floats: boolean;
}

/** Follows the code from this offset in the source's first page. @returns undefined when there is none to translate */
export function findRegion<P extends RegionPage>(
  source: CodeSource<P>,
  offset: number,
  limits: RegionLimits,
): Region<P> | undefined {
  const inlined = new RegionFinder(source, limits, false);
  const region = inlined.find(offset);
  if (!inlined.isCut || limits.depth === 0) return region;
  const shared = new RegionFinder(source, limits, true);
  const second = shared.find(offset);
  const start = shared.calledFunctionAround(offset);
  return start === undefined ? second : new RegionFinder(source, limits, true).find(offset, start);
}

/** A function that was called: the blocks in it are its own. */
interface Call {
  readonly id: number;
  readonly caller: Call | undefined;
  readonly depth: number;
  readonly target: number;
  /** The register with the return address. */
  readonly link: number;
  /** Where it was called from, and is to go on when it returns. */
  readonly returns: { readonly call: Call; readonly position: number }[];
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
  | { readonly k: 'call'; readonly callee: Call; readonly returnTo: number }
  | { readonly k: 'return' }
  | { readonly k: 'indirect'; readonly table: JumpTable | undefined }
  | { readonly k: 'stop'; readonly position: number; readonly interpret: boolean };

/** The register that calls usually leave the return address in. */
const RA = 1;
/** Positions fit 33 bits with their sign, so that a key can be made of them. */
const FARTHEST_PAGE = 0xfffff;

/** How many pages behind the region's first one a position lies. */
export const pageOf = (position: number): number => Math.floor(position / PAGE_SIZE);

class RegionFinder<P extends RegionPage> {
  /** Whether code was left out because there was too much. */
  isCut = false;
  private readonly leaders: Leader[] = [];
  /** Leaders by the depth of their calls. */
  private readonly waiting: Leader[][] = [];
  private readonly leaderAt = new Map<number, Leader>();
  private readonly calls: Call[] = [];
  private readonly callAt = new Map<string, Call>();
  private readonly steps = new Map<number, Step | undefined>();
  private readonly pages = new Map<number, P>();
  private readonly tables = new Map<Step, JumpTable | undefined>();
  private stepCount = 0;

  constructor(
    private readonly source: CodeSource<P>,
    private readonly limits: RegionLimits,
    /** One copy of each function, whoever calls it; else one for each call. */
    private readonly shares: boolean,
  ) {}

  /** @param start the function that the region begins in, as far as is known: there, or at the offset itself */
  find(offset: number, start = offset): Region<P> | undefined {
    const outermost: Call = { id: 0, caller: undefined, depth: 0, link: RA, target: start, returns: [] };
    this.calls.push(outermost);
    this.callAt.set(callKey(outermost), outermost);
    this.addLeader(outermost, offset);
    if (this.stepAt(offset) === undefined) return undefined;
    this.followAll();
    const blocks = this.leaders.map((leader) => this.block(leader));
    return blocks[0].steps.length === 0 ? undefined : { blocks, pages: this.usedPages(blocks) };
  }

  /** Where a function begins that calls lead to and that has this position inside. */
  calledFunctionAround(position: number): number | undefined {
    return this.leaders.find((leader) => leader.position === position && leader.call.id > 0)?.call.target;
  }

  private usedPages(blocks: readonly Block[]): Map<number, P> {
    const used = new Map<number, P>();
    for (const { page, steps } of blocks) {
      used.set(page, this.pages.get(page)!);
      if (steps.at(-1)?.crosses) used.set(page + 1, this.pages.get(page + 1)!);
    }
    return used;
  }

  /** Functions before those that they call, so that what is left out is farthest from the beginning. */
  private followAll(): void {
    for (let depth = 0; depth <= this.limits.depth; depth++) {
      for (const leader of this.waiting[depth] ?? []) {
        if (this.stepCount < this.limits.steps) this.follow(leader);
        else this.isCut = true;
      }
    }
  }

  /** Makes the places that a leader's block leads to leaders. */
  private follow({ call, position }: Leader): void {
    const { flow, steps } = this.walk(call, position, false);
    this.stepCount += steps.length;
    if (flow.k === 'go') {
      this.addLeader(flow.call, flow.position);
    } else if (flow.k === 'call') {
      this.addLeader(flow.callee, flow.callee.target);
      this.addLeader(call, flow.returnTo);
    } else if (flow.k === 'branch') {
      this.addLeader(call, flow.other);
      this.addLeader(call, flow.taken);
    } else if (flow.k === 'indirect') {
      for (const target of flow.table?.targets ?? []) if (target !== undefined) this.addLeader(call, target);
    }
  }

  private addLeader(call: Call, position: number): void {
    const key = leaderKey(call, position);
    if (this.leaderAt.has(key) || !this.stepAt(position)) return;
    if (this.leaders.length >= this.limits.blocks) {
      this.isCut = true;
      return;
    }
    const leader = { call, position, block: this.leaders.length };
    this.leaders.push(leader);
    this.leaderAt.set(key, leader);
    (this.waiting[call.depth] ??= []).push(leader);
  }

  private block({ call, position }: Leader): Block {
    const { steps, flow } = this.walk(call, position, true);
    const page = pageOf(position);
    const jumps = this.source.jumps(this.pages.get(page)!, position - page * PAGE_SIZE);
    return { position, page, steps, jumps, end: this.end(call, flow, steps) };
  }

  private end(call: Call, flow: Flow, steps: readonly Step[]): BlockEnd {
    switch (flow.k) {
      case 'go':
        return { k: 'go', to: this.edge(flow.call, flow.position) };
      case 'branch':
        return { k: 'branch', taken: this.edge(call, flow.taken), other: this.edge(call, flow.other) };
      case 'call':
        return { k: 'go', to: this.edge(flow.callee, flow.callee.target) };
      case 'return':
        return {
          k: 'return',
          sites: call.returns.map((to) => ({ position: to.position, to: this.edge(to.call, to.position) })),
        };
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
      const isSlow = instruction.action.k === 'system' && !step.csr;
      if (isSlow || (!this.limits.floats && instruction.action.k.startsWith('float'))) {
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
    if (decoded.rd === 0 && decoded.rs1 === call.link && imm === 0) return { k: 'return' };
    return { k: 'indirect', table: decoded.rd === 0 ? this.jumpTable(step, steps) : undefined };
  }

  private jumpTable(jump: Step, steps: readonly Step[]): JumpTable | undefined {
    if (!this.tables.has(jump)) this.tables.set(jump, this.source.jumpTable(steps));
    return this.tables.get(jump);
  }

  /** A jump to a known place: a call when it leaves a return address. */
  private direct(call: Call, link: number, target: number, returnTo: number): Flow {
    if (link === 0) return { k: 'go', call, position: target };
    const key = this.shares ? callKey({ target, link }) : `${call.id}:${returnTo}`;
    let callee = this.callAt.get(key);
    if (!callee) {
      const recurses = !this.shares && isInside(call, target);
      if (recurses) this.isCut = true;
      if (recurses || call.depth >= this.limits.depth) return { k: 'stop', position: target, interpret: false };
      callee = { id: this.calls.length, caller: call, depth: call.depth + 1, link, target, returns: [] };
      this.calls.push(callee);
      this.callAt.set(key, callee);
    }
    if (!callee.returns.some((to) => to.call === call && to.position === returnTo)) {
      callee.returns.push({ call, position: returnTo });
    }
    return { k: 'call', callee, returnTo };
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
    if (decoded) return { ...this.step(decoded, position), crosses: false };
    if (position - delta * PAGE_SIZE !== PAGE_SIZE - 2) return undefined;
    const next = this.page(delta + 1);
    const crossing = next && this.source.crossing(page, next);
    return crossing && { ...this.step(crossing, position), crosses: true };
  }

  private step(decoded: Decoded, position: number): Omit<Step, 'crosses'> {
    const csr = this.source.csr(decoded);
    return { decoded, position, ...(csr && { csr }) };
  }

  private page(delta: number): P | undefined {
    const known = this.pages.get(delta);
    if (known) return known;
    if (Math.abs(delta) > FARTHEST_PAGE) return undefined;
    const page = this.source.page(delta);
    if (page) this.pages.set(delta, page);
    return page;
  }
}

/** What makes two calls one, where functions are shared. */
const callKey = ({ target, link }: Pick<Call, 'target' | 'link'>): string => `to ${target}, ${link}`;

/** Whether the function is called from itself. */
function isInside(call: Call, target: number): boolean {
  for (let outer: Call | undefined = call; outer; outer = outer.caller) if (outer.target === target) return true;
  return false;
}

const leaderKey = (call: Call, position: number): number => call.id * 2 ** 33 + position;

/** Where `auipc` and `jalr` together lead to; undefined when the last step is another jump. */
function knownTarget(steps: readonly Step[]): number | undefined {
  const [jump, before] = [steps[steps.length - 1], steps[steps.length - 2]];
  if (before?.decoded.instruction.name !== 'auipc' || before.decoded.rd !== jump.decoded.rs1) return undefined;
  if (before.decoded.rd === 0) return undefined;
  return before.position + before.decoded.imm + jump.decoded.imm;
}
