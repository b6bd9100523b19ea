/**
 * Loads and stores in a region: the page that a base register accessed last is remembered, groups of accesses look into the TLB
 * together.
 */
import type { Code, Label } from '../../wasm/code';
import type { MemoryOp } from '../../wasm/opcodes';
import * as at from '../layout';
import { dataEntry, tagMask } from '../operand-access';
import type { AccessGroup } from './access-groups';
import { groupAccesses } from './access-groups';
import { chasedAfter } from './chased-pointers';
import type { GuessFailures } from './guess-failures';
import type { Step } from './region';
import { PAGE_SIZE } from './region';
import type { StridedAccesses, StridedGroup } from './strided-accesses';

/** Whether the last page of a base register is remembered: for all, or not for those whose addresses a loop loads. */
export type RemembersPages = 'always' | 'unless chased' | 'never';

export class MemoryAccess {
  private readonly planned = new Map<readonly Step[], Map<Step, AccessGroup>>();
  private groups = new Map<Step, AccessGroup>();
  /** The steps that look into the TLB for their groups, and the locals with the groups' addresses in the engine's memory. */
  private readonly firsts = new Set<Step>();
  private readonly guessed = new Set<Step>();
  /** Accesses of which the pages were looked at before, and which round of their loop it is. */
  private ahead: { readonly accesses: StridedAccesses; readonly round: number } | undefined;
  private readonly aheadHosts = new Map<StridedGroup, number>();
  private readonly hosts = new Map<AccessGroup, number>();
  private readonly caches = new Map<number, number>();
  /** Registers with addresses of which the last one's page says nothing. */
  private chased = 0;
  private readonly address: number;
  private readonly entry: number;
  private readonly wanted: number;
  private readonly likely: number;
  private readonly hostLocals: number[] = [];

  constructor(
    private readonly code: Code,
    /** The local with the data TLB. */
    private readonly dataTlb: number,
    private readonly how: {
      /** Whether accesses that are close to each other look into the TLB together. */
      readonly groupsAccesses: boolean;
      readonly remembersPages: RemembersPages;
      /** Whether a chased pointer's page is taken to lie where the one before suggests. */
      readonly guessesAddends: boolean;
    },
    private readonly failures: GuessFailures,
  ) {
    this.address = code.local('i64');
    this.entry = code.local('i32');
    this.wanted = code.local('i64');
    this.likely = code.local('i32');
  }

  /** At the region's start; all blocks that will be emitted, and what will be looked up ahead. */
  startRegion(blocks: readonly (readonly Step[])[], ahead: readonly StridedAccesses[]): void {
    for (const { groups } of ahead) {
      if (this.how.remembersPages !== 'never') for (const group of groups) this.pageCache(group);
    }
    for (const steps of blocks) {
      const groups = groupAccesses(steps, this.how.groupsAccesses);
      this.planned.set(steps, groups);
      if (this.how.remembersPages !== 'never') for (const group of groups.values()) this.pageCache(group);
    }
    for (const cell of this.caches.values()) this.code.i32(0).i64(-1n).memory('i64.store', cell);
  }

  /**
   * @param chased registers with pointers that a loop loads (see `findChasedPointers`)
   * @param ahead what `lookUpAhead` has looked up, and which round it is
   */
  startBlock(steps: readonly Step[], chased: number, ahead: MemoryAccess['ahead']): void {
    this.chased = chased;
    this.ahead = ahead;
    this.groups = this.planned.get(steps)!;
    this.firsts.clear();
    this.guessed.clear();
    const seen = new Set<AccessGroup>();
    for (const [step, group] of this.groups) {
      if (!seen.has(group) && !ahead?.accesses.places.has(step)) this.firsts.add(step);
      seen.add(group);
    }
    this.hosts.clear();
  }

  /** After each step. */
  finish(step: Step): void {
    this.chased = chasedAfter(this.chased, step);
  }

  /** Whether the access looks into the TLB. */
  begins(step: Step): boolean {
    return this.firsts.has(step);
  }

  /** Whether it is the first of several accesses that look into the TLB together. */
  beginsGroup(step: Step): boolean {
    const group = this.groups.get(step);
    return group !== undefined && this.begins(step) && group.end - group.first > group.width;
  }

  /**
   * Looks into the TLB if the access is the first of its group; to `miss` when its page is not there, when the group goes on
   * in the next one, or when it is misaligned. `base` pushes the register that the address is relative to.
   */
  lookUp(step: Step, base: () => void, miss: Label): void {
    if (!this.begins(step)) return;
    const { code } = this;
    const group = this.groups.get(step)!;
    const host = (this.hostLocals[this.hosts.size] ??= code.local('i32'));
    this.pushAddress(group, base);
    if (this.remembersPage(group)) {
      this.rememberedHost(group, host, miss);
    } else if (this.how.guessesAddends) {
      this.guessed.add(step);
      this.findEntry(group, miss);
      this.guessHost(this.pageCache(group) + at.LIKELY_ADDEND, host, miss);
    } else {
      this.foundHost(group, host, miss);
    }
    this.leaveAtPageEnd(group, miss);
    this.hosts.set(group, host);
  }

  /**
   * In front of several rounds of a loop, looks into the TLB for them; to `other` when it has not all that they access. `base`
   * pushes a register.
   */
  lookUpAhead({ groups }: StridedAccesses, chased: number, base: (register: number) => void, other: Label): void {
    this.chased = chased;
    for (const group of groups) {
      const host = this.code.local('i32');
      this.aheadHosts.set(group, host);
      this.pushAddress(group, () => base(group.base));
      if (this.remembersPage(group)) this.rememberedHost(group, host, other);
      else this.foundHost(group, host, other);
      this.leaveAtPageEnd(group, other);
    }
  }

  /** Leaves a group's address and the page that is wanted in their locals. */
  private pushAddress({ first, width }: AccessGroup, base: () => void): void {
    const { code, address } = this;
    base();
    if (first !== 0) code.i64(BigInt(first)).op('i64.add');
    code.set(address);
    code.get(address).i64(tagMask(width)).op('i64.and').set(this.wanted);
  }

  /** The address in the engine's memory, by the page that was remembered, or else by the TLB. */
  private rememberedHost(group: AccessGroup, host: number, miss: Label): void {
    const { code, address, entry } = this;
    const cache = this.pageCache(group);
    code.block((known) => {
      code.i32(0).memory('i64.load', cache).get(this.wanted).op('i64.eq').likely().brIf(known);
      this.findEntry(group, miss);
      code.i32(0).get(this.wanted).memory('i64.store', cache);
      const addend = cache + at.REMEMBERED_ADDEND;
      code.i32(0).get(entry).memory('i32.load', at.ADDEND).memory('i32.store', addend);
    });
    code.get(address).op('i32.wrap_i64').i32(0);
    code
      .memory('i32.load', cache + at.REMEMBERED_ADDEND)
      .op('i32.add')
      .set(host);
  }

  /** The address in the engine's memory, by the TLB. */
  private foundHost(group: AccessGroup, host: number, miss: Label): void {
    const { code, address, entry } = this;
    this.findEntry(group, miss);
    code.get(address).op('i32.wrap_i64').get(entry).memory('i32.load', at.ADDEND).op('i32.add').set(host);
  }

  /** To `miss` when the group goes on in the next page. */
  private leaveAtPageEnd({ first, end, width }: AccessGroup, miss: Label): void {
    if (end - first <= width) return;
    const { code, address } = this;
    code
      .get(address)
      .op('i32.wrap_i64')
      .i32(PAGE_SIZE - 1)
      .op('i32.and');
    code
      .i32(PAGE_SIZE - (end - first))
      .op('i32.gt_u')
      .unlikely()
      .brIf(miss);
  }

  /**
   * Whether the access, which was emitted, takes its page to lie where that of another access with the register does: so that the
   * processor need not wait for the TLB's answer before it goes on with what is loaded.
   */
  hasGuessed(step: Step): boolean {
    return this.guessed.has(step);
  }

  private remembersPage({ base }: AccessGroup): boolean {
    const { remembersPages } = this.how;
    const isChased = (this.chased & (1 << base)) !== 0;
    return remembersPages === 'always' || (remembersPages === 'unless chased' && !isChased);
  }

  /** The address in the engine's memory from that in the guest's, and the addend in the cell, which is made right if it is wrong. */
  private guessHost(cell: number, host: number, miss: Label): void {
    const { code, address, entry, likely } = this;
    code.get(address).op('i32.wrap_i64').i32(0).memory('i32.load', cell).tee(likely).op('i32.add').set(host);
    code.get(entry).memory('i32.load', at.ADDEND).get(likely).op('i32.ne').unlikely();
    code.if(() => {
      this.failures.count('addends');
      this.failures.pushIsTooOften('addends');
      code.brIf(miss);
      code.i32(0).get(entry).memory('i32.load', at.ADDEND).tee(likely).memory('i32.store', cell);
      code.get(address).op('i32.wrap_i64').get(likely).op('i32.add').set(host);
    });
  }

  /** The TLB entry of `address` into `entry`; to `miss` unless it has the page that is wanted. */
  private findEntry({ loads, stores }: AccessGroup, miss: Label): void {
    const { code, entry } = this;
    dataEntry(code, this.address, this.dataTlb).set(entry);
    for (const tag of [...(loads ? [at.LOAD_TAG] : []), ...(stores ? [at.STORE_TAG] : [])]) {
      code.get(entry).memory('i64.load', tag).get(this.wanted).op('i64.ne').unlikely().brIf(miss);
    }
  }

  /** Address of the cell in which the last page of a base register is remembered. */
  private pageCache({ base, loads, stores }: AccessGroup): number {
    const key = base * 4 + (loads ? 1 : 0) + (stores ? 2 : 0);
    let cell = this.caches.get(key);
    if (cell === undefined) this.caches.set(key, (cell = at.REMEMBERED_PAGES + 16 * key));
    return cell;
  }

  /** The access itself, after `lookUp`; a store's value is pushed by `value`. */
  access(step: Step, op: MemoryOp, value?: () => void): void {
    const strided = this.ahead?.accesses.places.get(step);
    if (strided) {
      const { group, offset } = strided;
      this.code.get(this.aheadHosts.get(group)!);
      value?.();
      this.code.memory(op, offset + this.ahead!.round * group.stride - group.first);
      return;
    }
    const group = this.groups.get(step)!;
    this.code.get(this.hosts.get(group)!);
    value?.();
    this.code.memory(op, step.decoded.imm - group.first);
  }
}
