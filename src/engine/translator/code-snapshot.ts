/** The machine's code as it was at a moment, for a thread that does not have the machine; it can be cloned. */
import type { Decode } from '../../isa/decode';
import type { Decoded } from '../../isa/instruction';
import type { CodePage } from '../code-cache';
import { ramAddress } from '../code-cache';
import type { CsrUse } from '../stored-csrs';
import type { JumpTable } from './jump-table';
import { findJumpTable, MAX_TABLE_BYTES } from './jump-table';
import type { LiveCode, LiveParts } from './live-code';
import { decodeAt, whole } from './live-code';
import type { CodeSource, RegionPage, Step } from './region';
import { PAGE_SIZE } from './region';

/** In place of a count of jumps: the count is not known; there is no decoded instruction, or it has a breakpoint. */
const UNKNOWN = -1;
const NOTHING = -2;
/** The highest count of jumps in a snapshot. */
const MOST_JUMPS = 0x7fff;
/** A region that begins so close to a page's end may well have code of the next page. */
const NEAR = 0x400;

export interface PageSnapshot extends RegionPage {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** For each halfword how often the instruction there was jumped to, or one of the constants above. */
  readonly jumps: Int16Array<ArrayBuffer>;
}

/** Code and data of a snapshot. */
export interface SnapshotParts {
  /** By their distance from the first; undefined: it is not mapped, or holds no code. */
  readonly pages: ReadonlyMap<number, PageSnapshot | undefined>;
  /** Data by virtual addresses; empty: nothing is known of it. */
  readonly data: ReadonlyMap<bigint, Uint8Array<ArrayBuffer>>;
}

export interface CodeSnapshot extends SnapshotParts {
  /** Virtual address of the first page. */
  readonly pageAddress: bigint;
  readonly registers: BigInt64Array;
}

/** What of these can go to another thread without being copied. */
export function buffersOf({ pages }: SnapshotParts): ArrayBuffer[] {
  return [...pages.values()].flatMap((page) => (page ? [page.bytes.buffer, page.jumps.buffer] : []));
}

/** What a snapshot lacks: pages by their distance, and virtual addresses of tables. */
export interface Wanted {
  readonly pages: readonly number[];
  readonly data: readonly bigint[];
}

/** Takes snapshots of what a region that begins at the hart's pc may be made of. */
export class SnapshotTaker {
  /** The pages that snapshots were taken of, by their distance from the first. */
  readonly pages = new Map<number, CodePage>();

  constructor(
    private readonly parts: LiveParts,
    private readonly live: LiveCode,
  ) {}

  /** What the region most likely needs, which begins at this offset in its page. Other pages only if the first is mapped now. */
  first(offset: number): Omit<CodeSnapshot, 'registers'> {
    const others = [...(offset < NEAR ? [-1] : []), ...(offset >= PAGE_SIZE - NEAR ? [1] : [])];
    const near = this.live.isMapped ? [0, ...others] : [0];
    return {
      pageAddress: this.live.pageAddress,
      pages: new Map(near.map((delta) => [delta, this.page(delta)])),
      data: new Map(),
    };
  }

  /** What a snapshot lacked, as far as the TLBs have it now; nothing when other pages are mapped by now. */
  more({ pages, data }: Wanted): SnapshotParts {
    const { live } = this;
    const isThere = live.isMapped;
    return {
      pages: new Map(pages.map((delta) => [delta, isThere ? this.page(delta) : undefined])),
      data: new Map(data.map((va) => [va, isThere ? live.data(va, MAX_TABLE_BYTES) : new Uint8Array()])),
    };
  }

  private page(delta: number): PageSnapshot | undefined {
    const page = this.live.page(delta);
    if (!page) return undefined;
    this.pages.set(delta, page);
    const { code, heats, buffer } = this.parts;
    const records = code.records(page);
    const jumps = new Int16Array(records.length).fill(NOTHING);
    for (let i = 0; i < records.length; i++) {
      const record = records[i];
      if (record !== 0) jumps[i] = Math.min(MOST_JUMPS, heats.jumps(record) ?? UNKNOWN);
    }
    for (const offset of page.breakpoints ?? []) jumps[offset / 2] = NOTHING;
    return { slotTable: page.slotTable, bytes: new Uint8Array(buffer, ramAddress(page), PAGE_SIZE).slice(), jumps };
  }
}

/** The code of a snapshot. What it lacks counts as not being there. */
export class SnapshotCode implements CodeSource<PageSnapshot> {
  private readonly wantedPages = new Set<number>();
  private readonly wantedData = new Set<bigint>();

  constructor(
    private readonly snapshot: CodeSnapshot,
    private readonly decode: Decode,
    /** What the instruction does with a CSR, if generated code may do that. */
    readonly csr: (decoded: Decoded) => CsrUse | undefined,
    private readonly jumpTables: boolean,
  ) {}

  /** What was asked for and is not there; undefined: nothing. */
  get wanted(): Wanted | undefined {
    if (this.wantedPages.size === 0 && this.wantedData.size === 0) return undefined;
    return { pages: [...this.wantedPages], data: [...this.wantedData] };
  }

  page(delta: number): PageSnapshot | undefined {
    const { pages } = this.snapshot;
    if (!pages.has(delta)) this.wantedPages.add(delta);
    return pages.get(delta);
  }

  jumps(page: PageSnapshot, offset: number): number | undefined {
    const jumps = page.jumps[offset / 2];
    return jumps < 0 ? undefined : jumps;
  }

  instruction(page: PageSnapshot, offset: number): Decoded | undefined {
    if (page.jumps[offset / 2] === NOTHING) return undefined;
    return decodeAt(this.decode, viewOf(page), 0, offset);
  }

  crossing(page: PageSnapshot, next: PageSnapshot): Decoded | undefined {
    if (page.jumps[PAGE_SIZE / 2 - 1] === NOTHING) return undefined;
    const low = viewOf(page).getUint16(PAGE_SIZE - 2, true);
    return whole(this.decode, low | (viewOf(next).getUint16(0, true) << 16));
  }

  jumpTable(steps: readonly Step[]): JumpTable | undefined {
    if (!this.jumpTables) return undefined;
    return findJumpTable(steps, {
      page: this.snapshot.pageAddress,
      register: (x) => this.snapshot.registers[x],
      read: (va, width) => this.read(va, width),
    });
  }

  private read(va: bigint, width: 4 | 8): bigint | undefined {
    for (const [start, bytes] of this.snapshot.data) {
      const offset = Number(va - start);
      if (offset === bytes.length) return undefined;
      if (offset < 0 || offset + width > bytes.length) continue;
      const view = new DataView(bytes.buffer, bytes.byteOffset + offset, width);
      return width === 4 ? BigInt(view.getInt32(0, true)) : view.getBigInt64(0, true);
    }
    if (va % BigInt(width) === 0n) this.wantedData.add(va);
    return undefined;
  }
}

const viewOf = ({ bytes }: PageSnapshot): DataView => new DataView(bytes.buffer, bytes.byteOffset, PAGE_SIZE);
