/**
 * Watched bytes of RAM. Pages that hold some stay out of the TLB, so that each access to them comes to the slow path; there
 * it is compared with the watched bytes, and told to the listener once the instruction is done. Other pages pay nothing.
 */
import type { Access } from './host';
import { LOAD } from './host';

const PAGE_SIZE = 0x1000;

/** Bytes to watch. */
export interface WatchedRange {
  /** HPA of the first byte, in RAM. */
  readonly start: number;
  /** In bytes; the range may span pages. */
  readonly length: number;
  readonly loads: boolean;
  readonly stores: boolean;
}

/** An access to watched bytes that has happened. */
export interface DataAccess {
  readonly kind: 'load' | 'store';
  /** HPA of the first byte. All bytes lie in one page; an access across a border is two. */
  readonly hpa: number;
  readonly length: number;
  /** Of a store: what the bytes were before. */
  readonly before: Uint8Array;
  /** The instruction being executed made it; otherwise a page walk, a device or the hypervisor. */
  readonly byInstruction: boolean;
}

interface WatchedPage {
  loads: boolean;
  stores: boolean;
  readonly ranges: WatchedRange[];
}

const NOTHING = new Uint8Array(0);

export class DataWatch {
  /** What the running instruction did so far, oldest first. */
  private pending: DataAccess[] = [];
  private pages = new Map<number, WatchedPage>();
  private listener: (accesses: readonly DataAccess[]) => void = () => undefined;
  /** An instruction is storing: what is written now is its own. */
  storing = false;

  /** @param read a copy of bytes of RAM as they are */
  constructor(private readonly read: (hpa: number, length: number) => Uint8Array) {}

  /** Replaces the watched ranges. TLBs must be flushed afterwards. */
  set(ranges: readonly WatchedRange[], listener: (accesses: readonly DataAccess[]) => void): void {
    this.listener = listener;
    this.pages = new Map();
    for (const range of ranges) {
      const end = range.start + range.length;
      for (let page = range.start - (range.start % PAGE_SIZE); page < end; page += PAGE_SIZE) {
        let watched = this.pages.get(page);
        if (!watched) this.pages.set(page, (watched = { loads: false, stores: false, ranges: [] }));
        watched.loads ||= range.loads;
        watched.stores ||= range.stores;
        watched.ranges.push(range);
      }
    }
  }

  get isEmpty(): boolean {
    return this.pages.size === 0;
  }

  /**
   * Whether the TLB must not keep this page for this kind of access. What stands in the TLB for stores serves atomic
   * instructions too, which load.
   */
  keepsOut(page: number, access: Access): boolean {
    const watched = this.pages.get(page);
    return watched !== undefined && (watched.loads || (watched.stores && access !== LOAD));
  }

  /** The pages with watched bytes, HPA, and what the TLB must not keep them for. */
  *keptOut(): IterableIterator<[hpaPage: number, accesses: 'stores' | 'all']> {
    for (const [page, { loads }] of this.pages) yield [page, loads ? 'all' : 'stores'];
  }

  /** The running instruction has loaded these bytes, which lie in one page. */
  loaded(hpa: number, length: number): void {
    if (!this.isWatched('loads', hpa, length)) return;
    this.pending.push({ kind: 'load', hpa, length, before: NOTHING, byInstruction: true });
  }

  /** These bytes are about to be written. */
  writing(hpa: number, length: number): void {
    for (let at = hpa; at < hpa + length;) {
      const end = Math.min(hpa + length, at - (at % PAGE_SIZE) + PAGE_SIZE);
      if (this.isWatched('stores', at, end - at)) this.addStore(at, end - at);
      at = end;
    }
  }

  get hasPending(): boolean {
    return this.pending.length > 0;
  }

  /** Tells the listener of what has happened since the last time. */
  report(): void {
    const { pending } = this;
    this.pending = [];
    this.listener(pending);
  }

  /** Bytes that are written one after the other, as those of a misaligned store are, make one access. */
  private addStore(hpa: number, length: number): void {
    const { storing: byInstruction } = this;
    const before = this.read(hpa, length);
    const last = this.pending.at(-1);
    const joins = last?.kind === 'store' && last.byInstruction === byInstruction && last.hpa + last.length === hpa;
    if (!last || !joins || hpa % PAGE_SIZE === 0) {
      this.pending.push({ kind: 'store', hpa, length, before, byInstruction });
      return;
    }
    const joined = new Uint8Array(last.length + length);
    joined.set(last.before);
    joined.set(before, last.length);
    this.pending[this.pending.length - 1] = { ...last, length: joined.length, before: joined };
  }

  private isWatched(kind: 'loads' | 'stores', hpa: number, length: number): boolean {
    const page = this.pages.get(hpa - (hpa % PAGE_SIZE));
    if (!page?.[kind]) return false;
    return page.ranges.some((range) => range[kind] && range.start < hpa + length && hpa < range.start + range.length);
  }
}
