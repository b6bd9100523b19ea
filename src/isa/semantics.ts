/**
 * What an instruction does, as data: small expression trees from which the interpreter, the translator and every other
 * view of an instruction are derived. Every expression is a 64-bit integer; registers are XLEN = 64 wide.
 */

import type { FloatOperation } from './float/operations';

/**
 * Binary operations on 64-bit integers. Shifts and rotations take the low six bits of `b`. Division and remainder have the
 * results that the M extension defines for a zero divisor and for overflow (Unprivileged 13.2); they never trap.
 */
export type BinaryOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'mulh'
  | 'mulhu'
  | 'mulhsu'
  | 'div'
  | 'divu'
  | 'rem'
  | 'remu'
  | 'and'
  | 'or'
  | 'xor'
  | 'shl'
  | 'shru'
  | 'shrs'
  | 'rotl'
  | 'rotr';

/**
 * Sign and zero extension from the low 8, 16 or 32 bits; the count of leading zeros, of trailing zeros (both 64 for zero),
 * and of ones; each byte that is not zero made 255; the bytes in reverse order.
 */
export type UnaryOp =
  'sext8' | 'sext16' | 'sext32' | 'zext8' | 'zext16' | 'zext32' | 'clz' | 'ctz' | 'popcount' | 'orbytes' | 'revbytes';

/** Comparisons of 64-bit integers; `u` is unsigned. */
export type CompareOp = 'eq' | 'ne' | 'lt' | 'ltu' | 'ge' | 'geu';

export interface Condition {
  readonly op: CompareOp;
  readonly a: Expr;
  readonly b: Expr;
}

export type Expr =
  | { readonly k: 'const'; readonly value: bigint }
  /** The integer register that the operand field names; `x0` reads zero. */
  | { readonly k: 'x'; readonly operand: 'rs1' | 'rs2' }
  /** The immediate, sign-extended to 64 bits (for the CSR forms the five-bit `zimm`, zero-extended). */
  | { readonly k: 'imm' }
  /** The address of this instruction. */
  | { readonly k: 'pc' }
  /** In the `result` of an atomic operation: the value read from memory, sign-extended. */
  | { readonly k: 'old' }
  | { readonly k: 'binary'; readonly op: BinaryOp; readonly a: Expr; readonly b: Expr }
  | { readonly k: 'unary'; readonly op: UnaryOp; readonly a: Expr }
  /** 1 when the condition holds, else 0. */
  | { readonly k: 'test'; readonly condition: Condition }
  | { readonly k: 'select'; readonly condition: Condition; readonly then: Expr; readonly otherwise: Expr };

/** Access widths in bytes. */
export type Width = 1 | 2 | 4 | 8;

/** Operations that the hart performs outside the expression language. */
export type SystemOp =
  | 'ecall'
  | 'ebreak'
  | 'mret'
  | 'sret'
  | 'wfi'
  | 'sfence.vma'
  | 'sinval.vma'
  | 'sfence.w.inval'
  | 'sfence.inval.ir'
  | 'cbo.inval'
  | 'cbo.clean'
  | 'cbo.flush'
  | 'cbo.zero'
  | 'csrrw'
  | 'csrrs'
  | 'csrrc'
  | 'csrrwi'
  | 'csrrsi'
  | 'csrrci';

/** What executing one instruction does; the program counter then moves to the next one unless it is a jump. */
export type Action =
  /** `rd = value` */
  | { readonly k: 'compute'; readonly value: Expr }
  /** `rd = memory[address]`, sign- or zero-extended. */
  | { readonly k: 'load'; readonly width: Width; readonly signed: boolean; readonly address: Expr }
  | { readonly k: 'store'; readonly width: Width; readonly address: Expr; readonly value: Expr }
  /** To `pc + imm` when the condition holds. */
  | { readonly k: 'branch'; readonly condition: Condition }
  /** `rd = address of the next instruction`, then to `target`; the lowest bit of the target is ignored. */
  | { readonly k: 'jump'; readonly target: Expr }
  /** LR: `rd = memory[rs1]` sign-extended, and reserve the address. */
  | { readonly k: 'load-reserved'; readonly width: 4 | 8 }
  /** SC: store `rs2` to `memory[rs1]` if the reservation holds; `rd` = 0 on success, else 1. */
  | { readonly k: 'store-conditional'; readonly width: 4 | 8 }
  /** AMO: `rd = memory[rs1]` sign-extended, `memory[rs1] = result`. */
  | { readonly k: 'atomic'; readonly width: 4 | 8; readonly result: Expr }
  /** `f[rd] = memory[address]`; a single-precision value is boxed. */
  | { readonly k: 'float-load'; readonly width: 4 | 8; readonly address: Expr }
  /** `memory[address] = f[rs2]`, its low bits. */
  | { readonly k: 'float-store'; readonly width: 4 | 8; readonly address: Expr }
  /** A floating-point operation; it raises flags in fcsr. */
  | { readonly k: 'float'; readonly operation: FloatOperation }
  /** Orders memory accesses; nothing to do on this machine, whose harts run in turn. */
  | { readonly k: 'fence' }
  | { readonly k: 'system'; readonly op: SystemOp };

export const rs1: Expr = { k: 'x', operand: 'rs1' };
export const rs2: Expr = { k: 'x', operand: 'rs2' };
export const imm: Expr = { k: 'imm' };
export const pc: Expr = { k: 'pc' };
export const old: Expr = { k: 'old' };

export const constant = (value: number | bigint): Expr => ({ k: 'const', value: BigInt(value) });
export const binary = (op: BinaryOp, a: Expr, b: Expr): Expr => ({ k: 'binary', op, a, b });
export const unary = (op: UnaryOp, a: Expr): Expr => ({ k: 'unary', op, a });
export const compare = (op: CompareOp, a: Expr, b: Expr): Condition => ({ op, a, b });
export const test = (condition: Condition): Expr => ({ k: 'test', condition });
export const select = (condition: Condition, then: Expr, otherwise: Expr): Expr => ({
  k: 'select',
  condition,
  then,
  otherwise,
});
export const sext32 = (a: Expr): Expr => unary('sext32', a);
export const zext32 = (a: Expr): Expr => unary('zext32', a);
