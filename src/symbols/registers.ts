/** Register numbers of the RISC-V DWARF mapping (RISC-V ELF psABI, "DWARF register numbers"). */

export const REGISTER = { zero: 0, ra: 1, sp: 2, gp: 3, tp: 4, s0: 8 } as const;

/** x8, x9, x18–x27 and f8, f9, f18–f27: kept by every function that follows the calling convention. */
const CALLEE_SAVED: ReadonlySet<number> = new Set([8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27]);

const FIRST_FLOAT = 32;
const LAST_FLOAT = 63;

/** Whether a register without a rule has the same value in the caller: the callee-saved ones, and gp and tp. */
export function isPreserved(register: number): boolean {
  if (register === REGISTER.zero || register === REGISTER.gp || register === REGISTER.tp) return true;
  return CALLEE_SAVED.has(register < FIRST_FLOAT ? register : register - FIRST_FLOAT);
}

/** `x5`, `f3`, or the bare number for others. */
export function registerName(register: number): string {
  if (register < FIRST_FLOAT) return `x${register}`;
  return register <= LAST_FLOAT ? `f${register - FIRST_FLOAT}` : `number ${register}`;
}
