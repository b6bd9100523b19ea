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

/** Indices of the helper functions that `defineArithmetic` has put in the module. */
export type Arithmetic = ReadonlyMap<BinaryOp | UnaryOp, number>;

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
      else code.call(arithmetic.get(expr.op)!);
      return;
    }
    case 'binary': {
      compile(expr.a);
      compile(expr.b);
      const plain = binaryOps[expr.op];
      if (plain) code.op(plain);
      else code.call(arithmetic.get(expr.op)!);
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
 * Defines the operations that WebAssembly lacks or that trap there: division by zero and overflow, high products, bytes.
 */
export function defineArithmetic(module: Module): Arithmetic {
  const type = { parameters: ['i64', 'i64'], results: ['i64'] } as const;
  const [a, b] = [0, 1];
  const helpers = new Map<BinaryOp | UnaryOp, number>();
  const define = (op: BinaryOp, body: (code: Code) => void) => helpers.set(op, module.define(type, body));
  const returnWhen = (code: Code, condition: () => void, value: () => void) => {
    condition();
    code.if(() => {
      value();
      code.op('return');
    });
  };
  const divisorIs = (code: Code, value: bigint) => () => void code.get(b).i64(value).op('i64.eq');

  define('div', (code) => {
    returnWhen(code, divisorIs(code, 0n), () => code.i64(-1n));
    returnWhen(code, divisorIs(code, -1n), () => code.i64(0n).get(a).op('i64.sub'));
    code.get(a).get(b).op('i64.div_s');
  });
  define('divu', (code) => {
    returnWhen(code, divisorIs(code, 0n), () => code.i64(-1n));
    code.get(a).get(b).op('i64.div_u');
  });
  define('rem', (code) => {
    returnWhen(code, divisorIs(code, 0n), () => code.get(a));
    returnWhen(code, divisorIs(code, -1n), () => code.i64(0n));
    code.get(a).get(b).op('i64.rem_s');
  });
  define('remu', (code) => {
    returnWhen(code, divisorIs(code, 0n), () => code.get(a));
    code.get(a).get(b).op('i64.rem_u');
  });
  define('mulhu', (code) => {
    const low = 0xffffffffn;
    const [middle, carry] = [code.local('i64'), code.local('i64')];
    const half = (value: number, high: boolean) =>
      high ? code.get(value).i64(32n).op('i64.shr_u') : code.get(value).i64(low).op('i64.and');
    // a.high * b.low + (a.low * b.low >> 32), and so on: no partial sum overflows 64 bits.
    half(a, true);
    half(b, false);
    code.op('i64.mul');
    half(a, false);
    half(b, false);
    code.op('i64.mul').i64(32n).op('i64.shr_u', 'i64.add').set(middle);
    half(a, false);
    half(b, true);
    code.op('i64.mul').get(middle).i64(low).op('i64.and', 'i64.add').set(carry);
    half(a, true);
    half(b, true);
    code.op('i64.mul').get(middle).i64(32n).op('i64.shr_u', 'i64.add').get(carry).i64(32n).op('i64.shr_u', 'i64.add');
  });
  const signedPart = (code: Code, sign: number, other: number) =>
    code.get(sign).i64(63n).op('i64.shr_s').get(other).op('i64.and', 'i64.sub');
  define('mulhsu', (code) => {
    code.get(a).get(b).call(helpers.get('mulhu')!);
    signedPart(code, a, b);
  });
  define('mulh', (code) => {
    code.get(a).get(b).call(helpers.get('mulhu')!);
    signedPart(code, a, b);
    signedPart(code, b, a);
  });
  defineByteOperations(module, helpers);
  return helpers;
}

function defineByteOperations(module: Module, helpers: Map<BinaryOp | UnaryOp, number>): void {
  const a = 0;
  const define = (op: UnaryOp, body: (code: Code) => void) =>
    helpers.set(op, module.define({ parameters: ['i64'], results: ['i64'] }, body));

  define('orbytes', (code) => {
    // The highest bit of each byte says whether the byte is zero: 0x7f added to its other bits carries into it unless it is.
    const others = 0x7f7f7f7f7f7f7f7fn;
    code.get(a).i64(others).op('i64.and').i64(others).op('i64.add').get(a).op('i64.or').i64(~others).op('i64.and');
    code.i64(7n).op('i64.shr_u').i64(255n).op('i64.mul');
  });
  define('revbytes', (code) => {
    // Neighbouring bytes change places, then neighbouring halfwords, then the words.
    for (const [mask, width] of [
      [0x00ff00ff00ff00ffn, 8n],
      [0x0000ffff0000ffffn, 16n],
    ]) {
      code.get(a).i64(width).op('i64.shr_u').i64(mask).op('i64.and');
      code.get(a).i64(mask).op('i64.and').i64(width).op('i64.shl', 'i64.or').set(a);
    }
    code.get(a).i64(32n).op('i64.rotl');
  });
}
