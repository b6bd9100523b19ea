/** Writes what an instruction does as a short formula, such as `rd = sext32(rs1 + imm)`. */
import type { Action, BinaryOp, CompareOp, Condition, Expr } from './semantics';

const infix: Partial<Record<BinaryOp, string>> = {
  add: '+',
  sub: '-',
  mul: '×',
  and: '&',
  or: '|',
  xor: '^',
  shl: '<<',
  shru: '>>>',
  shrs: '>>',
};

/** Unsigned comparisons carry a `u`, as the instructions' names do. */
const comparisons: Readonly<Record<CompareOp, string>> = {
  eq: '==',
  ne: '!=',
  lt: '<',
  ltu: '<u',
  ge: '>=',
  geu: '>=u',
};

/** How to name registers and constants: by the operand's field, or by what stands there. */
export interface OperandNames {
  readonly rd: string;
  readonly rs1: string;
  readonly rs2: string;
  readonly imm: string;
  readonly pc: string;
}

export const fieldNames: OperandNames = { rd: 'rd', rs1: 'rs1', rs2: 'rs2', imm: 'imm', pc: 'pc' };

function conditionText({ op, a, b }: Condition, names: OperandNames): string {
  return `${exprText(a, names)} ${comparisons[op]} ${exprText(b, names)}`;
}

/** An expression; `nested` puts parentheses around an operation. */
function exprText(expr: Expr, names: OperandNames, nested = false): string {
  switch (expr.k) {
    case 'const':
      return expr.value.toString();
    case 'x':
      return names[expr.operand];
    case 'imm':
      return names.imm;
    case 'pc':
      return names.pc;
    case 'old':
      return 'memory';
    case 'binary': {
      const sign = infix[expr.op];
      if (sign === undefined) {
        return `${expr.op}(${exprText(expr.a, names)}, ${exprText(expr.b, names)})`;
      }
      const text = `${exprText(expr.a, names, true)} ${sign} ${exprText(expr.b, names, true)}`;
      return nested ? `(${text})` : text;
    }
    case 'unary':
      return `${expr.op}(${exprText(expr.a, names)})`;
    case 'test':
      return `(${conditionText(expr.condition, names)}) ? 1 : 0`;
    case 'select': {
      const { condition, then, otherwise } = expr;
      return `(${conditionText(condition, names)}) ? ${exprText(then, names, true)} : ${exprText(otherwise, names, true)}`;
    }
  }
}

const memory = (width: number, address: string): string => `memory${width * 8}[${address}]`;

/** What the action does, or undefined for one that a formula does not tell (fences, system instructions). */
export function formula(action: Action, names: OperandNames = fieldNames): string | undefined {
  switch (action.k) {
    case 'compute':
      return `${names.rd} = ${exprText(action.value, names)}`;
    case 'load': {
      const read = memory(action.width, exprText(action.address, names));
      const extension = action.signed ? 'sext' : 'zext';
      return `${names.rd} = ${action.width === 8 ? read : `${extension}${action.width * 8}(${read})`}`;
    }
    case 'store':
      return `${memory(action.width, exprText(action.address, names))} = ${exprText(action.value, names)}`;
    case 'branch':
      return `if ${conditionText(action.condition, names)}: pc = ${names.pc} + ${names.imm}`;
    case 'jump':
      return `${names.rd} = next pc; pc = ${exprText(action.target, names)}`;
    case 'load-reserved':
      return `${names.rd} = ${memory(action.width, names.rs1)}, reserved`;
    case 'store-conditional':
      return `if reserved: ${memory(action.width, names.rs1)} = ${names.rs2}, ${names.rd} = 0; else ${names.rd} = 1`;
    case 'atomic': {
      const place = memory(action.width, names.rs1);
      return `${names.rd} = ${place}; ${place} = ${exprText(action.result, names)}`;
    }
    case 'float-load': {
      const read = memory(action.width, exprText(action.address, names));
      return `f[${names.rd}] = ${action.width === 8 ? read : `box(${read})`}`;
    }
    case 'float-store':
      return `${memory(action.width, exprText(action.address, names))} = f[${names.rs2}]`;
    case 'float':
    case 'fence':
    case 'system':
      return undefined;
  }
}
