/**
 * Where the bytes of data breakpoints lie in the machine's memory now. Data breakpoints follow the mapping: the page-table
 * entries that lead to the bytes are watched too, and whoever changes one of them has the place looked up anew.
 */
import type { DataAccess, WatchedRange } from '../../../engine/data-watch';
import type { MemoryWatcher, System } from '../../systems/system';
import type { Target } from '../../target';
import type { Breakpoint } from '../breakpoint';
import type { Guard } from '../conditions/guard';
import type { WatchedData } from './resolve-data';

/** A data breakpoint. */
export interface DataBreakpoint {
  readonly breakpoint: Breakpoint;
  readonly guard: Guard;
  readonly data: WatchedData;
}

/** A part of an access that concerns a data breakpoint. */
export interface HitPart {
  readonly access: DataAccess;
  /** The access's first byte, counted from the first watched one; below 0 when it begins before. */
  readonly offset: number;
}

/** What an instruction did to the bytes of one data breakpoint. */
export interface DataHit {
  readonly data: DataBreakpoint;
  /** Oldest first. */
  readonly parts: readonly HitPart[];
  /** The bytes from `offset` on as they are now; undefined where any is not in memory. */
  read(offset: number, size: number): Uint8Array | undefined;
}

/** A piece of watched data within one page. */
interface Piece {
  readonly offset: number;
  readonly length: number;
  readonly address: bigint;
  /** Undefined while nothing is mapped there. */
  readonly hpa: number | undefined;
  /** HPAs of the page-table entries that lead there. */
  readonly entries: readonly number[];
}

interface Placement {
  readonly data: DataBreakpoint;
  readonly target: Target;
  /** The address space that the pieces are of; undefined while a user program's is yet to come. */
  satp: bigint | undefined;
  pieces: readonly Piece[];
}

const PAGE = 4096;
const ENTRY_SIZE = 8;

export class WatchTable {
  private placements: Placement[] = [];
  /** What the system watches now, as text. */
  private applied = '';

  /** @param boot see `Origin.boot` */
  constructor(
    private readonly system: System,
    private readonly boot: number,
    private readonly onAccess: MemoryWatcher['onAccess'],
  ) {}

  /** Replaces the data breakpoints. */
  set(found: readonly DataBreakpoint[]): void {
    const { targets, current } = this.system;
    const [first] = targets;
    // What has no origin is the first guest's.
    const home = current.guest === first!.guest ? current : first!;
    this.placements = found.map((data) => {
      const { origin } = data.data;
      const target = targets.find(({ id }) => id === origin?.target) ?? home;
      const satp = origin?.boot === this.boot ? origin.satp : undefined;
      return { data, target, satp, pieces: [] };
    });
    this.refresh();
  }

  /** Looks all places up anew. */
  refresh(): void {
    for (const placement of this.placements) this.locate(placement);
    this.apply();
  }

  /** What these accesses did to data breakpoints. */
  hits(accesses: readonly DataAccess[]): DataHit[] {
    return this.placements.flatMap((placement) => {
      const parts = accesses.flatMap((access) => partsOf(placement, access));
      if (parts.length === 0) return [];
      return [{ data: placement.data, parts, read: (offset: number, size: number) => read(placement, offset, size) }];
    });
  }

  /** Page-table entries may have changed: looks up anew what they led to. */
  follow(accesses: readonly DataAccess[]): void {
    const stores = accesses.filter(({ kind }) => kind === 'store');
    const isTouched = (entry: number): boolean =>
      stores.some(({ hpa, length }) => hpa < entry + ENTRY_SIZE && entry < hpa + length);
    let changed = false;
    for (const placement of this.placements) {
      if (!placement.pieces.some(({ entries }) => entries.some(isTouched))) continue;
      placement.pieces = placement.pieces.map((piece) =>
        piece.entries.some(isTouched) ? this.lookUp(placement, piece) : piece,
      );
      if (!isComplete(placement)) this.locate(placement);
      changed = true;
    }
    if (changed) this.apply();
  }

  /** A target is in another address space: some places may have been waiting for it. */
  private enter(target: Target): void {
    for (const placement of this.placements) {
      if (placement.target === target && isWaiting(placement)) this.locate(placement);
    }
    this.apply();
  }

  /** Where a kernel's data is not mapped in the address space that it was found in, the current one may have it. */
  private locate(placement: Placement): void {
    const { data, target } = placement;
    const { origin } = data.data;
    if (placement.satp === undefined && (!origin?.isUser || origin.satp === target.satp)) placement.satp = target.satp;
    placement.pieces = piecesOf(data.data).map((piece) => this.lookUp(placement, piece));
    if (origin?.isUser || isComplete(placement) || placement.satp === target.satp) return;
    const other: Placement = { ...placement, satp: target.satp };
    other.pieces = placement.pieces.map((piece) => this.lookUp(other, piece));
    const [before, now] = [placement, other].map(({ pieces }) => pieces.filter(({ hpa }) => hpa !== undefined).length);
    if (before === 0 || now! > before!) Object.assign(placement, other);
  }

  private lookUp({ data, target, satp }: Placement, { offset, length, address }: Piece): Piece {
    const { hpa, entries } =
      satp === undefined ? { hpa: undefined, entries: [] } : target.locate(data.data.space, address, satp);
    return { offset, length, address, hpa, entries };
  }

  private apply(): void {
    const ranges: WatchedRange[] = [];
    const entries = new Set<number>();
    for (const { data, pieces } of this.placements) {
      const { access } = data.data;
      for (const { hpa: start, length, entries: leading } of pieces) {
        if (start !== undefined) ranges.push({ start, length, loads: access !== 'write', stores: access !== 'read' });
        for (const entry of leading) entries.add(entry);
      }
    }
    for (const start of entries) ranges.push({ start, length: ENTRY_SIZE, loads: false, stores: true });
    const waits = this.placements.some(isWaiting);
    const text = JSON.stringify([ranges, waits]);
    if (text === this.applied) return;
    this.applied = text;
    const { onAccess } = this;
    this.system.watchMemory(ranges, {
      onAccess,
      ...(waits ? { onAddressSpace: (target: Target) => this.enter(target) } : {}),
    });
  }
}

function piecesOf({ address, size }: WatchedData): Piece[] {
  const pieces: Piece[] = [];
  for (let offset = 0; offset < size;) {
    const at = BigInt.asUintN(64, address + BigInt(offset));
    const length = Math.min(size - offset, PAGE - Number(at & BigInt(PAGE - 1)));
    pieces.push({ offset, length, address: at, hpa: undefined, entries: [] });
    offset += length;
  }
  return pieces;
}

function isComplete({ pieces }: Placement): boolean {
  return pieces.every(({ hpa }) => hpa !== undefined);
}

/** Whether another address space can change where the data lies. */
function isWaiting(placement: Placement): boolean {
  const { space, origin } = placement.data.data;
  return space === 'gva' && (origin?.isUser ? placement.satp === undefined : !isComplete(placement));
}

function partsOf({ data, pieces }: Placement, access: DataAccess): HitPart[] {
  const wanted = data.data.access;
  if (wanted !== 'readWrite' && wanted !== (access.kind === 'load' ? 'read' : 'write')) return [];
  return pieces.flatMap(({ hpa, offset, length }) =>
    hpa !== undefined && access.hpa < hpa + length && hpa < access.hpa + access.length
      ? [{ access, offset: offset + access.hpa - hpa }]
      : [],
  );
}

function read({ target, pieces }: Placement, offset: number, size: number): Uint8Array | undefined {
  const bytes = new Uint8Array(size);
  const memory = target.memory('hpa');
  let found = 0;
  for (const piece of pieces) {
    const first = Math.max(offset, piece.offset);
    const end = Math.min(offset + size, piece.offset + piece.length);
    if (first >= end || piece.hpa === undefined) continue;
    const part = memory.read(BigInt(piece.hpa + first - piece.offset), end - first);
    if (!part) return undefined;
    bytes.set(part, first - offset);
    found += part.length;
  }
  return found === size ? bytes : undefined;
}
