/** The shape of an instruction table entry, and of a decoded instruction. */
import type { Action } from './semantics';

/**
 * How operands lie in a 32-bit instruction word (Unprivileged 2.2, 2.3) and how they are written. Compressed entries have
 * operand extractors of their own.
 */
export type Format =
  | 'R' // rd, rs1, rs2
  | 'I' // rd, rs1, imm
  | 'shift64' // rd, rs1, 6-bit shamt
  | 'shift32' // rd, rs1, 5-bit shamt
  | 'load' // rd, imm(rs1)
  | 'S' // rs2, imm(rs1)
  | 'B' // rs1, rs2, target
  | 'U' // rd, imm20 (the decoded imm is already shifted left by 12, sign-extended)
  | 'J' // rd, target
  | 'amo' // rd, rs2, (rs1)
  | 'lr' // rd, (rs1)
  | 'csr' // rd, csr, rs1      (decoded imm = CSR number, 0..4095)
  | 'csri' // rd, csr, zimm    (decoded imm = CSR number, rs1 = zimm 0..31)
  | 'fence' // pred, succ
  | 'sfence' // rs1, rs2
  | 'unary' // rd, rs1
  | 'block' // (rs1)
  // Floating point: which of the operands are integer registers (x) and which floating-point registers (f); `round` is a
  // rounding mode (decoded imm = the mode, and for `fused` rs3 × 8 + the mode).
  | 'float-load' // f[rd], imm(rs1)
  | 'float-store' // f[rs2], imm(rs1)
  | 'fused' // f[rd], f[rs1], f[rs2], f[rs3], round
  | 'f=ff' // f[rd], f[rs1], f[rs2]
  | 'f=ff-round'
  | 'f=f' // f[rd], f[rs1]
  | 'f=f-round'
  | 'f=f-exact' // the rounding mode changes nothing, and is 0 where it is not written
  | 'f=x' // f[rd], rs1
  | 'f=x-round'
  | 'f=x-exact'
  | 'x=ff' // rd, f[rs1], f[rs2]
  | 'x=f' // rd, f[rs1]
  | 'x=f-round'
  | 'none';

/** One instruction: everything that anything knows about it. */
export interface Instruction {
  /** The mnemonic in GNU spelling, without aliases: `addi`, `amoadd.w`, `c.addi16sp`. */
  readonly name: string;
  /** The extension that brings it: `I`, `M`, `A`, `F`, `D`, `C`, `Zicsr`, `Zifencei`, `Priv`. */
  readonly extension: string;
  /** The word w is this instruction when `(w & mask) === match` (compare as unsigned 32-bit). */
  readonly match: number;
  readonly mask: number;
  readonly format: Format;
  readonly action: Action;
  /** One sentence for a debugger's hover, in our own words. */
  readonly summary: string;
}

/** A 16-bit instruction: another spelling of a 32-bit one (Unprivileged 16). */
export interface CompressedInstruction {
  readonly name: string;
  readonly match: number;
  readonly mask: number;
  /** The 32-bit instruction it stands for. */
  readonly expandsTo: Instruction;
  /** How it is written: operand names with the punctuation between them, such as `rd,imm(rs1)` (see syntax.ts). */
  readonly syntax: string;
  readonly layout: CompressedLayout;
  /** The operands of the expansion, from the 16-bit word; undefined when this encoding is reserved. */
  readonly operands: (word: number) => Operands | undefined;
}

/**
 * Where a 16-bit instruction takes a register of its expansion from: always the same one, five bits of the word, or three
 * bits that name x8 to x15 (Unprivileged 16.2). `low` is the field's lowest bit.
 */
export type CompressedRegister = { readonly fixed: number } | { readonly low: number; readonly short: boolean };

/** Bits `high` to `low` of a 16-bit word, which are the immediate's bits from `to` upward. */
export interface CompressedBits {
  readonly high: number;
  readonly low: number;
  readonly to: number;
}

/** How the operands of the expansion lie in a 16-bit word. */
export interface CompressedLayout {
  readonly rd: CompressedRegister;
  readonly rs1: CompressedRegister;
  readonly rs2: CompressedRegister;
  /** The pieces of the immediate; its other bits are zero. */
  readonly imm: readonly CompressedBits[];
  /** The immediate's topmost piece carries its sign. */
  readonly signed: boolean;
  /** Operands that are reserved when they are zero. */
  readonly nonzero: readonly (keyof Operands)[];
}

/** Register numbers (0..31) and the immediate, a signed 32-bit number (see Format for the CSR and U forms). */
export interface Operands {
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  readonly imm: number;
}

export interface Decoded extends Operands {
  /** The instruction, a compressed one expanded. */
  readonly instruction: Instruction;
  /** The 16-bit entry it was spelt with, if any. */
  readonly compressed?: CompressedInstruction;
  /** Length in bytes: 2 or 4. */
  readonly length: 2 | 4;
  /** The instruction word: 16 or 32 bits, unsigned. */
  readonly word: number;
}
