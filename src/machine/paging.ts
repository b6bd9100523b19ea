/** Address-translation schemes and the satp register that chooses among them (Privileged 4.1.11, 4.4–4.6). */

/** One page-table scheme. A table has 512 entries of 8 bytes at each level. */
export interface PagingScheme {
  readonly name: 'Sv39' | 'Sv48' | 'Sv57';
  /** Value of satp.MODE. */
  readonly mode: number;
  readonly levels: 3 | 4 | 5;
  /** Width of a virtual address; the bits above repeat its top bit. */
  readonly vaBits: 39 | 48 | 57;
}

export const sv39: PagingScheme = { name: 'Sv39', mode: 8, levels: 3, vaBits: 39 };
export const sv48: PagingScheme = { name: 'Sv48', mode: 9, levels: 4, vaBits: 48 };
export const sv57: PagingScheme = { name: 'Sv57', mode: 10, levels: 5, vaBits: 57 };

export const pagingSchemes: readonly PagingScheme[] = [sv39, sv48, sv57];

/** Bytes mapped by a leaf at this level: 4 KiB, 2 MiB, 1 GiB, 512 GiB, 256 TiB. */
export function pageSizeAt(level: number): number {
  return 4096 * 512 ** level;
}

/** Bytes mapped by a leaf with the N bit, at level 0 (Svnapot). */
export const NAPOT_SIZE = 0x1_0000;

export interface AddressSpace {
  readonly scheme: PagingScheme;
  /** Physical address of the root table, in bytes. */
  readonly root: number;
  readonly asid: number;
}

/** What a satp value says: an address space, or undefined for Bare (no translation) and for unknown modes. */
export function addressSpaceOf(satp: bigint): AddressSpace | undefined {
  const mode = Number(satp >> 60n);
  const scheme = pagingSchemes.find((candidate) => candidate.mode === mode);
  if (!scheme) return undefined;
  return { scheme, root: Number(satp & 0xfffffffffffn) * 4096, asid: Number((satp >> 44n) & 0xffffn) };
}

/** The satp value for an address space. */
export function makeSatp(scheme: PagingScheme, root: number, asid = 0): bigint {
  return (BigInt(scheme.mode) << 60n) | (BigInt(asid) << 44n) | BigInt(Math.floor(root / 4096));
}
