/** The machine's code as it is now, where regions are found in it by the thread that runs the machine. */
import type { Decode } from '../../isa/decode';
import type { Decoded } from '../../isa/instruction';
import type { CodeCache, CodePage } from '../code-cache';
import { ramAddress } from '../code-cache';
import type { HartState } from '../hart-state';
import type { StoredCsrs } from '../stored-csrs';
import type { Tlbs } from '../tlb';
import type { Heats } from './heats';
import type { Machinery } from './jump-table';
import { findJumpTable } from './jump-table';
import type { CodeSource } from './region';
import { PAGE_SIZE } from './region';

export interface LiveParts {
  readonly buffer: ArrayBuffer;
  readonly state: HartState;
  readonly tlbs: Tlbs;
  readonly code: CodeCache;
  readonly csrs: StoredCsrs;
  readonly decode: Decode;
  readonly heats: Heats;
  /** Whether indirect jumps get the targets of their tables. */
  readonly jumpTables: boolean;
}

/** To be made where the hart's pc is at the beginning of the region. */
export class LiveCode implements CodeSource<CodePage> {
  /** Virtual address of the page that pc is in. */
  readonly pageAddress: bigint;
  private readonly view: DataView;
  private readonly pageNumber: number;

  private constructor(
    private readonly parts: LiveParts,
    readonly first: CodePage,
  ) {
    const { state } = parts;
    this.view = new DataView(parts.buffer);
    this.pageNumber = state.pcHigh * 0x100000 + (state.pcLow >>> 12);
    this.pageAddress = BigInt.asIntN(64, (state.pc >> 12n) << 12n);
  }

  /** @returns undefined when the page of pc is not in the TLB, or holds no decoded code */
  static around(parts: LiveParts): LiveCode | undefined {
    const { state, tlbs, code } = parts;
    const first = code.pageOfSlotTable(tlbs.slotTable(state.pcLow, state.pcHigh));
    return first && new LiveCode(parts, first);
  }

  /** Whether the current TLB has the first page where it was. */
  get isMapped(): boolean {
    const [low, high] = this.words(0);
    return this.parts.tlbs.slotTable(low, high) === this.first.slotTable;
  }

  csr: CodeSource<CodePage>['csr'] = (decoded) => this.parts.csrs.useOf(decoded);

  jumpTable: CodeSource<CodePage>['jumpTable'] = (steps) =>
    this.parts.jumpTables ? findJumpTable(steps, this.machinery()) : undefined;

  jumps(page: CodePage, offset: number): number | undefined {
    return this.parts.heats.jumps(this.parts.code.known(page, offset));
  }

  page(delta: number): CodePage | undefined {
    if (delta === 0) return this.first;
    const { code, tlbs } = this.parts;
    const [low, high] = this.words(delta);
    return code.pageOfSlotTable(tlbs.slotTable(low, high));
  }

  instruction(page: CodePage, offset: number): Decoded | undefined {
    if (!this.isPlain(page, offset)) return undefined;
    return decodeAt(this.parts.decode, this.view, ramAddress(page), offset);
  }

  crossing(page: CodePage, next: CodePage): Decoded | undefined {
    if (!this.isPlain(page, PAGE_SIZE - 2)) return undefined;
    const low = this.view.getUint16(ramAddress(page) + PAGE_SIZE - 2, true);
    return whole(this.parts.decode, low | (this.view.getUint16(ramAddress(next), true) << 16));
  }

  /** The data at a virtual address, up to so many bytes, as far as the TLB has its pages. */
  data(va: bigint, most: number): Uint8Array<ArrayBuffer> {
    const data = new Uint8Array(most);
    let length = 0;
    while (length < most) {
      const address = this.parts.tlbs.loadAddress(va + BigInt(length));
      if (address === undefined) break;
      const part = Math.min(most - length, PAGE_SIZE - (address % PAGE_SIZE));
      data.set(new Uint8Array(this.parts.buffer, address, part), length);
      length += part;
    }
    return data.subarray(0, length).slice();
  }

  /** Whether the instruction there is decoded and has no breakpoint. */
  private isPlain(page: CodePage, offset: number): boolean {
    return this.parts.code.known(page, offset) !== 0 && !page.breakpoints?.has(offset);
  }

  /** The virtual address of a page by its distance from the first, in two words. */
  private words(delta: number): [low: number, high: number] {
    const number = this.pageNumber + delta;
    return [(number * PAGE_SIZE) >>> 0, Math.floor(number / 0x100000) >>> 0];
  }

  private machinery(): Machinery {
    const { state, tlbs } = this.parts;
    return {
      page: this.pageAddress,
      register: (x) => state.x(x),
      read: (va, width) => {
        const address = tlbs.loadAddress(va);
        if (address === undefined || va % BigInt(width) !== 0n) return undefined;
        return width === 4 ? BigInt(this.view.getInt32(address, true)) : this.view.getBigInt64(address, true);
      },
    };
  }
}

/** The instruction at a page offset, unless it goes on in the next page. @param page where the page's bytes begin */
export function decodeAt(decode: Decode, view: DataView, page: number, offset: number): Decoded | undefined {
  const low = view.getUint16(page + offset, true);
  if ((low & 3) !== 3) return whole(decode, low);
  return offset === PAGE_SIZE - 2 ? undefined : whole(decode, view.getUint32(page + offset, true));
}

/** The instruction that these bits begin with, if all of it is there. */
export function whole(decode: Decode, word: number): Decoded | undefined {
  const decoded = decode(word);
  return decoded?.length === ((word & 3) === 3 ? 4 : 2) ? decoded : undefined;
}
