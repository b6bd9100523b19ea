/**
 * Floating point on the fast path: a generated function for each instruction. WebAssembly's arithmetic rounds to nearest
 * and tells no flags, so that an operation is done here only where its result is the same and its flags are known: none,
 * or no other than inexact, which is accrued already. Everything else is left to the slow path.
 */
import type { FloatOperation } from '../isa/float/operations';
import type { Code } from '../wasm/code';
import type { Module } from '../wasm/module';
import type { PlainOp } from '../wasm/opcodes';
import * as at from './layout';
import { dataEntry, loadOps, pushRegister, registerOffset, storeOps, tagMask } from './operand-access';
import type { Operation } from './record';
import { IMM, RD, RS1, RS2 } from './record';

const BOX = -0x100000000n;
const DYNAMIC = 7;
const TOWARDS_ZERO = 1;
const INEXACT = 1;
const FRM_SHIFT = 5;
/** fcsr with a frm of 5, the first that is none. */
const RESERVED_FRM = 5 << FRM_SHIFT;

/** Locals 0 and 1. */
const RECORD = 0;
const DATA_TLB = 1;

/** (record, dataTlb) -> done. Undefined for other operations. */
export function defineFloat(module: Module, operation: Operation): number | undefined {
  if ('marker' in operation) return undefined;
  const { action } = operation.instruction;
  if (action.k !== 'float' && action.k !== 'float-load' && action.k !== 'float-store') return undefined;
  return module.define({ parameters: ['i32', 'i32'], results: ['i32'] }, (code) => {
    const unit = new FloatFunction(code);
    if (action.k === 'float') unit.operation(action.operation);
    else unit.access(action.k === 'float-load', action.width);
    code.i32(1);
  });
}

/** Generates the body of one function. */
class FloatFunction {
  constructor(private readonly code: Code) {}

  /** A load or store, if the TLB has the page. */
  access(isLoad: boolean, width: 4 | 8): void {
    const { code } = this;
    const [address, entry] = [code.local('i64'), code.local('i32')];
    this.requireUnit(isLoad);
    pushRegister(code, RECORD, RS1).get(RECORD).memory('i64.load32_s', IMM).op('i64.add').set(address);
    dataEntry(code, address, DATA_TLB)
      .tee(entry)
      .memory('i64.load', isLoad ? at.LOAD_TAG : at.STORE_TAG);
    code.get(address).i64(tagMask(width)).op('i64.and', 'i64.eq');
    this.require();
    const pushHost = () => code.get(address).op('i32.wrap_i64').get(entry).memory('i32.load', at.ADDEND).op('i32.add');
    if (isLoad) {
      this.writeRd(() => {
        pushHost().memory(loadOps[width][1]);
        if (width === 4) code.i64(BOX).op('i64.or');
      });
    } else {
      pushHost();
      this.pushFloatRegister(RS2).memory(storeOps[width]);
    }
  }

  operation(operation: FloatOperation): void {
    const [name, format] = operation.name.split('.');
    if (name === 'fmv') this.move(operation);
    else if (name === 'fcvt') this.convert(operation);
    else if (format === 's' || format === 'd') this.arithmetic(name, new Precision(this.code, format), operation);
    else this.giveUp();
  }

  private arithmetic(name: string, p: Precision, operation: FloatOperation): void {
    const { code } = this;
    const plain = arithmeticOps[name];
    if (plain) {
      this.requireUnit(true);
      this.requireNearest();
      const [a, b] = this.values(p, operation.operands.length);
      const result = code.local(p.type);
      code.get(a);
      if (operation.operands.length > 1) code.get(b);
      code.op(p.op(plain.op)).set(result);
      this.requireKnownFlags(
        p,
        result,
        plain.exactZero?.map((i) => [a, b][i]),
      );
      this.writeFloat(p, result);
    } else if (name in comparisons) {
      this.requireUnit(false);
      const [a, b] = this.numbers(p);
      this.writeRd(() => code.get(a).get(b).op(p.op(comparisons[name]), 'i64.extend_i32_u'));
    } else if (name === 'fmin' || name === 'fmax') {
      this.requireUnit(true);
      const [a, b] = this.numbers(p);
      const result = code.local(p.type);
      code
        .get(a)
        .get(b)
        .op(p.op(name === 'fmin' ? 'min' : 'max'))
        .set(result);
      this.writeFloat(p, result);
    } else if (name.startsWith('fsgnj')) {
      this.injectSign(name, p);
    } else {
      this.giveUp();
    }
  }

  private injectSign(name: string, p: Precision): void {
    const { code } = this;
    this.requireUnit(true);
    const [a, b] = [this.bits(p, RS1), this.bits(p, RS2)];
    const sign = p.isSingle ? 0x80000000n : 1n << 63n;
    this.writeRd(() => {
      if (name === 'fsgnjx') {
        code.get(b).i64(BigInt.asIntN(64, sign)).op('i64.and').get(a).op('i64.xor');
      } else {
        code.get(b);
        if (name === 'fsgnjn') code.i64(-1n).op('i64.xor');
        code.i64(BigInt.asIntN(64, sign)).op('i64.and');
        code.get(a).i64(BigInt.asIntN(64, ~sign)).op('i64.and', 'i64.or');
      }
    });
  }

  private move({ name }: FloatOperation): void {
    const { code } = this;
    const toFloat = name === 'fmv.w.x' || name === 'fmv.d.x';
    this.requireUnit(toFloat);
    this.writeRd(() => {
      if (toFloat) pushRegister(code, RECORD, RS1);
      else this.pushFloatRegister(RS1);
      if (name === 'fmv.x.w') code.op('i64.extend32_s');
      if (name === 'fmv.w.x') code.i64(BOX).op('i64.or');
    });
  }

  private convert({ name, operands: [from], result: to }: FloatOperation): void {
    const { code } = this;
    const [, target, source] = name.split('.');
    this.requireUnit(to !== 'x');
    if (to === 'x' && from !== 'x') {
      this.toInteger(target, new Precision(code, from));
    } else if (from === 'x' && to !== 'x') {
      const exact = to === 'd' && source.startsWith('w');
      if (exact) this.requireMode();
      else this.requireNearest();
      const p = new Precision(code, to);
      const result = code.local(p.type);
      pushRegister(code, RECORD, RS1);
      if (source.startsWith('w')) code.op('i32.wrap_i64');
      code.op(fromIntegerOps[to === 's' ? 'f32' : 'f64'][source]).set(result);
      this.writeFloat(p, result);
    } else if (to === 'd') {
      const [from32, to64] = [new Precision(code, 's'), new Precision(code, 'd')];
      const result = code.local('f64');
      this.requireMode();
      code.get(this.number(from32, RS1)).op('f64.promote_f32').set(result);
      this.writeFloat(to64, result);
    } else {
      const [from64, to32] = [new Precision(code, 'd'), new Precision(code, 's')];
      const [value, result] = [code.local('f64'), code.local('f32')];
      this.requireNearest();
      code.get(this.value(from64, RS1)).tee(value).op('f32.demote_f64').set(result);
      code.get(value).op('i64.reinterpret_f64').i64(1n).op('i64.shl', 'i64.eqz');
      this.pushIsNormal(to32, result, 2);
      code.op('i32.or');
      this.require();
      this.writeFloat(to32, result);
    }
  }

  /** In range, and exact, or truncated as C does while inexactness is accrued already. */
  private toInteger(target: string, p: Precision): void {
    const { code } = this;
    const { least, greatest, op, isNarrow } = integerOps[target];
    const [value, whole] = [code.local('f64'), code.local('f64')];
    code.get(this.value(p, RS1));
    if (p.isSingle) code.op('f64.promote_f32');
    code.tee(value).op('f64.trunc').set(whole);
    code.get(whole);
    pushDouble(code, least).op('f64.ge').get(whole);
    pushDouble(code, greatest).op('f64.lt', 'i32.and');
    this.require();
    code.get(whole).get(value).op('f64.eq');
    this.pushModeIsLegal();
    code.op('i32.and');
    this.pushMode().i32(TOWARDS_ZERO).op('i32.eq');
    this.pushInexactAccrued();
    code.op('i32.and', 'i32.or');
    this.require();
    this.writeRd(() => {
      code.get(whole).op(op);
      if (isNarrow) code.op('i64.extend_i32_s');
    });
  }

  /** Returns "not done" unless the i32 on the stack is true. */
  private require(): void {
    const { code } = this;
    code.op('i32.eqz').if(() => code.i32(0).op('return'));
  }

  private giveUp(): void {
    this.code.i32(0).op('return');
  }

  /** The unit must be on, and marked dirty if a register of its changes. */
  private requireUnit(changes: boolean): void {
    const { code } = this;
    code.i32(0).memory('i32.load', at.FLOAT_STATE);
    if (changes) code.i32(at.FLOAT_DIRTY).op('i32.eq');
    this.require();
  }

  private pushMode(): Code {
    return this.code.get(RECORD).memory('i32.load', IMM).i32(7).op('i32.and');
  }

  private pushFcsr(): Code {
    return this.code.i32(0).memory('i32.load', at.FCSR);
  }

  private pushInexactAccrued(): void {
    this.pushFcsr().i32(INEXACT).op('i32.and');
  }

  private pushModeIsLegal(): void {
    this.pushMode().i32(DYNAMIC).op('i32.ne');
    this.pushFcsr().i32(RESERVED_FRM).op('i32.lt_u', 'i32.or');
  }

  /** For exact operations: any rounding mode, if it is one. */
  private requireMode(): void {
    this.pushModeIsLegal();
    this.require();
  }

  /** Rounding to nearest, and inexactness makes no difference. */
  private requireNearest(): void {
    const { code } = this;
    this.pushMode().op('i32.eqz');
    this.pushMode().i32(DYNAMIC).op('i32.eq');
    this.pushFcsr()
      .i32(1 << FRM_SHIFT)
      .op('i32.lt_u', 'i32.and', 'i32.or');
    this.pushInexactAccrued();
    code.op('i32.and');
    this.require();
  }

  /**
   * The result must be finite. With `exactZero` it must also be greater than the least normal number, so that nothing was
   * lost below, or zero because one of these operands is.
   */
  private requireKnownFlags(p: Precision, result: number, exactZero?: readonly number[]): void {
    const { code } = this;
    this.pushIsNormal(p, result, exactZero ? 2 : 0);
    if (exactZero) {
      p.pushMagnitude(result).op('i64.eqz');
      exactZero.forEach((operand, i) => {
        p.pushMagnitude(operand).op('i64.eqz');
        if (i > 0) code.op('i32.or');
      });
      code.op('i32.and', 'i32.or');
    }
    this.require();
  }

  /** Pushes whether the exponent field is at least this, and less than all ones. */
  private pushIsNormal(p: Precision, value: number, least: number): void {
    const { code } = this;
    p.pushMagnitude(value)
      .i64(p.fractionBits + 1n)
      .op('i64.shr_u', 'i32.wrap_i64');
    code
      .i32(least)
      .op('i32.sub')
      .i32(p.exponentMax - least)
      .op('i32.lt_u');
  }

  private pushFloatRegister(field: typeof RS1 | typeof RS2): Code {
    return registerOffset(this.code, RECORD, field).memory('i64.load', at.F_REGISTERS);
  }

  /** A new local with a register's bits; a single-precision one must be boxed. */
  private bits(p: Precision, field: typeof RS1 | typeof RS2): number {
    const { code } = this;
    const register = code.local('i64');
    this.pushFloatRegister(field).set(register);
    if (p.isSingle) {
      code.get(register).i64(BOX).op('i64.ge_u');
      this.require();
    }
    return register;
  }

  /** A new local with a register's value. */
  private value(p: Precision, field: typeof RS1 | typeof RS2): number {
    const { code } = this;
    const value = code.local(p.type);
    code.get(this.bits(p, field));
    if (p.isSingle) code.op('i32.wrap_i64', 'f32.reinterpret_i32');
    else code.op('f64.reinterpret_i64');
    code.set(value);
    return value;
  }

  private values(p: Precision, count: number): readonly [number, number] {
    const a = this.value(p, RS1);
    return [a, count > 1 ? this.value(p, RS2) : a];
  }

  /** A value that is no NaN. */
  private number(p: Precision, field: typeof RS1 | typeof RS2): number {
    const value = this.value(p, field);
    this.code.get(value).get(value).op(p.op('eq'));
    this.require();
    return value;
  }

  private numbers(p: Precision): readonly [number, number] {
    return [this.number(p, RS1), this.number(p, RS2)];
  }

  private writeFloat(p: Precision, value: number): void {
    const { code } = this;
    this.writeRd(() => {
      code.get(value);
      if (p.isSingle) code.op('i32.reinterpret_f32', 'i64.extend_i32_u').i64(BOX).op('i64.or');
      else code.op('i64.reinterpret_f64');
    });
  }

  /** Writes an i64; the record says where, be it an integer or a floating-point register. */
  private writeRd(value: () => void): void {
    registerOffset(this.code, RECORD, RD);
    value();
    this.code.memory('i64.store', at.X_REGISTERS);
  }
}

/** Operations that WebAssembly has for both formats under the same name. */
type SharedOp = 'add' | 'sub' | 'mul' | 'div' | 'sqrt' | 'min' | 'max' | 'eq' | 'lt' | 'le';

/** One of the two formats. */
class Precision {
  readonly isSingle: boolean;
  readonly type: 'f32' | 'f64';
  readonly fractionBits: bigint;
  readonly exponentMax: number;

  constructor(
    private readonly code: Code,
    format: 's' | 'd',
  ) {
    this.isSingle = format === 's';
    this.type = this.isSingle ? 'f32' : 'f64';
    this.fractionBits = this.isSingle ? 23n : 52n;
    this.exponentMax = this.isSingle ? 0xff : 0x7ff;
  }

  op(name: SharedOp): PlainOp {
    return `${this.type}.${name}`;
  }

  /** Pushes a value's bits without the sign, doubled (i64). */
  pushMagnitude(value: number): Code {
    const { code } = this;
    code.get(value);
    if (this.isSingle) {
      return code.op('i32.reinterpret_f32').i32(1).op('i32.shl', 'i64.extend_i32_u');
    }
    return code.op('i64.reinterpret_f64').i64(1n).op('i64.shl');
  }
}

/**
 * Rounded operations. Sums and roots that are finite raise nothing but inexact, even when they are subnormal; products and
 * quotients may have lost bits to underflow, unless they are zero because of these operands (0 = rs1, 1 = rs2).
 */
const arithmeticOps: Readonly<Record<string, { readonly op: SharedOp; readonly exactZero?: readonly number[] }>> = {
  fadd: { op: 'add' },
  fsub: { op: 'sub' },
  fmul: { op: 'mul', exactZero: [0, 1] },
  fdiv: { op: 'div', exactZero: [0] },
  fsqrt: { op: 'sqrt' },
};

const comparisons: Readonly<Record<string, SharedOp>> = { feq: 'eq', flt: 'lt', fle: 'le' };

const fromIntegerOps: Readonly<Record<'f32' | 'f64', Readonly<Record<string, PlainOp>>>> = {
  f32: { w: 'f32.convert_i32_s', wu: 'f32.convert_i32_u', l: 'f32.convert_i64_s', lu: 'f32.convert_i64_u' },
  f64: { w: 'f64.convert_i32_s', wu: 'f64.convert_i32_u', l: 'f64.convert_i64_s', lu: 'f64.convert_i64_u' },
};

/** Truncated values from `least` to below `greatest` fit. */
interface IntegerOp {
  readonly least: number;
  readonly greatest: number;
  readonly op: PlainOp;
  readonly isNarrow: boolean;
}

const integerOps: Readonly<Record<string, IntegerOp>> = {
  w: { least: -(2 ** 31), greatest: 2 ** 31, op: 'i32.trunc_f64_s', isNarrow: true },
  wu: { least: 0, greatest: 2 ** 32, op: 'i32.trunc_f64_u', isNarrow: true },
  l: { least: -(2 ** 63), greatest: 2 ** 63, op: 'i64.trunc_f64_s', isNarrow: false },
  lu: { least: 0, greatest: 2 ** 64, op: 'i64.trunc_f64_u', isNarrow: false },
};

function pushDouble(code: Code, value: number): Code {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return code.i64(view.getBigInt64(0)).op('f64.reinterpret_i64');
}
