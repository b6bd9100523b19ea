/**
 * The kinds of address that meet in a hypervisor, as types that do not mix: a GPA is refused where an HPA is due. Plain
 * numbers convert to each, so that arithmetic stays readable; the functions that translate name their kinds.
 */

/** Guest physical address. Memory of every guest begins at 0x80000000. */
export type Gpa = number & { readonly addressSpace?: 'GPA' };

/** Host physical address: where something lies in the machine. DRAM begins at 0x80000000. */
export type Hpa = number & { readonly addressSpace?: 'HPA' };

/** Guest virtual address, 64 bits, unsigned. */
export type Gva = bigint;

/** Host virtual address, 64 bits, unsigned: an address in the hypervisor's own page table, which maps DRAM one to one. */
export type Hva = bigint;

export const PAGE_SIZE = 0x1000;

/** Size in bytes of what one entry covers at a level: 4 KiB, 2 MiB, 1 GiB, 512 GiB, 256 TiB (Privileged 4.4 to 4.6). */
export const LEVEL_SIZE = [0x1000, 0x20_0000, 0x4000_0000, 0x80_0000_0000, 0x1_0000_0000_0000] as const;

/** Levels of a page table; the root is at level 2 in Sv39, 3 in Sv48 and 4 in Sv57. */
export type Level = 0 | 1 | 2 | 3 | 4;
