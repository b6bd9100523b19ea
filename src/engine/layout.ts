/** Where things lie in the engine's WebAssembly memory; all numbers are byte addresses or sizes in it. */

/** Harts that there can be. Cells below hold the running hart's state; see `hart-context.ts` for the others. */
export const MAX_HARTS = 8;

/** Integer registers x0..x31, 8 bytes each; then the place where writes to x0 go. */
export const X_REGISTERS = 0x000;
export const X0_SINK = 0x100;
/** Floating-point registers f0..f31. */
export const F_REGISTERS = 0x110;
/** The program counter (u64): exact between runs and during host callbacks. */
export const PC = 0x210;
/** The hart's privilege (u32): 0 = U, 1 = S, 3 = M. */
export const PRIVILEGE = 0x218;
/** The LR reservation: the reserved bytes' address in this memory (i32; -1 none) and the value read (i64). */
export const RESERVATION = 0x21c;
export const RESERVED_VALUE = 0x220;
/** The float unit's fcsr (u32): rounding mode and accrued exceptions; and mstatus.FS (u32), 0 when the unit is off. */
export const FCSR = 0x228;
export const FLOAT_STATE = 0x22c;
/** FS when the unit's registers have changed. */
export const FLOAT_DIRTY = 3;
/**
 * Infinity while plain arithmetic has no effect but its result: FS is dirty, frm is to nearest, inexactness is accrued;
 * else 0. Derived from FCSR and FLOAT_STATE by all who write these. In both formats (f64, f32).
 */
export const FLOAT_LIMIT = 0x230;
export const FLOAT_LIMIT_SINGLE = 0x238;

/** Memory that memory protection opens to all accesses of S- and U-mode: HPA of its first byte (i64), and its size (i64). */
export const OPEN_START = 0x240;
export const OPEN_SIZE = 0x248;
/** Where the cells end that hold a hart's state. */
export const HART_CELLS_END = 0x250;

/** Instructions left in the slice (i32). */
export const BUDGET = 0x250;
/** A value on its way between the interpreter and the slow path (i64). */
export const EXCHANGE = 0x258;
/** The selected TLBs' addresses (i32). */
export const DATA_TLB = 0x260;
export const FETCH_TLB = 0x264;
/** Address of the record at which the interpreter entered the trace that it is in (i32). */
export const TRACE_START = 0x268;
/** Where the next record goes (i32), and what the heat of a record is when it is decoded (i32; see `HEAT`). */
export const NEXT_RECORD = 0x26c;
export const FIRST_HEAT = 0x270;
/** A number (u8) for the time since all TLBs were emptied last (see `STORABLE`). */
export const STORABLE_NOW = 0x274;
/**
 * The CSR `time`, which goes on by one each `CLOCK_RATE` instructions (f64; 0: unknown): what it was (u64) when the count that
 * remains of the stretch was `CLOCK_START` (f64).
 */
export const CLOCK_TIME = 0x278;
export const CLOCK_START = 0x280;
export const CLOCK_RATE = 0x288;
/** How often something was dropped from TLBs (i32), and how many of either kind were ever in use (i32). */
export const TLB_DROPS = 0x290;
export const DATA_TLBS_USED = 0x294;
export const FETCH_TLBS_USED = 0x298;
/**
 * The TLBs of the running hart's address space for its modes without MXR, as far as they are known: for data (i32; 0: unknown) and for
 * fetches (i32), of S-mode, of S-mode with SUM (for data only), and of U-mode.
 */
export const MODE_TLBS = 0x2a0;
export const MODE_TLBS_SIZE = 3 * 8;
/** Places there. */
export const SUPERVISOR_TLBS = 0;
export const SUM_TLBS = 1;
export const USER_TLBS = 2;

/** TLBs kept at once of either kind, for loads and stores and for instruction fetch: one per address space and mode. */
export const TLB_COUNT = 32;
/** Data TLB entry: page address for loads (u64), for stores (u64), host address minus guest address (i32), unused. */
export const DATA_ENTRIES = 16384;
export const DATA_ENTRY_SIZE = 32;
export const LOAD_TAG = 0;
export const STORE_TAG = 8;
export const ADDEND = 16;
/** Fetch TLB entry: page address (u64), address of the page's slot table (u32), unused. */
export const FETCH_ENTRIES = 1024;
export const FETCH_ENTRY_SIZE = 16;
export const SLOTS = 8;
/**
 * Behind a TLB's entries: how many were filled since it was last empty (i32; one more than are listed says: too many), and
 * their addresses (i32 each).
 */
export const FILLED_COUNT = 0;
/** How `page-walk.ts` fills it: the width of virtual addresses (i32; 0: not at all), and the HPA of the root table (i64). */
export const WALK_BITS = 0x04;
export const WALK_ROOT = 0x08;
/** The bits of a leaf that it looks at (i64), and what they must be (i64). */
export const LEAF_MASK = 0x10;
export const LEAF_VALUE = 0x18;
/** The list of filled entries. */
export const FILLED_LIST = 0x40;
export const DATA_FILLED_LISTED = 2032;
export const FETCH_FILLED_LISTED = 240;

export const DATA_TLBS = 0x1000;
export const DATA_TLB_SIZE = DATA_ENTRIES * DATA_ENTRY_SIZE + FILLED_LIST + DATA_FILLED_LISTED * 4;
export const FETCH_TLBS = 0x1100000;
export const FETCH_TLB_SIZE = FETCH_ENTRIES * FETCH_ENTRY_SIZE + FILLED_LIST + FETCH_FILLED_LISTED * 4;

/** For each hart room for its state while another one runs: its cells, its CSRs' values, and what is noted of superpages. */
export const PARKED_HARTS = 0x1060000;
export const PARKED_CSRS = 0x1000;
export const PARKED_SUPERPAGES = 0x9000;
export const PARKED_HART_SIZE = 0xb000;

/** By number of a CSR: its value (u64), the bits that a write changes (u64), who may read and write it (u8; see `StoredCsrs`). */
export const CSR_VALUES = 0x10e0000;
export const CSR_MASKS = 0x10e8000;
export const CSR_READABLE = 0x10f0000;
export const CSR_WRITABLE = 0x10f1000;
/** What is noted of superpages (see `superpages.ts`): bits, and behind them which levels have any (u8). */
export const SUPERPAGES = 0x10f2000;
export const SUPERPAGE_LEVELS = 0x1000;
export const SUPERPAGES_SIZE = SUPERPAGE_LEVELS + 8;

/** A byte for each operation: what access to memory it makes (see `misaligned.ts`). */
export const ACCESS_KINDS = 0x10f4000;

/**
 * The instruction table (see `encodings.ts`): by bucket where the list of its encodings begins (u32), and these lists. By operation
 * its number among those that begin a fused pair, and among those that end one (u8); by both numbers the pair's operation (u16).
 */
export const ENCODING_BUCKETS = 0x10f5000;
export const PAIR_FIRSTS = 0x10f5800;
export const PAIR_SECONDS = 0x10f5c00;
export const ENCODINGS = 0x10f6000;
export const PAIRS = 0x10fc000;

/**
 * A byte for each page of RAM, equal to `STORABLE_NOW` when the page was put into a TLB for stores since all were emptied: only then can
 * it still be in one.
 */
export const STORABLE = 0x1190000;

/** Slot tables: for each page of code 2,048 record addresses (u32), one per halfword; 0 = not decoded. */
export const SLOT_TABLES = 0x1290000;
export const SLOT_TABLE_SIZE = 2048 * 4;
export const SLOT_TABLE_COUNT = 7168;

/** Room for the records of an instruction that is decoded anew each time it is executed. */
export const SCRATCH_RECORDS = 0x10ff000;

/** Decoded records, allocated upward. */
export const RECORDS = SLOT_TABLES + SLOT_TABLE_COUNT * SLOT_TABLE_SIZE;
export const RECORDS_END = 0x8100000;
/**
 * A word (i32) for each record: negative, how often the record may still be jumped to before it is translated; 0, it is to
 * be translated now; positive, the index of its region in the table of regions.
 */
export const HEAT = RECORDS_END;
/** A record's heat lies at a quarter of the record's address, and this. */
export const HEAT_OFFSET = HEAT - RECORDS / 4;
/** For each region how often its guesses of each kind failed (four u16; see `GUESSES`); by the region's index. */
export const REGION_FAILURES = HEAT + (RECORDS_END - RECORDS) / 4;
/** For each region how often it may still be entered before it is translated anew, with more around it (u32). */
export const REGION_ENTRIES = REGION_FAILURES + 0x10000;
/**
 * What regions remember of the pages that they accessed last, for each base register and kind of access: the page's
 * virtual address (i64; odd for none), the host address minus the guest address (i32), and the same of another access, whatever its page
 * was (i32).
 */
export const REMEMBERED_PAGES = REGION_ENTRIES + 0x8000;
export const REMEMBERED_ADDEND = 8;
export const LIKELY_ADDEND = 12;
export const REMEMBERED_PAGES_SIZE = 32 * 4 * 16;

/** For each slot table where in this memory the page lies that it belongs to (u32); 0 when it has breakpoints. */
export const CODE_PAGES = 0x8f19000;

/**
 * A word (u32) for each page of RAM: the slot table of its code, if all virtual pages share it, and why stores to it are for
 * the slow path (it holds decoded code, the host wants to see them, bytes in it are watched), or loads too; and whether it was
 * stored to.
 */
export const PAGE_INFO = 0x8f20000;
export const SLOTS_MASK = ~0xff;
export const CODE = 1;
export const OBSERVED = 2;
export const STORES_WATCHED = 4;
export const LOADS_WATCHED = 8;
/** It was stored to, or may have been, since the marks were taken away last; only then is it in TLBs for stores. */
export const DIRTY = 0x10;
export const GUARDED = CODE | OBSERVED | STORES_WATCHED;

/** Guest RAM, last. */
export const RAM = 0x9320000;
