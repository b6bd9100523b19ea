/** How the interpreter calls a region: the WebAssembly function made of translated code. */
import type { FunctionType } from '../../wasm/module';

/**
 * (page, dataTlb, fetchTlb, budget) -> status. `page` is the virtual address of the page in which the region begins, the TLBs
 * are the selected ones' addresses. The region stores the hart's registers, pc and the remaining budget before it returns.
 */
export const REGION_TYPE: FunctionType = { parameters: ['i64', 'i32', 'i32', 'i32'], results: ['i32'] };

/** On at the stored pc. */
export const CONTINUE = 0;
/** The instruction at the stored pc is one that the region leaves to the interpreter. */
export const INTERPRET = 1;
/** From here on: the same, and the region asks to be translated anew, without guesses of the kind with this number. */
export const GIVE_UP = INTERPRET + 1;

/**
 * What a region takes to be so and looks at, each of which is given up where it fails too often: that accesses near each other
 * are in one page; that registers hold words where loops are entered; that pages of a chased pointer lie in the host's memory as in
 * the guest's.
 */
export const GUESSES = ['groups', 'words', 'addends'] as const;
export type Guess = (typeof GUESSES)[number];

/** Size of the table of regions; index 0 is no region. */
export const MAX_REGIONS = 8192;
