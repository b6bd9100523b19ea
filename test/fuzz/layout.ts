/** Where things lie in the memory of a fuzzed machine, and how its page tables are laid out. */

export const MEMORY_MIB = 16;

/** Page tables of Sv39: the root, and the two tables below its entry 4. */
export const ROOT = 0x80600000n;
export const MIDDLE = ROOT + 0x1000n;
export const LAST = ROOT + 0x2000n;
export const SATP = (8n << 60n) | (ROOT >> 12n);

/** Frames that programs read and write: the first ones data, the last ones code that is only jumped to. */
export const FRAMES = 0x80800000n;
export const DATA_FRAMES = 6;
export const CODE_FRAMES = 2;
export const PAGE = 4096n;
/** The middle of the data: where sp points. */
export const MIDDLE_OF_DATA = FRAMES + (BigInt(DATA_FRAMES) / 2n) * PAGE;

/** Distance of the addresses at which U-mode sees the supervisor's gigabyte, which is mapped to itself. */
export const USER_OFFSET = 0x40000000n;
/** Eight pages of 4 KiB by LAST, then 2 MiB by MIDDLE, then 1 GiB by ROOT: mappings that programs change. */
export const PAGES = 0x1_0000_0000n;
export const MEGAPAGE = PAGES + (1n << 21n);
export const GIGAPAGE = PAGES + (1n << 30n);
/** Entries of these mappings. */
export const MEGAPAGE_ENTRY = MIDDLE + 8n;
export const GIGAPAGE_ENTRY = ROOT + 5n * 8n;
export const MIDDLE_POINTER = ROOT + 4n * 8n;
export const LAST_POINTER = MIDDLE;

/** Physical addresses without memory. */
export const NOWHERE = 0x90000000n;

/** a7 of an ECALL that ends the program, and of one that goes on in M-mode. */
export const CALL_FINISH = 0x7ab;
export const CALL_MACHINE = 0x7ac;
