/** Makes regions of hot code, here or by a worker, and drops them when their code changes or there are too many. */
import type { Decode } from '../../isa/decode';
import type { CodeCache, CodePage } from '../code-cache';
import type { HartState } from '../hart-state';
import * as at from '../layout';
import type { StoredCsrs } from '../stored-csrs';
import type { Technique } from '../techniques';
import type { Tlbs } from '../tlb';
import type { OpenWish } from './background-translation';
import { BackgroundTranslation } from './background-translation';
import { Heats } from './heats';
import type { LiveParts } from './live-code';
import { LiveCode } from './live-code';
import { PAGE_SIZE, pageOf } from './region';
import type { RegionWish } from './region-module';
import { exportedName, RegionMaker } from './region-module';
import type { Guess } from './region-type';
import { GUESSES, MAX_REGIONS } from './region-type';
import type { TranslationService } from './translation-service';

/** What regions may take: machine code is some five times as long as the WebAssembly. */
const DEFAULT_ROOM = { regions: MAX_REGIONS - 1, bytes: 24 << 20 };
/** The part of the regions, the oldest ones, that is dropped when there is no room. */
const EVICTED = 1 / 8;
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
  /** That `decode` knows. */
  readonly extensions: readonly string[];
  readonly without: ReadonlySet<Technique>;
  readonly room: TranslatorRoom | undefined;
  /** Who translates, if not the thread that runs the machine. */
  readonly service: TranslationService | undefined;
}

/** The most regions that are kept at a time, and the most bytes of WebAssembly in them. */
export interface TranslatorRoom {
  readonly regions: number;
  readonly bytes: number;
}

/** A module with regions; it goes with the last of them. */
interface RegionsModule {
  /** Of WebAssembly. */
  readonly bytes: number;
  users: number;
}

interface Translated {
  readonly index: number;
  /** The record at which it begins. */
  readonly record: number;
  readonly pages: readonly CodePage[];
  readonly module: RegionsModule;
}

/** A region that was translated, and where its code is from. */
export interface Arrival {
  readonly wish: RegionWish;
  /** The record at which it begins. */
  readonly record: number;
  /** By their distance from the first. */
  readonly pages: ReadonlyMap<number, CodePage>;
  /** Where its blocks begin: bytes from the start of the first page. */
  readonly positions: readonly number[];
  /** Its number in the module. */
  readonly number: number;
}

export class Translator {
  /** The table through which the interpreter calls regions. */
  readonly table = new WebAssembly.Table({ element: 'anyfunc', initial: MAX_REGIONS, maximum: MAX_REGIONS });

  /** The functions of `float/helpers.ts`, once the interpreter's module has them. */
  floatHelpers: WebAssembly.ModuleImports = {};

  private readonly view: DataView;
  private readonly maker: RegionMaker;
  private readonly heats: Heats;
  private readonly live: LiveParts;
  private readonly background: BackgroundTranslation | undefined;
  /** In the order in which they were made. */
  private readonly regions = new Map<number, Translated>();
  private readonly byPage = new Map<CodePage, Set<Translated>>();
  private readonly room: TranslatorRoom;
  private bytes = 0;
  private readonly free: number[] = [];
  /** Records whose regions are to be large. */
  private readonly grown = new Set<number>();
  /** For records, the guesses that their regions are better without. */
  private readonly failed = new Map<number, Set<Guess>>();

  constructor(
    private readonly parts: TranslatorParts,
    private readonly thresholds: Thresholds,
  ) {
    const { memory, state, tlbs, code, csrs, decode, without, service } = parts;
    const { buffer } = memory;
    this.view = new DataView(buffer);
    this.room = parts.room ?? DEFAULT_ROOM;
    const memoryPages = buffer.byteLength / 0x10000;
    this.maker = new RegionMaker({ memoryPages, without });
    this.heats = new Heats(buffer, thresholds.jumps);
    const jumpTables = !without.has('jump-tables');
    this.live = { buffer, state, tlbs, code, csrs, decode, heats: this.heats, jumpTables };
    for (let index = MAX_REGIONS - 1; index > 0; index--) this.free.push(index);
    if (service) {
      const setup = () => ({
        memoryPages,
        without: [...without],
        extensions: parts.extensions,
        csrs: csrs.permissions,
      });
      this.background = new BackgroundTranslation(service, setup, this.live, {
        arrived: (module, bytes, arrivals) => this.install(module, bytes, arrivals),
        index: () => this.freeIndex(),
        entriesSinceGrowing: (record) => this.entriesSinceGrowing(record),
        released: (index) => this.free.push(index),
      });
    }
  }

  /** What there is now. */
  get used(): TranslatorRoom {
    return { regions: this.regions.size, bytes: this.bytes };
  }

  /** Makes a region that begins at the hart's pc, where this record is; or lets the record cool down. */
  translate(record: number): void {
    const live = LiveCode.around(this.live);
    if (!live) {
      this.heats.freeze(record);
      return;
    }
    const open: OpenWish = {
      offset: this.parts.state.pcLow % PAGE_SIZE,
      isLarge: this.grown.has(record),
      guesses: this.guessesOf(record),
      signExtended: this.signExtended(),
    };
    if (this.background?.request(live, open, record)) return;
    const index = this.freeIndex();
    if (index === undefined) {
      // All are on their way.
      this.heats.reset(record);
      return;
    }
    const wish: RegionWish = { ...open, index };
    const found = this.maker.find(live, wish);
    if (!found) {
      this.free.push(wish.index);
      this.heats.freeze(record);
      return;
    }
    const binary = this.maker.write([found]);
    const { pages, blocks } = found.region;
    const positions = blocks.map(({ position }) => position);
    this.install(new WebAssembly.Module(binary), binary.length, [{ wish, record, pages, positions, number: 0 }]);
  }

  /**
   * Has a region made anew, larger, when the hart's pc is where it begins: at once, or in place of this one as soon as it
   * arrives.
   */
  grow(index: number): void {
    const region = this.regions.get(index);
    if (!region) return;
    this.grown.add(region.record);
    if (!this.background?.accepts()) {
      this.remove(region);
      this.heats.ask(region.record);
      return;
    }
    this.view.setUint32(at.REGION_ENTRIES + 4 * index, UNLIMITED, true);
    this.translate(region.record);
    // It stays until then.
    if (this.regions.get(index) === region) this.heats.setRegion(region.record, index);
  }

  private entriesSinceGrowing(record: number): number {
    const index = this.heats.region(record);
    return index === 0 ? 0 : UNLIMITED - this.view.getUint32(at.REGION_ENTRIES + 4 * index, true);
  }

  /** Drops a region, which will be translated anew without guesses of this kind. */
  giveUp(index: number, guess: Guess): void {
    const region = this.regions.get(index);
    if (!region) return;
    this.failed.set(region.record, (this.failed.get(region.record) ?? new Set()).add(guess));
    this.remove(region);
  }

  private freeIndex(): number | undefined {
    if (this.free.length === 0) this.evict();
    return this.free.pop();
  }

  private guessesOf(record: number): readonly Guess[] {
    const failed = this.failed.get(record);
    return failed ? GUESSES.filter((guess) => !failed.has(guess)) : GUESSES;
  }

  /** Drops the regions that have code from this page. */
  dropPage(page: CodePage): void {
    this.background?.cancelPage(page);
    for (const region of this.byPage.get(page) ?? []) this.remove(region);
  }

  /** Drops all regions. */
  flush(): void {
    this.background?.cancelAll();
    this.grown.clear();
    this.failed.clear();
    for (const region of this.regions.values()) this.remove(region);
  }

  /** The integer registers that hold sign-extended 32-bit values now. */
  private signExtended(): number {
    let set = 0;
    for (let x = 1; x < 32; x++) {
      const low = this.view.getInt32(at.X_REGISTERS + 8 * x, true);
      if (this.view.getInt32(at.X_REGISTERS + 8 * x + 4, true) === low >> 31) set |= 1 << x;
    }
    return set;
  }

  /** Puts regions in place, which are all of one module. */
  private install(module: WebAssembly.Module, bytes: number, arrivals: readonly Arrival[]): void {
    const { memory } = this.parts;
    const { exports } = new WebAssembly.Instance(module, { engine: { memory }, float: this.floatHelpers });
    const owner = { bytes, users: 0 };
    for (const { wish, record, pages, positions, number } of arrivals) {
      if (this.regions.size >= this.room.regions || this.bytes >= this.room.bytes) this.evict();
      for (const region of this.regionsAt(record)) this.remove(region);
      const { index, isLarge } = wish;
      this.view.setBigUint64(at.REGION_FAILURES + 8 * index, 0n, true);
      const entries = isLarge ? UNLIMITED : this.thresholds.entries;
      this.view.setUint32(at.REGION_ENTRIES + 4 * index, entries, true);
      this.table.set(index, exports[exportedName(number)]);
      for (const known of this.recordsAt(pages, positions)) {
        if (known === record) continue;
        this.background?.cover(known);
        this.heats.cool(known);
      }
      this.add({ index, record, pages: [...new Set(pages.values())], module: owner });
    }
  }

  /** The records of these positions. */
  private recordsAt(pages: ReadonlyMap<number, CodePage>, positions: readonly number[]): Set<number> {
    const records = positions.map((position) => {
      const delta = pageOf(position);
      return this.parts.code.known(pages.get(delta)!, position - delta * PAGE_SIZE);
    });
    return new Set(records);
  }

  private *regionsAt(record: number): Iterable<Translated> {
    const region = this.regions.get(this.heats.region(record));
    if (region?.record === record) yield region;
  }

  private add(region: Translated): void {
    this.regions.set(region.index, region);
    if (region.module.users++ === 0) this.bytes += region.module.bytes;
    for (const page of region.pages) {
      const users = this.byPage.get(page) ?? new Set();
      this.byPage.set(page, users.add(region));
    }
    this.heats.setRegion(region.record, region.index);
  }

  private remove(region: Translated): void {
    this.regions.delete(region.index);
    if (--region.module.users === 0) this.bytes -= region.module.bytes;
    for (const page of region.pages) {
      const users = this.byPage.get(page);
      users?.delete(region);
      if (users?.size === 0) this.byPage.delete(page);
    }
    this.table.set(region.index, null);
    this.free.push(region.index);
    this.heats.reset(region.record);
  }

  private evict(): void {
    let left = Math.ceil(this.regions.size * EVICTED);
    for (const region of this.regions.values()) {
      if (left-- === 0) break;
      this.remove(region);
    }
  }
}
