/**
 * The tree of the view "Shadow Page Tables": guest → address space → level-2 → level-1 → leaves, read a node at a time.
 * Addresses are hexadecimal strings with `0x`.
 */

/** Request `hypocaust/pageTable`: the children of a node. */
export interface PageTableArguments {
  /** A node's `id`; absent: the roots, one for each guest. Ids stay valid across stops while the thing they name exists. */
  readonly node?: string;
}

export interface PageTableResponse {
  readonly nodes: readonly PageTableNode[];
}

export type PageTableNode = GuestNode | AddressSpaceNode | TableNode | LeafNode | NoteNode;

interface NodeCommon {
  readonly id: string;
  /** One line for the tree: what it is. */
  readonly label: string;
  /** The greyed text behind the label. */
  readonly description: string;
  /** Several lines that explain the node, Markdown. */
  readonly tooltip: string;
  readonly hasChildren: boolean;
}

export interface GuestNode extends NodeCommon {
  readonly kind: 'guest';
  readonly guest: string;
}

/** One root of the guest (its `satp`), or the time before it turns translation on. */
export interface AddressSpaceNode extends NodeCommon {
  readonly kind: 'addressSpace';
  /** The guest's `satp` that names it. */
  readonly satp: string;
  /** The vCPU uses it now. */
  readonly isCurrent: boolean;
}

/** A table entry that points to a table of the next level. */
export interface TableNode extends NodeCommon {
  readonly kind: 'table';
  /** Level of the entry: 2 or 1. */
  readonly level: number;
  readonly gva: AddressRangeText;
}

/** One leaf, or several consecutive like ones folded together. */
export interface LeafNode extends NodeCommon {
  readonly kind: 'leaf';
  readonly level: number;
  /** Number of entries folded into this node. */
  readonly count: number;
  readonly gva: AddressRangeText;
  /** Guest-physical address of the first byte; absent when the guest maps nothing here. */
  readonly gpa?: string;
  /** Host address of the first byte (HVA; in DRAM equal to the HPA); absent when the GPA is not memory of the guest. */
  readonly hva?: string;
  /** The guest's entry, flags as `DAGUXWRV` with `-` for clear bits; absent when there is none. */
  readonly guestFlags?: string;
  /** The shadow entries, one for each view of the address space that has one. */
  readonly shadow: readonly ShadowEntryText[];
  readonly agreement: Agreement;
}

/** A remark in place of entries, such as that a table cannot be read. */
export interface NoteNode extends NodeCommon {
  readonly kind: 'note';
}

export interface AddressRangeText {
  readonly first: string;
  /** The last byte. */
  readonly last: string;
}

export interface ShadowEntryText {
  /** For which of the guest's modes: `vU`, `vS`, `vS+SUM`. */
  readonly view: string;
  readonly flags: string;
  /** Host-physical address of the first byte. */
  readonly hpa: string;
}

/**
 * How the guest's entry and the shadow entries relate. `agrees`: each shadow entry maps what the guest's entry says and
 * allows no more. `not-filled`: no shadow entry yet, it is made at the first access. `stale`: a shadow entry still maps
 * what the guest's entry no longer says. `not-memory`: the guest maps an address that is not its memory (a device or
 * nothing), so accesses are emulated or refused.
 */
export type Agreement = 'agrees' | 'not-filled' | 'stale' | 'not-memory';
