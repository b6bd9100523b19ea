/** The calls from the interpreter to the slow path, and their answers. */
import type { ValueType } from '../wasm/opcodes';

/** Answers of the slow path. Greater ones are a record address, or for `breakpoint` an operation number + `STATUSES`. */
export const NEXT = 0;
export const JUMP = 1;
export const EXIT = 2;
export const STATUSES = 3;

const status: readonly ValueType[] = ['i32'];
/** The functions that the interpreter imports; each finds pc and the remaining count stored. */
export const slowPathTypes = {
  /** A load by the record's instruction from the address (halves) that the TLB does not have; it writes rd. */
  load: { parameters: ['i32', 'i32', 'i32'], results: status },
  /** The same for a store of the value in EXCHANGE. */
  store: { parameters: ['i32', 'i32', 'i32'], results: status },
  /** LR, SC or AMO that the fast path cannot do. */
  atomic: { parameters: ['i32'], results: status },
  /** A floating-point instruction that the fast path cannot do. */
  float: { parameters: ['i32'], results: status },
  system: { parameters: ['i32'], results: status },
  illegal: { parameters: ['i32'], results: status },
  breakpoint: { parameters: ['i32'], results: status },
  /** The record for a near branch whose target is not yet known. */
  link: { parameters: ['i32'], results: status },
  /** The record of the instruction that straddles two pages. */
  cross: { parameters: ['i32'], results: status },
  /** The record at the stored pc is hot: gives it a region, or lets it cool down. */
  translate: { parameters: ['i32'], results: [] },
  /** The region with this index asks to be translated anew, without this kind of guesses. */
  giveUpGuess: { parameters: ['i32', 'i32'], results: [] },
  /** The region with this index is entered so often that it is to be translated anew, with more around it. */
  growRegion: { parameters: ['i32'], results: [] },
  /** The record at the stored pc, which the fetch TLB or its slot table does not have. */
  fetch: { parameters: [], results: status },
} as const satisfies Record<string, { parameters: readonly ValueType[]; results: readonly ValueType[] }>;
export type SlowPathName = keyof typeof slowPathTypes;
