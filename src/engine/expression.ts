/** From the instruction table's expressions to WebAssembly, wherever the operands come from. */
import type { BinaryOp, CompareOp, Condition, Expr, UnaryOp } from '../isa/semantics';
import type { Code } from '../wasm/code';
import type { Module } from '../wasm/module';
import type { PlainOp } from '../wasm/opcodes';

/** Pushes an operand's value (i64). */
export interface OperandSource {
  x(operand: 'rs1' | 'rs2'): void;
  imm(): void;
  pc(): void;
  old(): void;
}

/** Functions for what WebAssembly has no instruction for. */
export interface Arithmetic {
  /** The index of an operation's function in the module. */
  get(op: BinaryOp | UnaryOp): number;
}

const binaryOps: Partial<Record<BinaryOp, PlainOp>> = {
  add: 'i64.add',
  sub: 'i64.sub',
  mul: 'i64.mul',
  and: 'i64.and',
  or: 'i64.or',
  xor: 'i64.xor',
  shl: 'i64.shl',
  shru: 'i64.shr_u',
  shrs: 'i64.shr_s',
  rotl: 'i64.rotl',
  rotr: 'i64.rotr',
};

const compareOps: Record<CompareOp, PlainOp> = {
  eq: 'i64.eq',
  ne: 'i64.ne',
  lt: 'i64.lt_s',
  ltu: 'i64.lt_u',
  ge: 'i64.ge_s',
  geu: 'i64.ge_u',
};

const unaryOps: Partial<Record<UnaryOp, (code: Code) => void>> = {
  sext8: (code) => code.op('i64.extend8_s'),
  sext16: (code) => code.op('i64.extend16_s'),
  sext32: (code) => code.op('i64.extend32_s'),
  zext8: (code) => code.i64(0xffn).op('i64.and'),
  zext16: (code) => code.i64(0xffffn).op('i64.and'),
  zext32: (code) => code.op('i32.wrap_i64', 'i64.extend_i32_u'),
  clz: (code) => code.op('i64.clz'),
  ctz: (code) => code.op('i64.ctz'),
  popcount: (code) => code.op('i64.popcnt'),
};

/** Pushes the expression's value (i64). */
export function compileExpr(code: Code, expr: Expr, source: OperandSource, arithmetic: Arithmetic): void {
  const compile = (e: Expr) => compileExpr(code, e, source, arithmetic);
  switch (expr.k) {
    case 'const':
      code.i64(expr.value);
      return;
    case 'x':
      source.x(expr.operand);
      return;
    case 'imm':
    case 'pc':
    case 'old':
      source[expr.k]();
      return;
    case 'unary': {
      compile(expr.a);
      const plain = unaryOps[expr.op];
      if (plain) plain(code);
      else code.call(arithmetic.get(expr.op));
      return;
    }
    case 'binary': {
      compile(expr.a);
      compile(expr.b);
      const plain = binaryOps[expr.op];
      if (plain) code.op(plain);
      else code.call(arithmetic.get(expr.op));
      return;
    }
    case 'test':
      compileCondition(code, expr.condition, source, arithmetic);
      code.op('i64.extend_i32_u');
      return;
    case 'select':
      compile(expr.then);
      compile(expr.otherwise);
      compileCondition(code, expr.condition, source, arithmetic);
      code.op('select');
  }
}

/** Pushes 1 or 0 (i32). */
export function compileCondition(
  code: Code,
  condition: Condition,
  source: OperandSource,
  arithmetic: Arithmetic,
): void {
  compileExpr(code, condition.a, source, arithmetic);
  compileExpr(code, condition.b, source, arithmetic);
  code.op(compareOps[condition.op]);
}

/**
 * The operations that WebAssembly lacks or that trap there: division by zero and overflow, high products, bytes. Each is
 * defined in the module when it is first asked for.
 */
export function defineArithmetic(module: Module): Arithmetic {
  const defined = new Map<BinaryOp | UnaryOp, number>();
  const get = (op: BinaryOp | UnaryOp): number => {
    let index = defined.get(op);
    if (index === undefined) {
      const body = helperBodies[op];
      if (!body) throw new Error(`there is no function for ${op}`);
      const parameters = op in unaryHelpers ? (['i64'] as const) : (['i64', 'i64'] as const);
      index = module.define({ parameters, results: ['i64'] }, (code) => body(code, get));
      defined.set(op, index);
    }
    return index;
  };
  return { get };
}

/** Writes an operation's function; its parameters are locals 0 and 1. */
type HelperBody = (code: Code, get: Arithmetic['get']) => void;

const [A, B] = [0, 1];

function returnWhen(code: Code, op: 'divisor is 0' | 'divisor is -1', value: () => void): void {
  code.get(B).i64(op === 'divisor is 0' ? 0n : -1n);
  code.op('i64.eq').if(() => {
    value();
    code.op('return');
  });
}

const signedPart = (code: Code, sign: number, other: number) =>
  code.get(sign).i64(63n).op('i64.shr_s').get(other).op('i64.and', 'i64.sub');

const binaryHelpers: Partial<Record<BinaryOp, HelperBody>> = {
  div: (code) => {
    returnWhen(code, 'divisor is 0', () => code.i64(-1n));
    returnWhen(code, 'divisor is -1', () => code.i64(0n).get(A).op('i64.sub'));
    code.get(A).get(B).op('i64.div_s');
  },
  divu: (code) => {
    returnWhen(code, 'divisor is 0', () => code.i64(-1n));
    code.get(A).get(B).op('i64.div_u');
  },
  rem: (code) => {
    returnWhen(code, 'divisor is 0', () => code.get(A));
    returnWhen(code, 'divisor is -1', () => code.i64(0n));
    code.get(A).get(B).op('i64.rem_s');
  },
  remu: (code) => {
    returnWhen(code, 'divisor is 0', () => code.get(A));
    code.get(A).get(B).op('i64.rem_u');
  },
  mulhu: (code) => {
    const low = 0xffffffffn;
    const [middle, carry] = [code.local('i64'), code.local('i64')];
    const half = (value: number, high: boolean) =>
      high ? code.get(value).i64(32n).op('i64.shr_u') : code.get(value).i64(low).op('i64.and');
    // a.high * b.low + (a.low * b.low >> 32), and so on: no partial sum overflows 64 bits.
    half(A, true);
    half(B, false);
    code.op('i64.mul');
    half(A, false);
    half(B, false);
    code.op('i64.mul').i64(32n).op('i64.shr_u', 'i64.add').set(middle);
    half(A, false);
    half(B, true);
    code.op('i64.mul').get(middle).i64(low).op('i64.and', 'i64.add').set(carry);
    half(A, true);
    half(B, true);
    code.op('i64.mul').get(middle).i64(32n).op('i64.shr_u', 'i64.add').get(carry).i64(32n).op('i64.shr_u', 'i64.add');
  },
  mulhsu: (code, get) => {
    code.get(A).get(B).call(get('mulhu'));
    signedPart(code, A, B);
  },
  mulh: (code, get) => {
    code.get(A).get(B).call(get('mulhu'));
    signedPart(code, A, B);
    signedPart(code, B, A);
  },
};

const unaryHelpers: Partial<Record<UnaryOp, HelperBody>> = {
  orbytes: (code) => {
    // The highest bit of each byte says whether the byte is zero: 0x7f added to its other bits carries into it unless it is.
    const others = 0x7f7f7f7f7f7f7f7fn;
    code.get(A).i64(others).op('i64.and').i64(others).op('i64.add').get(A).op('i64.or').i64(~others).op('i64.and');
    code.i64(7n).op('i64.shr_u').i64(255n).op('i64.mul');
  },
  revbytes: (code) => {
    // Neighbouring bytes change places, then neighbouring halfwords, then the words.
    for (const [mask, width] of [
      [0x00ff00ff00ff00ffn, 8n],
      [0x0000ffff0000ffffn, 16n],
    ]) {
      code.get(A).i64(width).op('i64.shr_u').i64(mask).op('i64.and');
      code.get(A).i64(mask).op('i64.and').i64(width).op('i64.shl', 'i64.or').set(A);
    }
    code.get(A).i64(32n).op('i64.rotl');
  },
};

const helperBodies: Partial<Record<BinaryOp | UnaryOp, HelperBody>> = { ...binaryHelpers, ...unaryHelpers };
