/**
 * Puts a program, its initial RAM disk and the device tree into RAM, and says in which state a hart starts.
 * Placement as in QEMU's hw/riscv/boot.c; where QEMU's place is taken, the next free one below the end of RAM.
 * Entry state: RISC-V Linux boot protocol (`a0` hart, `a1` device tree), which SBI firmware and M-mode programs share.
 */
import type { Contents } from '../engine/physical-memory';
import type { DeviceTreeOptions } from './device-tree';
import { buildDeviceTree, completeDeviceTree } from './device-tree';

/** A program that cannot be started as asked; the message is for the user. */
export class BootError extends Error {
  override readonly name = 'BootError';
}

export interface ProgramSegment {
  /** Physical address of the first byte (ELF: `p_paddr`). */
  readonly address: number;
  /** Where the program's code sees it (ELF: `p_vaddr`), when that is not the physical address. */
  readonly virtualAddress?: bigint;
  readonly data: Uint8Array | Contents;
  /** Bytes in memory; those after `data` are zero. */
  readonly memorySize: number;
}

export interface BootProgram {
  /** Physical, or virtual within a segment's virtual range. */
  readonly entry: bigint;
  readonly segments: readonly ProgramSegment[];
}

/** RAM as the program will see it. */
export interface BootMemory {
  readonly base: number;
  readonly size: number;
  /** How messages call it, such as "the machine's memory" or "the memory of guest 1". */
  readonly name: string;
  load(address: number, data: Uint8Array | Contents): void;
  /** Clears a range. Leave it out when RAM holds zeros only, so that pages nobody uses stay untouched. */
  clear?(address: number, length: number): void;
}

export interface BootOptions {
  readonly program: BootProgram;
  readonly memory: BootMemory;
  readonly initrd?: Uint8Array | Contents;
  /** M-mode code that is loaded beside the program, which it will start. */
  readonly firmware?: BootProgram;
  /** A tree of the user's own, which gets the command line and the RAM disk of `tree` only. */
  readonly deviceTree?: Uint8Array;
  /** The rest of the tree; memory and RAM disk are filled in. */
  readonly tree: Omit<DeviceTreeOptions, 'memoryBase' | 'memoryBytes' | 'initrd'>;
  /** The hart that starts; 0 unless said otherwise. */
  readonly hart?: number;
}

/** Physical addresses: the first byte, and the first byte after. */
export interface AddressRange {
  readonly start: number;
  readonly end: number;
}

export interface BootState {
  /** Physical address of the program's first instruction. */
  readonly entry: bigint;
  /** Physical address of the firmware's first instruction, if there is one. */
  readonly firmware?: bigint;
  /** The hart's number. */
  readonly a0: bigint;
  /** Physical address of the device tree. */
  readonly a1: bigint;
  /** What lies where. */
  readonly program: readonly AddressRange[];
  readonly initrd?: AddressRange;
  readonly deviceTree: AddressRange;
}

const KIB = 1024;
const MIB = KIB * KIB;
/** A kernel that maps only its first gigabytes must find the tree: QEMU keeps it below 3 GiB. */
const TREE_LIMIT = 3 * KIB * MIB;
const TREE_ALIGNMENTS = [2 * MIB, 4 * KIB];
const INITRD_ALIGNMENT = 4 * KIB;
const INITRD_DISTANCE = 128 * MIB;

/**
 * What Linux seeds its random numbers with, as QEMU gives it 32 random bytes. Ours are always the same, so that runs are alike:
 * a guest that is debugged has no secrets. Without them Linux gathers randomness for a tenth of its boot.
 */
const RNG_SEED = Uint8Array.from({ length: 32 }, (_, i) => (167 * i + 89) & 0xff);

/** Loads everything; throws a BootError, before anything is written, when something does not fit, and what `Contents` throw. */
export function boot(options: BootOptions): BootState {
  const { memory, tree } = options;
  const program = checkSegments(options.program, memory, 'program');
  const entry = resolveEntry(options.program, memory);
  const firmware = options.firmware && checkSegments(options.firmware, memory, 'firmware');
  if (firmware) refuseOverlap(firmware, program);
  const taken = joined([...program, ...(firmware ?? [])]);

  // The tree's size does not depend on where the RAM disk is.
  const treeFor = (initrd: AddressRange | undefined) => {
    const chosen = { ...tree, ...(initrd && { initrd }) };
    if (options.deviceTree) return completeDeviceTree(options.deviceTree, chosen);
    return buildDeviceTree({ rngSeed: RNG_SEED, ...chosen, memoryBase: memory.base, memoryBytes: memory.size });
  };
  const treeSize = treeFor(options.initrd && { start: memory.base, end: memory.base }).length;
  const deviceTree = placeTree(treeSize, taken, memory);
  const initrd =
    options.initrd && placeInitrd(options.initrd.length, program[0].start, joined([...taken, deviceTree]), memory);

  for (const segment of [...(options.firmware?.segments ?? []), ...options.program.segments]) {
    memory.load(segment.address, segment.data);
    if (segment.memorySize > segment.data.length) {
      memory.clear?.(segment.address + segment.data.length, segment.memorySize - segment.data.length);
    }
  }
  if (options.initrd && initrd) memory.load(initrd.start, options.initrd);
  memory.load(deviceTree.start, treeFor(initrd));
  return {
    entry: BigInt(entry),
    ...(options.firmware && { firmware: BigInt(resolveEntry(options.firmware, memory)) }),
    a0: BigInt(options.hart ?? 0),
    a1: BigInt(deviceTree.start),
    program,
    ...(initrd && { initrd }),
    deviceTree,
  };
}

/** The ranges that the segments fill, each of which must lie in memory: in ascending order, touching ones joined. */
function checkSegments(program: BootProgram, memory: BootMemory, what: 'program' | 'firmware'): AddressRange[] {
  const ranges = program.segments
    .map(({ address, data, memorySize }) => ({ start: address, end: address + Math.max(memorySize, data.length) }))
    .filter(({ start, end }) => end > start);
  if (ranges.length === 0) throw new BootError(`The ${what} has nothing to load: no segment with contents.`);
  for (const range of ranges) {
    if (contains(memory, range)) continue;
    throw new BootError(
      `The ${what}'s segment ${show(range)} lies outside ${memory.name} (${show(extent(memory))}); ` +
        'link it at an address inside, or raise the memory size.',
    );
  }
  // Only segments on top of each other hold more than memory; loading those could take for ever.
  if (program.segments.reduce((sum, { data }) => sum + data.length, 0) > memory.size) {
    throw new BootError(`The ${what}'s segments together hold more than ${memory.name}; the file is damaged.`);
  }
  return joined(ranges);
}

function refuseOverlap(firmware: readonly AddressRange[], program: readonly AddressRange[]): void {
  for (const range of program) {
    const under = firmware.find((other) => overlaps(range, other));
    if (!under) continue;
    throw new BootError(
      `The program (${show(range)}) and the firmware (${show(under)}) want the same memory; ` +
        'link the program behind the firmware, customarily at 0x80200000.',
    );
  }
}

function joined(ranges: readonly AddressRange[]): AddressRange[] {
  const result: AddressRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last && range.start <= last.end) {
      result[result.length - 1] = { start: last.start, end: Math.max(last.end, range.end) };
    } else result.push(range);
  }
  return result;
}

/**
 * The physical entry address. As in an ELF file the entry is a virtual address where a segment has one; an entry that
 * lies in no segment's virtual range is taken as physical.
 */
function resolveEntry({ entry, segments }: BootProgram, memory: BootMemory): number {
  const shown = `0x${entry.toString(16)}`;
  if (entry & 1n) throw new BootError(`The entry address ${shown} is odd; instructions start at even addresses.`);
  for (const { address, virtualAddress, data, memorySize } of segments) {
    const start = virtualAddress ?? BigInt(address);
    if (entry >= start && entry < start + BigInt(Math.max(memorySize, data.length))) {
      return address + Number(entry - start);
    }
  }
  for (const { address, data, memorySize } of segments) {
    const physical = Number(entry);
    if (physical >= address && physical < address + Math.max(memorySize, data.length)) return physical;
  }
  throw new BootError(
    `The entry address ${shown} lies in none of the program's segments; ` +
      `set the entry to the first instruction, an address inside ${memory.name} (${show(extent(memory))}).`,
  );
}

function placeTree(size: number, taken: readonly AddressRange[], memory: BootMemory): AddressRange {
  const end = memory.base + memory.size;
  const limit = memory.base < TREE_LIMIT ? Math.min(end, TREE_LIMIT) : end;
  for (const alignment of TREE_ALIGNMENTS) {
    const range = highestFree(size, alignment, limit, taken, memory);
    if (range) return range;
  }
  throw new BootError(
    `There is no room for the device tree (${size} bytes) beside the program in ${memory.name} ` +
      `(${show(extent(memory))}); raise the memory size.`,
  );
}

function placeInitrd(
  size: number,
  programStart: number,
  taken: readonly AddressRange[],
  memory: BootMemory,
): AddressRange {
  const start = programStart + Math.min(Math.floor(memory.size / 2), INITRD_DISTANCE);
  const usual = { start, end: start + size };
  if (contains(memory, usual) && !taken.some((range) => overlaps(range, usual))) return usual;
  const other = highestFree(size, INITRD_ALIGNMENT, memory.base + memory.size, taken, memory);
  if (other) return other;
  throw new BootError(
    `There is no room for the initial RAM disk (${size} bytes) beside the program in ${memory.name} ` +
      `(${show(extent(memory))}); raise the memory size.`,
  );
}

/** The highest aligned range of `size` bytes that ends at or below `limit` and touches nothing taken (ascending, apart). */
function highestFree(
  size: number,
  alignment: number,
  limit: number,
  taken: readonly AddressRange[],
  memory: BootMemory,
): AddressRange | undefined {
  let top = limit;
  for (const below of [...taken.toReversed(), { start: 0, end: memory.base }]) {
    const start = Math.floor((top - size) / alignment) * alignment;
    if (start >= below.end) return { start, end: start + size };
    top = Math.min(top, below.start);
  }
  return undefined;
}

function extent(memory: BootMemory): AddressRange {
  return { start: memory.base, end: memory.base + memory.size };
}

function contains(memory: BootMemory, range: AddressRange): boolean {
  return range.start >= memory.base && range.end <= memory.base + memory.size;
}

function overlaps(a: AddressRange, b: AddressRange): boolean {
  return a.start < b.end && b.start < a.end;
}

/** A range as messages show it, with its last byte. */
function show({ start, end }: AddressRange): string {
  return `0x${start.toString(16)} to 0x${(end - 1).toString(16)}`;
}
