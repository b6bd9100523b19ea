/**
 * Finds the caller's registers in a function without call-frame information by following its instructions from its start
 * with symbolic values: which register holds what was in which register at entry, plus a constant, and which stack slots
 * keep such values. The code is read once, from top to bottom; behind an unconditional jump the state is that of the
 * first branch seen to lead there.
 */
import { REGISTER } from '../registers';
import { decodeFrameInstruction } from './frame-instructions';
import type { FrameInstruction } from './frame-instructions';

/** What is known at an address of a function, in terms of the values at its entry. */
export interface PrologueState {
  /** The stack pointer at entry (the canonical frame address) is the value of `register` now minus `offset`. */
  readonly cfa: { readonly register: number; readonly offset: bigint };
  /** Slots that hold a register's value at entry: bytes from the canonical frame address, by register. */
  readonly saved: ReadonlyMap<number, bigint>;
  /** Registers that still hold their value at entry. */
  readonly unchanged: ReadonlySet<number>;
}

/** The value at entry of a register plus a constant; `register` zero makes it a plain constant. */
interface Symbolic {
  readonly register: number;
  readonly offset: bigint;
}

const REGISTER_COUNT = 32;
/** ra, t0–t2, a0–a7, t3–t6: what a call destroys. */
const CALL_CLOBBERED = [1, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 28, 29, 30, 31];

class State {
  readonly values: (Symbolic | undefined)[];
  /** By distance from the stack pointer at entry: the register whose value at entry is there. */
  readonly slots: Map<bigint, number>;

  constructor(from?: State) {
    this.values = from
      ? [...from.values]
      : Array.from({ length: REGISTER_COUNT }, (_, register) => ({ register, offset: 0n }));
    this.slots = new Map(from?.slots);
  }

  /** How far below its value at entry the stack pointer is, if it is known. */
  get depth(): bigint | undefined {
    const sp = this.values[REGISTER.sp];
    return sp?.register === REGISTER.sp ? -sp.offset : undefined;
  }

  /** Distance from the stack pointer at entry of an address relative to a register. */
  slotOf(base: number, offset: bigint): bigint | undefined {
    const value = this.values[base];
    return value?.register === REGISTER.sp ? value.offset + offset : undefined;
  }
}

/**
 * @param code the function's instructions from its entry up to the address of interest
 * @returns undefined when the stack pointer at entry cannot be told any more (a trap entry that switched stacks)
 */
export function analyzePrologue(code: Uint8Array): PrologueState | undefined {
  let state = new State();
  /** States at the targets of branches and jumps, by offset. */
  const targets = new Map<number, State>();
  /** The state in the function's body: before the stack pointer went up again in an epilogue. */
  let body: State | undefined;
  for (let at = 0; at < code.length;) {
    const instruction = decodeFrameInstruction(code, at);
    if (!instruction) break;
    const previous = writesStackPointer(instruction) ? new State(state) : undefined;
    apply(state, instruction);
    if (previous && isAbove(state, previous)) body ??= previous;
    if ('distance' in instruction && instruction.distance !== undefined) {
      const target = at + instruction.distance;
      if (!targets.has(target)) targets.set(target, new State(state));
    }
    at += instruction.size;
    if (instruction.kind === 'jump') state = new State(targets.get(at) ?? body ?? state);
  }
  return summarize(state);
}

/** Whether the stack pointer is known to have gone up. */
function isAbove(state: State, previous: State): boolean {
  return state.depth !== undefined && previous.depth !== undefined && state.depth < previous.depth;
}

function writesStackPointer(instruction: FrameInstruction): boolean {
  return 'rd' in instruction && instruction.rd === REGISTER.sp;
}

function apply(state: State, instruction: FrameInstruction): void {
  const { values, slots } = state;
  switch (instruction.kind) {
    case 'add-immediate': {
      const source = values[instruction.rs1];
      set(
        state,
        instruction.rd,
        source && { register: source.register, offset: source.offset + instruction.immediate },
      );
      return;
    }
    case 'load-constant':
      set(state, instruction.rd, { register: REGISTER.zero, offset: instruction.immediate });
      return;
    case 'add':
    case 'subtract': {
      const left = values[instruction.rs1];
      const right = values[instruction.rs2];
      const sign = instruction.kind === 'add' ? 1n : -1n;
      const sum =
        left && right?.register === REGISTER.zero ? { ...left, offset: left.offset + sign * right.offset } : undefined;
      set(state, instruction.rd, sum);
      return;
    }
    case 'store': {
      const slot = state.slotOf(instruction.rs1, instruction.immediate);
      const value = values[instruction.rs2];
      if (slot === undefined) return;
      if (value && value.offset === 0n && value.register !== REGISTER.zero) slots.set(slot, value.register);
      else slots.delete(slot);
      return;
    }
    case 'load': {
      const slot = state.slotOf(instruction.rs1, instruction.immediate);
      const register = slot === undefined ? undefined : slots.get(slot);
      set(state, instruction.rd, register === undefined ? undefined : { register, offset: 0n });
      return;
    }
    case 'call':
      for (const register of CALL_CLOBBERED) values[register] = undefined;
      return;
    case 'other':
      set(state, instruction.rd, undefined);
      return;
    case 'jump':
    case 'branch':
  }
}

function set({ values }: State, register: number, value: Symbolic | undefined): void {
  if (register !== REGISTER.zero) values[register] = value;
}

function summarize(state: State): PrologueState | undefined {
  const holders = [REGISTER.sp, REGISTER.s0, ...state.values.keys()];
  const holder = holders.find((register) => state.values[register]?.register === REGISTER.sp);
  if (holder === undefined) return undefined;
  const unchanged = new Set<number>();
  state.values.forEach((value, register) => {
    if (value?.register === register && value.offset === 0n) unchanged.add(register);
  });
  const saved = new Map<number, bigint>();
  for (const [slot, register] of state.slots) {
    // A slot on the stack beats the register: what ran before a jump back to here may have changed that. A slot that the
    // stack pointer has already left may be overwritten.
    const isOnStack = state.depth === undefined || slot >= -state.depth;
    if (isOnStack || !unchanged.has(register)) saved.set(register, slot);
    if (isOnStack) unchanged.delete(register);
  }
  return { cfa: { register: holder, offset: state.values[holder]!.offset }, saved, unchanged };
}
