/**
 * The page-table tree: guest → address space → table → leaf, read a node at a time. Nodes have ids that say the way to
 * them, so that nothing is kept between two questions.
 */
import type { MappedEntry } from './entries';
import type { GuestTables } from './page-table-tree';

/** What is in the tree below a node. */
export type TreeNode =
  | { readonly kind: 'guest'; readonly id: string; readonly guest: string; readonly spaces: number }
  | {
      readonly kind: 'addressSpace';
      readonly id: string;
      readonly satp: bigint;
      readonly asid: number;
      /** Guest-physical address of the root table; undefined without translation. */
      readonly root: number | undefined;
      readonly isCurrent: boolean;
      /** The shadow views that exist, by name; undefined on the bare machine, which has none. */
      readonly views?: readonly string[];
    }
  | {
      readonly kind: 'table';
      readonly id: string;
      /** Level of the entry that points to the table. */
      readonly level: number;
      readonly gva: bigint;
      readonly size: bigint;
      /** Guest-physical address of the table that the guest's entry points to, if any. */
      readonly guestTable: number | undefined;
      /** Names of the shadow views that have a table here. */
      readonly views: readonly string[];
    }
  | {
      readonly kind: 'leaf';
      readonly id: string;
      /** The first of the entries folded together. */
      readonly entry: MappedEntry;
      readonly count: number;
      readonly size: bigint;
    }
  | { readonly kind: 'note'; readonly id: string; readonly text: string };

export interface PageTableTree {
  /** All of it, for searches. */
  readonly guests: readonly GuestTables[];
  /** The children of a node; of the roots without id. An id of something that no longer exists has none. */
  children(id?: string): readonly TreeNode[];
}
