/** Generated code written as expressions, for functions that are more than a few instructions long. */
import type { Code } from '../../wasm/code';
import type { PlainOp, ValueType } from '../../wasm/opcodes';

/** A local variable or a parameter. */
export interface Local {
  readonly local: number;
}

/** Pushes one value: a number is an i32 constant, a bigint an i64 constant. */
export type Term = number | bigint | Local | ((code: Code) => void);

export function push(code: Code, term: Term): Code {
  if (typeof term === 'number') return code.i32(term);
  if (typeof term === 'bigint') return code.i64(term);
  if (typeof term === 'function') term(code);
  else code.get(term.local);
  return code;
}

/** The instruction on these operands. */
export function op(name: PlainOp, ...operands: Term[]): Term {
  return (code) => {
    for (const operand of operands) push(code, operand);
    code.op(name);
  };
}

const binary =
  (name: PlainOp) =>
  (a: Term, b: Term): Term =>
    op(name, a, b);

/** Instructions on i64; comparisons give an i32. */
export const add = binary('i64.add');
export const sub = binary('i64.sub');
export const mul = binary('i64.mul');
export const and = binary('i64.and');
export const or = binary('i64.or');
export const xor = binary('i64.xor');
export const shl = binary('i64.shl');
export const shr = binary('i64.shr_u');
export const eq = binary('i64.eq');
export const ne = binary('i64.ne');
export const lt = binary('i64.lt_s');
export const gt = binary('i64.gt_s');
export const below = binary('i64.lt_u');
export const isZero = (a: Term): Term => op('i64.eqz', a);
export const clz = (a: Term): Term => op('i64.clz', a);

/** Of i32 truth values. */
export const both = binary('i32.and');
export const either = binary('i32.or');
/** A truth value as an i64. */
export const bit = (condition: Term): Term => op('i64.extend_i32_u', condition);
export const select = (condition: Term, yes: Term, no: Term): Term => op('select', yes, no, condition);

export const call =
  (index: number, ...operands: Term[]): Term =>
  (code) => {
    for (const operand of operands) push(code, operand);
    code.call(index);
  };

/** The statements of one function. */
export class Body {
  constructor(readonly code: Code) {}

  parameter(index: number): Local {
    return { local: index };
  }

  /** A new variable with a value. */
  let(type: ValueType, value: Term): Local {
    const local = { local: this.code.local(type) };
    this.set(local, value);
    return local;
  }

  set({ local }: Local, value: Term): void {
    push(this.code, value).set(local);
  }

  if(condition: Term, then: () => void, otherwise?: () => void): void {
    push(this.code, condition).if(then, otherwise);
  }

  return(value: Term): void {
    push(this.code, value).op('return');
  }

  /** A term that has no value, as a statement. */
  do(term: Term): void {
    push(this.code, term);
  }

  /** What the function returns at its end. */
  result(value: Term): void {
    push(this.code, value);
  }
}
