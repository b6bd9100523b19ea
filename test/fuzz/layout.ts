/** Where things lie in the memory of a fuzzed machine, and how its page tables are laid out. */

export const MEMORY_MIB = 16;
export const PAGE = 4096n;

/** The tables of one address space; those of Sv39 are part of those of Sv48, and these of Sv57's. */
export interface Space {
  readonly root39: bigint;
  readonly root48: bigint;
  readonly root57: bigint;
  /** Below entry 4 of Sv39's root. */
  readonly middle: bigint;
  /** Below entry 0 of the middle table: the pages of 4 KiB. */
  readonly last: bigint;
}

const TABLES = 0x80600000n;
const space = (n: bigint): Space => {
  const table = (i: bigint): bigint => TABLES + (5n * n + i) * PAGE;
  return { root39: table(0n), root48: table(1n), root57: table(2n), middle: table(3n), last: table(4n) };
};
/** Two address spaces: alike but for the mappings that programs change. */
export const spaces = [space(0n), space(1n)] as const;
export const tables: readonly bigint[] = spaces.flatMap((one) => Object.values<bigint>({ ...one }));

/** Modes of satp with their roots. */
export const modes = [
  { satp: 8n, root: 'root39' },
  { satp: 9n, root: 'root48' },
  { satp: 10n, root: 'root57' },
] as const;

/** Frames that programs read and write: the first ones data, the last ones code that is only jumped to. */
export const FRAMES = 0x80800000n;
export const DATA_FRAMES = 6;
export const CODE_FRAMES = 2;
export const CODE = FRAMES + BigInt(DATA_FRAMES) * PAGE;
export const END_OF_FRAMES = CODE + BigInt(CODE_FRAMES) * PAGE;
/** The middle of the data: where sp points. */
export const MIDDLE_OF_DATA = FRAMES + (BigInt(DATA_FRAMES) / 2n) * PAGE;

/** Distance of the addresses at which U-mode sees the supervisor's gigabyte, which is mapped to itself. */
export const USER_OFFSET = 0x40000000n;
/** Eight pages of 4 KiB, then pages of 2 MiB, 1 GiB, 512 GiB (not in Sv39) and 256 TiB (only in Sv57), which programs map. */
export const PAGES = 0x1_0000_0000n;
export const MEGAPAGE = PAGES + (1n << 21n);
export const GIGAPAGE = PAGES + (1n << 30n);
export const TERAPAGE = 1n << 39n;
export const PETAPAGE = 1n << 48n;

/** Where the pages are to be seen again: at the top of all modes' addresses, and only of Sv48's and Sv57's. */
export const HIGH = (1n << 64n) - (1n << 32n);
export const HIGH_WIDE = (1n << 64n) - (1n << 39n) + PAGES;
export const aliases = (address: bigint): bigint[] => [address, address - PAGES + HIGH, address - PAGES + HIGH_WIDE];

/** Entries of these mappings. */
export const superpages = [
  { entry: ({ middle }: Space): bigint => middle + 8n, at: MEGAPAGE, size: 1n << 21n, frame: FRAMES },
  { entry: ({ root39 }: Space): bigint => root39 + 5n * 8n, at: GIGAPAGE, size: 1n << 30n, frame: 0x80000000n },
  { entry: ({ root48 }: Space): bigint => root48 + 8n, at: TERAPAGE, size: 1n << 39n, frame: 0n },
  { entry: ({ root57 }: Space): bigint => root57 + 8n, at: PETAPAGE, size: 1n << 48n, frame: 0n },
] as const;

/** Entries that point to tables, and that programs change: the code that runs does not need them. */
export const pointers = [
  ({ root39, middle }: Space) => ({ entry: root39 + 4n * 8n, table: middle }),
  ({ root39, middle }: Space) => ({ entry: root39 + 508n * 8n, table: middle }),
  ({ middle, last }: Space) => ({ entry: middle, table: last }),
  ({ root48, root39 }: Space) => ({ entry: root48 + 511n * 8n, table: root39 }),
  ({ root57, root48 }: Space) => ({ entry: root57 + 511n * 8n, table: root48 }),
] as const;

/** What the tables contain before a program. */
export function initialEntries(of: Space): [entry: bigint, value: bigint][] {
  const pointer = (table: bigint): bigint => ((table >> 12n) << 10n) | 1n;
  return [
    [of.root39 + 16n, (0x80000n << 10n) | 0xcfn],
    [of.root39 + 24n, (0x80000n << 10n) | 0xdfn],
    [of.root48, pointer(of.root39)],
    [of.root57, pointer(of.root48)],
    ...pointers.map((make): [bigint, bigint] => [make(of).entry, pointer(make(of).table)]),
  ];
}

/** Physical addresses without memory. */
export const NOWHERE = 0x90000000n;

/** a7 of an ECALL that ends the program, and of one that goes on in M-mode. */
export const CALL_FINISH = 0x7ab;
export const CALL_MACHINE = 0x7ac;
