/**
 * Requests `hypocaust/explain` (why an access fails, or would) and `hypocaust/translate` (an address in all its kinds).
 * Addresses and entries are hexadecimal strings with `0x`.
 */

export type AccessWord = 'load' | 'store' | 'fetch';

/** What `hypocaust/explain` is asked. */
export interface ExplainArguments {
  /** The stopped thread, unless given. */
  readonly threadId?: number;
  /** Guest-virtual; absent: the access that the guest stopped at, or the one of its last trap. */
  readonly address?: string;
  /** `load` unless given. */
  readonly access?: AccessWord;
}

export interface ExplainResponse {
  /** Why, in one sentence. */
  readonly sentence: string;
  /** Line by line. */
  readonly lines: readonly string[];
  readonly access: AccessRecord;
  /** What the hypervisor is about to do, or did last about this address. */
  readonly hypervisor?: string;
}

/** What came of an access, or would. */
export interface AccessRecord {
  readonly address: string;
  readonly access: AccessWord;
  /** `vS`, `vU`, or on the bare machine `S`, `U`, `M`. */
  readonly mode: string;
  readonly satp: string;
  /** `allowed` or `device`, or the exception. */
  readonly outcome: 'allowed' | 'device' | 'page-fault' | 'access-fault';
  /** The rule that it breaks, and the clause of the specification. */
  readonly rule?: { readonly name: string; readonly clause: string };
  /** The page-table entries on the way, root first. */
  readonly steps: readonly {
    readonly level: number;
    readonly index: number;
    readonly entryAddress: string;
    readonly entry: string;
    /** `DAGUXWRV`, with `-` for clear bits. */
    readonly flags: string;
    readonly kind: 'table' | 'leaf' | 'invalid';
    readonly target?: string;
  }[];
  readonly gpa?: string;
  readonly hpa?: string;
  readonly device?: string;
  readonly shadow?: {
    readonly view: string;
    readonly root: string;
    readonly level: number;
    readonly entryAddress: string;
    readonly entry: string;
    readonly flags: string;
    readonly state: 'empty' | 'allows' | 'denies' | 'stale' | 'suspect';
    readonly hpa?: string;
  };
}

export interface TranslateArguments {
  readonly threadId?: number;
  readonly kind: 'gva' | 'gpa' | 'hpa';
  readonly address: string;
  /** `load` unless given; for a GVA. */
  readonly access?: AccessWord;
}

export interface TranslateResponse {
  /** Line by line. */
  readonly lines: readonly string[];
  /** For a GVA: the way there. */
  readonly access?: AccessRecord;
  readonly guest?: string;
  readonly gpa?: string;
  readonly hpa?: string;
  /** The virtual addresses that lead there. */
  readonly mappings: readonly {
    readonly gva: string;
    readonly satp: string;
    readonly asid: number;
    readonly isCurrent: boolean;
    readonly level: number;
    readonly entryAddress: string;
    readonly entry: string;
  }[];
  /** The search for them was ended: there may be more. */
  readonly isCut: boolean;
}
