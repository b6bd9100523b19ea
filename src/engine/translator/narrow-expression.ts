/** The lower halves of expressions, computed from those of registers; see `isNarrow` for which have one. */
import type { BinaryOp, CompareOp, Condition, Expr, UnaryOp } from '../../isa/semantics';
import type { Code } from '../../wasm/code';
import type { PlainOp } from '../../wasm/opcodes';

/** Pushes the lower half of an operand's value (i32). */
export interface NarrowSource {
  x(operand: 'rs1' | 'rs2'): void;
  imm(): void;
}

const binaryOps: Partial<Record<BinaryOp, PlainOp>> = {
  add: 'i32.add',
  sub: 'i32.sub',
  mul: 'i32.mul',
  and: 'i32.and',
  or: 'i32.or',
  xor: 'i32.xor',
  shl: 'i32.shl',
  shru: 'i32.shr_u',
  shrs: 'i32.shr_s',
};

const unaryOps: Partial<Record<UnaryOp, (code: Code) => void>> = {
  sext8: (code) => code.op('i32.extend8_s'),
  sext16: (code) => code.op('i32.extend16_s'),
  zext8: (code) => code.i32(0xff).op('i32.and'),
  zext16: (code) => code.i32(0xffff).op('i32.and'),
};

const compareOps: Record<CompareOp, PlainOp> = {
  eq: 'i32.eq',
  ne: 'i32.ne',
  lt: 'i32.lt_s',
  ltu: 'i32.lt_u',
  ge: 'i32.ge_s',
  geu: 'i32.ge_u',
};

/** Pushes the lower half of the expression's value (i32). */
export function compileNarrow(code: Code, expr: Expr, source: NarrowSource): void {
  switch (expr.k) {
    case 'const':
      code.i32(Number(BigInt.asIntN(32, expr.value)));
      return;
    case 'x':
      source.x(expr.operand);
      return;
    case 'imm':
      source.imm();
      return;
    case 'unary':
      compileNarrow(code, expr.a, source);
      unaryOps[expr.op]?.(code);
      return;
    case 'binary':
      compileNarrow(code, expr.a, source);
      compileNarrow(code, expr.b, source);
      code.op(binaryOps[expr.op]!);
      return;
    default:
      throw new Error(`there is no lower half of ${expr.k}`);
  }
}

/** Pushes 1 or 0 (i32). */
export function compileNarrowCondition(code: Code, { op, a, b }: Condition, source: NarrowSource): void {
  compileNarrow(code, a, source);
  compileNarrow(code, b, source);
  code.op(compareOps[op]);
}
