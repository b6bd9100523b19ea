/** Decodes the few RV64GC instructions that build and take down stack frames; all others by the register they write. */

export type FrameInstruction = { readonly size: 2 | 4 } & (
  | { readonly kind: 'add-immediate'; readonly rd: number; readonly rs1: number; readonly immediate: bigint }
  | { readonly kind: 'load-constant'; readonly rd: number; readonly immediate: bigint }
  | { readonly kind: 'add' | 'subtract'; readonly rd: number; readonly rs1: number; readonly rs2: number }
  /** 64-bit store and load at `rs1 + immediate`. */
  | { readonly kind: 'store'; readonly rs1: number; readonly rs2: number; readonly immediate: bigint }
  | { readonly kind: 'load'; readonly rd: number; readonly rs1: number; readonly immediate: bigint }
  | { readonly kind: 'call' }
  /** An unconditional jump, a return, or a return from a trap; `distance` to the target in bytes, where it is known. */
  | { readonly kind: 'jump'; readonly distance?: number }
  | { readonly kind: 'branch'; readonly distance: number }
  /** Anything else; `rd` is the integer register that it writes, 0 for none. */
  | { readonly kind: 'other'; readonly rd: number }
);

const SP = 2;
/** Link registers of the calling convention: a jump that writes one is a call. */
const LINKS = [1, 5];

/** The instruction at offset `at`; undefined when the bytes end within it. */
export function decodeFrameInstruction(code: Uint8Array, at: number): FrameInstruction | undefined {
  const low = code[at]! | (code[at + 1]! << 8);
  if ((low & 3) !== 3) return { size: 2, ...decodeCompressed(low) };
  if (at + 4 > code.length) return undefined;
  return { size: 4, ...decodeFull((low | (code[at + 2]! << 16) | (code[at + 3]! << 24)) >>> 0) };
}

type Shape = FrameInstruction extends infer Each ? (Each extends FrameInstruction ? Omit<Each, 'size'> : never) : never;

/** Bits `high` to `low` of a word. */
function bits(word: number, high: number, low: number): number {
  return (word >>> low) & ((1 << (high - low + 1)) - 1);
}

function signExtend(value: number, width: number): bigint {
  return BigInt.asIntN(width, BigInt(value));
}

/** Opcodes whose `rd` field is an integer register that they write. */
const WRITES_RD: ReadonlySet<number> = new Set([0x03, 0x13, 0x17, 0x1b, 0x2f, 0x33, 0x37, 0x3b, 0x53, 0x73]);

function decodeFull(word: number): Shape {
  const opcode = bits(word, 6, 0);
  const rd = bits(word, 11, 7);
  const funct3 = bits(word, 14, 12);
  const rs1 = bits(word, 19, 15);
  const rs2 = bits(word, 24, 20);
  const immediate = signExtend(bits(word, 31, 20), 12);
  if ((opcode === 0x13 || opcode === 0x1b) && funct3 === 0) return { kind: 'add-immediate', rd, rs1, immediate };
  if (opcode === 0x03 && funct3 === 3) return { kind: 'load', rd, rs1, immediate };
  if (opcode === 0x23 && funct3 === 3) {
    return { kind: 'store', rs1, rs2, immediate: signExtend((bits(word, 31, 25) << 5) | rd, 12) };
  }
  if (opcode === 0x37) return { kind: 'load-constant', rd, immediate: signExtend(word & 0xfffff000, 32) };
  if (opcode === 0x33 && funct3 === 0 && bits(word, 31, 25) === 0x00) return { kind: 'add', rd, rs1, rs2 };
  if (opcode === 0x33 && funct3 === 0 && bits(word, 31, 25) === 0x20) return { kind: 'subtract', rd, rs1, rs2 };
  if (opcode === 0x63) return { kind: 'branch', distance: branchDistance(word) };
  if (opcode === 0x6f || opcode === 0x67) {
    if (LINKS.includes(rd)) return { kind: 'call' };
    return opcode === 0x6f ? { kind: 'jump', distance: jumpDistance(word) } : { kind: 'jump' };
  }
  // sret and mret.
  if (opcode === 0x73 && funct3 === 0 && bits(word, 24, 20) === 2) return { kind: 'jump' };
  return { kind: 'other', rd: WRITES_RD.has(opcode) && !(opcode === 0x53 && !isFloatToInteger(word)) ? rd : 0 };
}

/** The immediate of beq and its like. */
function branchDistance(word: number): number {
  const value =
    (bits(word, 31, 31) << 12) | (bits(word, 7, 7) << 11) | (bits(word, 30, 25) << 5) | (bits(word, 11, 8) << 1);
  return Number(signExtend(value, 13));
}

/** The immediate of jal. */
function jumpDistance(word: number): number {
  const value =
    (bits(word, 31, 31) << 20) | (bits(word, 19, 12) << 12) | (bits(word, 20, 20) << 11) | (bits(word, 30, 21) << 1);
  return Number(signExtend(value, 21));
}

/** The immediate of c.j. */
function compressedJumpDistance(word: number): number {
  const value =
    (bits(word, 12, 12) << 11) |
    (bits(word, 11, 11) << 4) |
    (bits(word, 10, 9) << 8) |
    (bits(word, 8, 8) << 10) |
    (bits(word, 7, 7) << 6) |
    (bits(word, 6, 6) << 7) |
    (bits(word, 5, 3) << 1) |
    (bits(word, 2, 2) << 5);
  return Number(signExtend(value, 12));
}

/** The immediate of c.beqz and c.bnez. */
function compressedBranchDistance(word: number): number {
  const value =
    (bits(word, 12, 12) << 8) |
    (bits(word, 11, 10) << 3) |
    (bits(word, 6, 5) << 6) |
    (bits(word, 4, 3) << 1) |
    (bits(word, 2, 2) << 5);
  return Number(signExtend(value, 9));
}

/** Floating-point instructions that write an integer register: comparisons, conversions, moves, classification. */
function isFloatToInteger(word: number): boolean {
  const funct5 = bits(word, 31, 27);
  return funct5 === 0x14 || funct5 === 0x18 || funct5 === 0x1c;
}

function decodeCompressed(word: number): Shape {
  const quadrant = word & 3;
  const funct3 = bits(word, 15, 13);
  const rd = bits(word, 11, 7);
  const rs2 = bits(word, 6, 2);
  const shortRd = 8 + bits(word, 4, 2);
  const immediate = signExtend((bits(word, 12, 12) << 5) | rs2, 6);
  if (quadrant === 0) return decodeQuadrant0(word, funct3, shortRd);
  if (quadrant === 1) {
    if (funct3 === 0 || funct3 === 1) return { kind: 'add-immediate', rd, rs1: rd, immediate };
    if (funct3 === 2) return { kind: 'load-constant', rd, immediate };
    if (funct3 === 3 && rd === SP) return { kind: 'add-immediate', rd, rs1: rd, immediate: stackAdjustment(word) };
    if (funct3 === 3) return { kind: 'load-constant', rd, immediate: immediate << 12n };
    if (funct3 === 4) return { kind: 'other', rd: 8 + bits(word, 9, 7) };
    return funct3 === 5
      ? { kind: 'jump', distance: compressedJumpDistance(word) }
      : { kind: 'branch', distance: compressedBranchDistance(word) };
  }
  if (funct3 === 0) return { kind: 'other', rd };
  if (funct3 === 3) {
    const offset = (bits(word, 12, 12) << 5) | (bits(word, 6, 5) << 3) | (bits(word, 4, 2) << 6);
    return { kind: 'load', rd, rs1: SP, immediate: BigInt(offset) };
  }
  if (funct3 === 7) {
    return { kind: 'store', rs1: SP, rs2, immediate: BigInt((bits(word, 12, 10) << 3) | (bits(word, 9, 7) << 6)) };
  }
  if (funct3 === 4) return decodeRegisterMove(word, rd, rs2);
  // c.lwsp writes an integer register, c.fldsp, c.fsdsp and c.swsp do not.
  return { kind: 'other', rd: funct3 === 2 ? rd : 0 };
}

function decodeQuadrant0(word: number, funct3: number, shortRd: number): Shape {
  const shortRs1 = 8 + bits(word, 9, 7);
  const offset = BigInt((bits(word, 12, 10) << 3) | (bits(word, 6, 5) << 6));
  if (funct3 === 0) {
    const scaled =
      (bits(word, 12, 11) << 4) | (bits(word, 10, 7) << 6) | (bits(word, 6, 6) << 2) | (bits(word, 5, 5) << 3);
    return { kind: 'add-immediate', rd: shortRd, rs1: SP, immediate: BigInt(scaled) };
  }
  if (funct3 === 3) return { kind: 'load', rd: shortRd, rs1: shortRs1, immediate: offset };
  if (funct3 === 7) return { kind: 'store', rs1: shortRs1, rs2: shortRd, immediate: offset };
  return { kind: 'other', rd: funct3 === 2 ? shortRd : 0 };
}

/** c.mv, c.add, c.jr, c.jalr, c.ebreak. */
function decodeRegisterMove(word: number, rd: number, rs2: number): Shape {
  const isAdd = bits(word, 12, 12) === 1;
  if (rs2 !== 0)
    return isAdd ? { kind: 'add', rd, rs1: rd, rs2 } : { kind: 'add-immediate', rd, rs1: rs2, immediate: 0n };
  if (!isAdd) return { kind: 'jump' };
  return rd === 0 ? { kind: 'other', rd: 0 } : { kind: 'call' };
}

/** The immediate of c.addi16sp. */
function stackAdjustment(word: number): bigint {
  const value =
    (bits(word, 12, 12) << 9) |
    (bits(word, 6, 6) << 4) |
    (bits(word, 5, 5) << 6) |
    (bits(word, 4, 3) << 7) |
    (bits(word, 2, 2) << 5);
  return signExtend(value, 10);
}
