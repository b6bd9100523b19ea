/**
 * What RAM holds at a moment, as pages that moments share: a second image costs what changed since the first. RAM is never
 * searched: the engine marks the pages that are stored to, as their stores enter a TLB or come by the slow path.
 */
import type { PageInfo } from './page-info';
import type { PhysicalMemory } from './physical-memory';
import { DRAM_BASE } from './physical-memory';

export const PAGE_BYTES = 0x1000;
/** Pages are found by way of groups, which images share as well. */
const GROUP = 512;
/** Pages that are copied lie together, so many at most: each keeps the others in memory. */
const TOGETHER = 64;

const ZEROS = new Int32Array(PAGE_BYTES / 4);

/** A page's bytes, which never change; undefined: all zero. */
type Page = Uint8Array | undefined;
type Group = readonly Page[] | undefined;

export class MemoryImage {
  /** @param groups of 512 pages each, in the order of their addresses; undefined: all zero */
  private constructor(private readonly groups: readonly Group[]) {}

  static readonly empty = new MemoryImage([]);

  /** @param changes by number of a page, counted from the first of RAM */
  with(changes: ReadonlyMap<number, Page>): MemoryImage {
    const groups = this.groups.slice();
    const copied = new Map<number, Page[]>();
    for (const [page, bytes] of changes) {
      const number = Math.floor(page / GROUP);
      let group = copied.get(number);
      if (!group) {
        group = groups[number]?.slice() ?? new Array<Page>(GROUP).fill(undefined);
        copied.set(number, group);
        while (groups.length < number) groups.push(undefined);
        groups[number] = group;
      }
      group[page % GROUP] = bytes;
    }
    return new MemoryImage(groups);
  }

  /** Pages from the first of RAM to the last one that may not be zero. */
  get end(): number {
    let end = 0;
    for (const [number] of this.pages()) end = number + 1;
    return end;
  }

  page(number: number): Page {
    return this.groups[Math.floor(number / GROUP)]?.[number % GROUP];
  }

  /** The pages that are not all zero, in the order of their addresses. */
  *pages(): IterableIterator<[number: number, bytes: Uint8Array]> {
    for (const [at, group] of this.groups.entries()) {
      if (!group) continue;
      for (const [index, page] of group.entries()) if (page) yield [at * GROUP + index, page];
    }
  }

  /** Numbers of the pages that may differ from another image's; those of one that both share do not. */
  *differences(other: MemoryImage): IterableIterator<number> {
    const count = Math.max(this.groups.length, other.groups.length);
    for (let at = 0; at < count; at++) {
      const [ours, theirs] = [this.groups[at], other.groups[at]];
      if (ours === theirs) continue;
      for (let index = 0; index < GROUP; index++) if (ours?.[index] !== theirs?.[index]) yield at * GROUP + index;
    }
  }
}

export class MemoryImages {
  /** What RAM held when the marks were taken away last. */
  private base = MemoryImage.empty;

  constructor(
    private readonly memory: PhysicalMemory,
    private readonly info: PageInfo,
  ) {}

  /**
   * RAM as it is now. The caller must empty the TLBs afterwards: pages that may be stored to are marked as they enter them.
   */
  take(): MemoryImage {
    const changes = new Map<number, Page>();
    let room = new Uint8Array(0);
    let used = 0;
    const dirty = this.takeDirty();
    for (const [done, page] of dirty.entries()) {
      const now = this.bytes(page);
      const before = this.base.page(page);
      if (holdsSame(now, before)) continue;
      if (holdsSame(now, undefined)) {
        changes.set(page, undefined);
        continue;
      }
      if (used === room.length) {
        room = new Uint8Array(Math.min(TOGETHER, dirty.length - done) * PAGE_BYTES);
        used = 0;
      }
      const copy = room.subarray(used, used + PAGE_BYTES);
      copy.set(now);
      used += PAGE_BYTES;
      changes.set(page, copy);
    }
    if (changes.size > 0) this.base = this.base.with(changes);
    return this.base;
  }

  /** Gives RAM what an image holds; what was decoded from pages that change is dropped. The TLBs must be emptied afterwards. */
  restore(image: MemoryImage): void {
    const pages = new Set(this.takeDirty());
    for (const page of this.base.differences(image)) pages.add(page);
    for (const page of pages) {
      const wanted = image.page(page);
      if (holdsSame(this.bytes(page), wanted)) continue;
      const hpa = DRAM_BASE + page * PAGE_BYTES;
      if (wanted) this.memory.load(hpa, wanted);
      else this.memory.fill(hpa, PAGE_BYTES, 0);
    }
    this.takeDirty();
    this.base = image;
  }

  /** Numbers of the pages that may have changed since the last time. */
  private takeDirty(): number[] {
    const { info, memory } = this;
    for (const hpa of memory.sharedPages) info.markDirty(hpa, PAGE_BYTES);
    return info.takeDirty(memory.size / PAGE_BYTES);
  }

  private bytes(page: number): Uint8Array {
    return this.memory.bytes(DRAM_BASE + page * PAGE_BYTES, PAGE_BYTES);
  }
}

function holdsSame(bytes: Uint8Array, other: Page): boolean {
  const words = wordsOf(bytes);
  const others = other ? wordsOf(other) : ZEROS;
  for (let i = 0; i < PAGE_BYTES / 4; i++) if (words[i] !== others[i]) return false;
  return true;
}

function wordsOf(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, PAGE_BYTES / 4);
}
