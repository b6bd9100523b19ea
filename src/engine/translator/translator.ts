/** Makes regions of hot code, and drops them when their code changes or there are too many. */
import type { Decode } from '../../isa/decode';
import type { Decoded } from '../../isa/instruction';
import { Module } from '../../wasm/module';
import type { CodeCache, CodePage } from '../code-cache';
import { defineArithmetic } from '../expression';
import { floatHelperTypes } from '../float/helpers';
import type { HartState } from '../hart-state';
import * as at from '../layout';
import { DRAM_BASE } from '../physical-memory';
import type { StoredCsrs } from '../stored-csrs';
import type { Technique } from '../techniques';
import type { Tlbs } from '../tlb';
import { arrangeEntryLoop } from './entry-loop';
import type { Machinery } from './jump-table';
import { findJumpTable } from './jump-table';
import type { RemembersPages } from './memory-access';
import { dispatchLoops } from './loop-dispatch';
import type { Block, CodeSource, Region, RegionLimits } from './region';
import { findRegion, PAGE_SIZE } from './region';
import { RegionFunction } from './region-function';
import { MAX_REGIONS, REGION_TYPE } from './region-type';

/** What regions may take: machine code is some five times as long as the WebAssembly. */
const DEFAULT_ROOM = { regions: MAX_REGIONS - 1, bytes: 24 << 20 };
/** The part of the regions, the oldest ones, that is dropped when there is no room. */
const EVICTED = 1 / 8;
/** A record that is not to be translated: it would have to be jumped to this often again. */
const COLD = -0x8000_0000;

/**
 * A region is small at first: half of the time that a kernel needs to boot would go into large ones. When it was entered often,
 * which costs more than being inside, it is made anew with these limits.
 */
const SMALL = { blocks: 24, steps: 400, depth: 0 };
const LARGE = { blocks: 100, steps: 1500, depth: 3 };
/** Entries that are never reached. */
const UNLIMITED = 0xffff_ffff;

/** When code is translated, and when anew. */
export interface Thresholds {
  /** Jumps to a record before a region begins there. */
  readonly jumps: number;
  /** Entries into a small region before it is made a large one. */
  readonly entries: number;
}

export interface TranslatorParts {
  readonly memory: WebAssembly.Memory;
  readonly state: HartState;
  readonly tlbs: Tlbs;
  readonly code: CodeCache;
  readonly csrs: StoredCsrs;
  readonly decode: Decode;
  readonly without: ReadonlySet<Technique>;
  readonly room: TranslatorRoom | undefined;
}

/** The most regions that are kept at a time, and the most bytes of WebAssembly in them. */
export interface TranslatorRoom {
  readonly regions: number;
  readonly bytes: number;
}

interface Translated {
  readonly index: number;
  /** The record at which it begins. */
  readonly record: number;
  readonly pages: readonly CodePage[];
  /** Of WebAssembly. */
  readonly bytes: number;
}

export class Translator {
  /** The table through which the interpreter calls regions. */
  readonly table = new WebAssembly.Table({ element: 'anyfunc', initial: MAX_REGIONS, maximum: MAX_REGIONS });

  /** The functions of `float/helpers.ts`, once the interpreter's module has them. */
  floatHelpers: WebAssembly.ModuleImports = {};

  private readonly view: DataView;
  private readonly small: RegionLimits;
  private readonly large: RegionLimits;
  /** What a record's heat is before it was ever jumped to. */
  private readonly heat: number;
  /** In the order in which they were made. */
  private readonly regions = new Map<number, Translated>();
  private readonly byPage = new Map<CodePage, Set<Translated>>();
  private readonly room: TranslatorRoom;
  private bytes = 0;
  private readonly free: number[] = [];
  /** Records whose regions are to be large. */
  private readonly grown = new Set<number>();
  /** Records whose regions are better without groups of accesses. */
  private readonly split = new Set<number>();

  constructor(
    private readonly parts: TranslatorParts,
    private readonly thresholds: Thresholds,
  ) {
    this.heat = -thresholds.jumps;
    this.view = new DataView(parts.memory.buffer);
    this.room = parts.room ?? DEFAULT_ROOM;
    const floats = !parts.without.has('float');
    this.large = { ...LARGE, ...(parts.without.has('inlining') && { depth: 0 }), floats };
    this.small = parts.without.has('small-regions') ? this.large : { ...SMALL, floats };
    for (let index = MAX_REGIONS - 1; index > 0; index--) this.free.push(index);
  }

  /** What there is now. */
  get used(): TranslatorRoom {
    return { regions: this.regions.size, bytes: this.bytes };
  }

  /** Makes a region that begins at the hart's pc, where this record is; or lets the record cool down. */
  translate(record: number): void {
    const { code, tlbs, state } = this.parts;
    const first = code.pageOfSlotTable(tlbs.slotTable(state.pcLow, state.pcHigh));
    const limits = this.grown.has(record) ? this.large : this.small;
    const found = first && findRegion(this.source(first), state.pcLow % PAGE_SIZE, limits);
    if (!found) {
      this.setHeat(record, COLD);
      return;
    }
    if (this.regions.size >= this.room.regions || this.bytes >= this.room.bytes) this.evict();
    const index = this.free.pop()!;
    this.view.setUint32(at.REGION_MISSES + 4 * index, 0, true);
    const entries = limits === this.large ? UNLIMITED : this.thresholds.entries;
    this.view.setUint32(at.REGION_ENTRIES + 4 * index, entries, true);
    const region = { ...found, blocks: this.arrange(found.blocks) };
    const binary = this.write(region, index, !this.split.has(record));
    this.table.set(index, this.instantiate(binary));
    this.cool(found);
    this.add({ index, record, pages: [...new Set(region.pages.values())], bytes: binary.length });
  }

  private arrange(blocks: readonly Block[]): readonly Block[] {
    const { without } = this.parts;
    const arranged = without.has('loop-entry') ? blocks : arrangeEntryLoop(blocks);
    return without.has('loop-dispatch') ? arranged : dispatchLoops(arranged);
  }

  /** Drops a region, which will be translated anew, larger, as soon as it is jumped to. */
  grow(index: number): void {
    const region = this.regions.get(index);
    if (!region) return;
    this.grown.add(region.record);
    this.remove(region);
    this.setHeat(region.record, 0);
  }

  /** Of what a region has code of, other regions shall begin there only if that is jumped to much more often still. */
  private cool({ blocks, pages }: Region): void {
    const cooled = new Set<number>();
    for (const { page, position } of blocks) {
      const record = this.parts.code.known(pages.get(page)!, position - page * PAGE_SIZE);
      const jumps = this.jumps(record);
      if (jumps === undefined || cooled.has(record)) continue;
      cooled.add(record);
      this.setHeat(record, this.heat + (jumps >> 1));
    }
  }

  /** How often the record was jumped to; undefined when that is not known. */
  private jumps(record: number): number | undefined {
    const heat = record === 0 ? 1 : this.view.getInt32(record / 4 + at.HEAT_OFFSET, true);
    return heat > 0 || heat < this.heat ? undefined : heat - this.heat;
  }

  /** Drops a region, which will be translated anew without groups of accesses. */
  splitAccesses(index: number): void {
    const region = this.regions.get(index);
    if (!region) return;
    this.split.add(region.record);
    this.remove(region);
  }

  /** Drops the regions that have code from this page. */
  dropPage(page: CodePage): void {
    for (const region of this.byPage.get(page) ?? []) this.remove(region);
  }

  /** Drops all regions. */
  flush(): void {
    this.grown.clear();
    this.split.clear();
    for (const region of this.regions.values()) this.remove(region);
  }

  /** The region's module. */
  private write(region: Region, number: number, groupsAccesses: boolean): Uint8Array<ArrayBuffer> {
    const { memory } = this.parts;
    const pages = memory.buffer.byteLength / 0x10000;
    const module = new Module();
    module.writesHints = !this.parts.without.has('branch-hints');
    module.importMemory('engine', 'memory', pages, pages);
    const floats = usesFloats(region) ? importFloatHelpers(module) : undefined;
    const arithmetic = defineArithmetic(module);
    const how = {
      signExtended: this.signExtended(),
      guesses: groupsAccesses,
      narrows: !this.parts.without.has('narrow-registers'),
      arithmetic,
      floatHelper: (name: string) => floats!.get(name)!,
      groupsAccesses: groupsAccesses && !this.parts.without.has('grouped-checks'),
      remembersPages: this.remembersPages(),
      unrolls: !this.parts.without.has('unrolling'),
      misses: at.REGION_MISSES + 4 * number,
    };
    const index = module.define(REGION_TYPE, (code) => new RegionFunction(code, region, how).generate());
    module.export('region', index);
    return module.encode();
  }

  private remembersPages(): RemembersPages {
    const { without } = this.parts;
    if (without.has('remembered-pages')) return 'never';
    return without.has('chased-pointers') ? 'always' : 'unless chased';
  }

  /** The integer registers that hold sign-extended 32-bit values now. */
  private signExtended(): number {
    let set = 0;
    for (let x = 1; x < 32; x++) {
      const value = this.parts.state.x(x);
      if (BigInt.asIntN(32, value) === BigInt.asIntN(64, value)) set |= 1 << x;
    }
    return set;
  }

  private instantiate(binary: Uint8Array<ArrayBuffer>): () => unknown {
    const { memory } = this.parts;
    const instance = new WebAssembly.Instance(new WebAssembly.Module(binary), {
      engine: { memory },
      float: this.floatHelpers,
    });
    return instance.exports.region as () => unknown;
  }

  private add(region: Translated): void {
    this.regions.set(region.index, region);
    this.bytes += region.bytes;
    for (const page of region.pages) {
      const users = this.byPage.get(page) ?? new Set();
      this.byPage.set(page, users.add(region));
    }
    this.setHeat(region.record, region.index);
  }

  private remove(region: Translated): void {
    this.regions.delete(region.index);
    this.bytes -= region.bytes;
    for (const page of region.pages) {
      const users = this.byPage.get(page);
      users?.delete(region);
      if (users?.size === 0) this.byPage.delete(page);
    }
    this.table.set(region.index, null);
    this.free.push(region.index);
    this.setHeat(region.record, this.heat);
  }

  private evict(): void {
    let left = Math.ceil(this.regions.size * EVICTED);
    for (const region of this.regions.values()) {
      if (left-- === 0) break;
      this.remove(region);
    }
  }

  private setHeat(record: number, heat: number): void {
    this.view.setInt32(record / 4 + at.HEAT_OFFSET, heat, true);
  }

  private source(first: CodePage): CodeSource {
    const { tlbs, code, state, decode } = this.parts;
    const pageNumber = state.pcHigh * 0x100000 + (state.pcLow >>> 12);
    const ram = (page: CodePage) => page.hpa - DRAM_BASE + at.RAM;
    const whole = (word: number): Decoded | undefined => {
      const decoded = decode(word);
      return decoded?.length === ((word & 3) === 3 ? 4 : 2) ? decoded : undefined;
    };
    const machinery: Machinery = {
      page: BigInt.asIntN(64, (state.pc >> 12n) << 12n),
      register: (x) => state.x(x),
      read: (va, width) => {
        const hpa = tlbs.loadAddress(va);
        if (hpa === undefined || va % BigInt(width) !== 0n) return undefined;
        return width === 4 ? BigInt(this.view.getInt32(hpa, true)) : this.view.getBigInt64(hpa, true);
      },
    };
    const jumpTables = !this.parts.without.has('jump-tables');
    return {
      csr: (decoded) => this.parts.csrs.useOf(decoded),
      jumpTable: (steps) => (jumpTables ? findJumpTable(steps, machinery) : undefined),
      jumps: (page, offset) => this.jumps(code.known(page, offset)),
      page: (delta) => {
        if (delta === 0) return first;
        const number = pageNumber + delta;
        const [low, high] = [(number * PAGE_SIZE) >>> 0, Math.floor(number / 0x100000) >>> 0];
        return code.pageOfSlotTable(tlbs.slotTable(low, high));
      },
      instruction: (page, offset) => {
        if (code.known(page, offset) === 0 || page.breakpoints?.has(offset)) return undefined;
        const low = this.view.getUint16(ram(page) + offset, true);
        if ((low & 3) !== 3) return whole(low);
        if (offset === PAGE_SIZE - 2) return undefined;
        return whole(this.view.getUint32(ram(page) + offset, true));
      },
      crossing: (page, next) => {
        const offset = PAGE_SIZE - 2;
        if (code.known(page, offset) === 0 || page.breakpoints?.has(offset)) return undefined;
        const low = this.view.getUint16(ram(page) + offset, true);
        return whole(low | (this.view.getUint16(ram(next), true) << 16));
      },
    };
  }
}

function usesFloats({ blocks }: Region): boolean {
  return blocks.some(({ steps }) => steps.some(({ decoded }) => decoded.instruction.action.k === 'float'));
}

function importFloatHelpers(module: Module): ReadonlyMap<string, number> {
  const types = Object.entries(floatHelperTypes);
  return new Map(types.map(([name, type]) => [name, module.importFunction('float', name, type)]));
}
