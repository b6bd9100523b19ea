/**
 * The code of one floating-point instruction, for the interpreter and for translated regions. WebAssembly's arithmetic
 * rounds to nearest and tells no flags; it is used where nothing else is asked for, which `FLOAT_LIMIT` tells in one
 * comparison with the result. Everything else is left to a helper function or to the slow path.
 */
import type { FloatOperation } from '../../isa/float/operations';
import type { PlainOp } from '../../wasm/opcodes';
import * as at from '../layout';
import type { FloatSite } from './site';

const DYNAMIC = 7;
const NEAREST = 0;
const TOWARDS_ZERO = 1;
const LAST_MODE = 4;
const INEXACT = 1;
const FRM_SHIFT = 5;
/** fcsr with a frm of 5, the first that is none. */
const RESERVED_FRM = 5 << FRM_SHIFT;

/** Emits an instruction that computes: all but loads and stores. */
export function emitFloat(site: FloatSite, operation: FloatOperation): void {
  const [name, target, source] = operation.name.split('.');
  if (isIllegalMode(site, operation)) site.giveUp();
  else if (name === 'fmv') emitMove(site, operation.name);
  else if (name === 'fcvt') emitConversion(site, operation, target, source);
  else if (name in roundedOps) emitRounded(site, operation, () => plainOperation(site, operation, roundedOps[name]));
  else if (name in comparisons) emitComparison(site, operation, comparisons[name]);
  else if (name === 'fmin' || name === 'fmax') emitExtreme(site, operation, name === 'fmin' ? 'min' : 'max');
  else if (name in signOps) emitSign(site, operation, name);
  else site.giveUp();
}

/** Gives up unless the unit is on, and marked dirty already if a register of its changes. */
export function requireUnit(site: FloatSite, changes: boolean): void {
  const { code } = site;
  if (site.unit === 'dirty' || (site.unit === 'on' && !changes)) return;
  code.i32(0).memory('i32.load', at.FLOAT_STATE);
  if (changes) code.i32(at.FLOAT_DIRTY).op('i32.eq');
  require(site);
}

/** Operations that WebAssembly has for both formats under the same name. */
type SharedOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'sqrt'
  | 'min'
  | 'max'
  | 'eq'
  | 'ne'
  | 'lt'
  | 'le'
  | 'gt'
  | 'abs'
  | 'neg'
  | 'copysign';

interface Precision {
  readonly type: 'f32' | 'f64';
  readonly load: 'f32.load' | 'f64.load';
  /** Where `FLOAT_LIMIT` lies in this format. */
  readonly limit: number;
  /** The least normal number. */
  readonly leastNormal: number;
}

const precisions: Readonly<Record<'s' | 'd', Precision>> = {
  s: { type: 'f32', load: 'f32.load', limit: at.FLOAT_LIMIT_SINGLE, leastNormal: 2 ** -126 },
  d: { type: 'f64', load: 'f64.load', limit: at.FLOAT_LIMIT, leastNormal: 2 ** -1022 },
};

const op = (p: Precision, name: SharedOp): PlainOp => `${p.type}.${name}`;

/**
 * Rounded operations of plain arithmetic. Sums and roots that are finite raise nothing but inexact, even when they are
 * subnormal; products and quotients that are not greater than the least normal number may have lost bits to underflow.
 */
const roundedOps: Readonly<Record<string, { readonly op: SharedOp; readonly range: Range }>> = {
  fadd: { op: 'add', range: 'finite' },
  fsub: { op: 'sub', range: 'finite' },
  fmul: { op: 'mul', range: 'normal' },
  fdiv: { op: 'div', range: 'normal' },
  fsqrt: { op: 'sqrt', range: 'finite' },
};
const comparisons: Readonly<Record<string, SharedOp>> = { feq: 'eq', flt: 'lt', fle: 'le' };
const signOps: Readonly<Record<string, true>> = { fsgnj: true, fsgnjn: true, fsgnjx: true };

/** What a result must be so that it can raise no flag but inexact. */
type Range = 'finite' | 'normal';

interface Plain {
  readonly result: number;
  readonly range: Range;
}

/** The operation that has no NaN, no infinity and no zero by accident as its result; leaves it in a local. */
function plainOperation(
  site: FloatSite,
  { operands, result }: FloatOperation,
  plain: (typeof roundedOps)[string],
): Plain {
  const { code, scratch } = site;
  const p = precisionOf(result);
  const local = scratch.get(p.type, 'result');
  operands.forEach((_, i) => site.push(i));
  code.op(op(p, plain.op)).set(local);
  return { result: local, range: plain.range };
}

/** A result that counts if plain arithmetic is what is asked for and it lies in its range. */
function emitRounded(site: FloatSite, operation: FloatOperation, compute: () => Plain): void {
  const { code, mode } = site;
  const p = precisionOf(operation.result);
  if (typeof mode === 'number' && mode !== NEAREST && mode !== DYNAMIC) {
    site.giveUp();
    return;
  }
  const { result, range } = compute();
  pushInRange(site, p, result, range);
  if (typeof mode !== 'number') {
    // Only 0 and 7 have two zeros here.
    mode();
    code.i32(1).op('i32.add').i32(6).op('i32.and', 'i32.eqz', 'i32.and');
  }
  require(site);
  site.write(() => code.get(result));
}

function pushInRange({ code }: FloatSite, p: Precision, value: number, range: Range): void {
  const magnitude = () => code.get(value).op(op(p, 'abs'));
  magnitude().i32(0).memory(p.load, p.limit).op(op(p, 'lt'));
  if (range === 'finite') return;
  magnitude();
  if (p.type === 'f32') code.f32(p.leastNormal);
  else code.f64(p.leastNormal);
  code.op(op(p, 'gt'), 'i32.and');
}

function emitComparison(site: FloatSite, operation: FloatOperation, compare: SharedOp): void {
  const { code } = site;
  const p = precisionOf(operation.operands[0]);
  requireUnit(site, false);
  for (const i of [0, 1]) {
    site.push(i);
    site.push(i);
    code.op(op(p, 'eq'));
  }
  code.op('i32.and');
  require(site);
  site.write(() => {
    site.push(0);
    site.push(1);
    code.op(op(p, compare), 'i64.extend_i32_u');
  });
}

/** WebAssembly takes -0 for less than +0, too; with a NaN its result is one. */
function emitExtreme(site: FloatSite, operation: FloatOperation, extreme: SharedOp): void {
  const { code, scratch } = site;
  const p = precisionOf(operation.result);
  const result = scratch.get(p.type, 'result');
  requireUnit(site, true);
  site.push(0);
  site.push(1);
  code.op(op(p, extreme)).tee(result).get(result).op(op(p, 'eq'));
  require(site);
  site.write(() => code.get(result));
}

function emitSign(site: FloatSite, operation: FloatOperation, name: string): void {
  const { code } = site;
  const p = precisionOf(operation.result);
  requireUnit(site, true);
  site.write(() => {
    site.push(0);
    if (site.sameOperands) {
      if (name !== 'fsgnj') code.op(op(p, name === 'fsgnjn' ? 'neg' : 'abs'));
      return;
    }
    site.push(1);
    if (name === 'fsgnjn') code.op(op(p, 'neg'));
    if (name === 'fsgnjx') pushExclusiveOr(site, p);
    else code.op(op(p, 'copysign'));
  });
}

/** From two values to the first one with the exclusive or of both signs. */
function pushExclusiveOr({ code, scratch }: FloatSite, p: Precision): void {
  if (p.type === 'f64') {
    code
      .op('i64.reinterpret_f64')
      .i64(-(1n << 63n))
      .op('i64.and')
      .set(scratch.get('i64', 'sign'));
    code.op('i64.reinterpret_f64').get(scratch.get('i64', 'sign')).op('i64.xor', 'f64.reinterpret_i64');
  } else {
    code.op('i32.reinterpret_f32').i32(-0x80000000).op('i32.and').set(scratch.get('i32', 'sign'));
    code.op('i32.reinterpret_f32').get(scratch.get('i32', 'sign')).op('i32.xor', 'f32.reinterpret_i32');
  }
}

function emitMove(site: FloatSite, name: string): void {
  const { code } = site;
  requireUnit(site, name === 'fmv.w.x' || name === 'fmv.d.x');
  site.write(() => {
    site.push(0);
    if (name === 'fmv.d.x') code.op('f64.reinterpret_i64');
    else if (name === 'fmv.w.x') code.op('i32.wrap_i64', 'f32.reinterpret_i32');
    else code.op('i64.reinterpret_f64');
    if (name === 'fmv.x.w') code.op('i64.extend32_s');
  });
}

function emitConversion(site: FloatSite, operation: FloatOperation, target: string, source: string): void {
  const { operands, result } = operation;
  if (result === 'x') emitToInteger(site, operation, target);
  else if (operands[0] === 'x') emitFromInteger(site, operation, source);
  else if (result === 'd') emitPromotion(site);
  else emitRounded(site, operation, () => demotion(site));
}

function emitFromInteger(site: FloatSite, operation: FloatOperation, source: string): void {
  const { code, scratch } = site;
  const p = precisionOf(operation.result);
  const result = scratch.get(p.type, 'result');
  const push = () => {
    site.push(0);
    if (source.startsWith('w')) code.op('i32.wrap_i64');
    code.op(fromIntegerOps[p.type][source]);
  };
  if (p.type === 'f64' && source.startsWith('w')) {
    requireUnit(site, true);
    requireMode(site);
    site.write(push);
    return;
  }
  emitRounded(site, operation, () => {
    push();
    code.set(result);
    return { result, range: 'finite' };
  });
}

function emitPromotion(site: FloatSite): void {
  const { code, scratch } = site;
  const result = scratch.get('f64', 'result');
  requireUnit(site, true);
  requireMode(site);
  site.push(0);
  code.op('f64.promote_f32').tee(result).get(result).op('f64.eq');
  require(site);
  site.write(() => code.get(result));
}

function demotion(site: FloatSite): Plain {
  const result = site.scratch.get('f32', 'result');
  site.push(0);
  site.code.op('f32.demote_f64').set(result);
  return { result, range: 'normal' };
}

/** In range, and exact, or truncated as C does while inexactness is accrued already. */
function emitToInteger(site: FloatSite, { operands }: FloatOperation, target: string): void {
  const { code, scratch } = site;
  const { least, greatest, convert, isNarrow } = integerOps[target];
  const [value, whole] = [scratch.get('f64', 'value'), scratch.get('f64', 'whole')];
  requireUnit(site, false);
  requireMode(site);
  site.push(0);
  if (operands[0] === 's') code.op('f64.promote_f32');
  code.tee(value).op('f64.trunc').tee(whole);
  code.f64(least).op('f64.ge').get(whole).f64(greatest).op('f64.lt', 'i32.and');
  code.get(whole).get(value).op('f64.eq');
  pushIsMode(site, TOWARDS_ZERO);
  pushFcsr(site);
  code.i32(INEXACT).op('i32.and', 'i32.and', 'i32.or', 'i32.and');
  require(site);
  site.write(() => {
    code.get(whole).op(convert);
    if (isNarrow) code.op('i64.extend_i32_s');
  });
}

/** Gives up unless the i32 on the stack is true. */
function require(site: FloatSite): void {
  site.code.op('i32.eqz').if(() => site.giveUp());
}

const pushFcsr = ({ code }: FloatSite) => code.i32(0).memory('i32.load', at.FCSR);

function pushIsMode({ code, mode }: FloatSite, wanted: number): void {
  if (typeof mode === 'number') {
    code.i32(Number(mode === wanted));
  } else {
    mode();
    code.i32(wanted).op('i32.eq');
  }
}

/** Whether the rounding mode is known to be none. */
const isIllegalMode = ({ mode }: FloatSite, { rounds }: FloatOperation): boolean =>
  rounds && typeof mode === 'number' && mode > LAST_MODE && mode !== DYNAMIC;

/** For exact operations: any rounding mode, if it is one. Instructions with 5 or 6 in the word are left to the slow path. */
function requireMode(site: FloatSite): void {
  const { code, mode } = site;
  if (typeof mode === 'number') {
    if (mode !== DYNAMIC) return;
    pushFcsr(site).i32(RESERVED_FRM).op('i32.lt_u');
  } else {
    mode();
    code.i32(LAST_MODE).op('i32.le_u');
    mode();
    code.i32(DYNAMIC).op('i32.eq');
    pushFcsr(site).i32(RESERVED_FRM).op('i32.lt_u', 'i32.and', 'i32.or');
  }
  require(site);
}

const precisionOf = (kind: string): Precision => precisions[kind === 's' ? 's' : 'd'];

const fromIntegerOps: Readonly<Record<'f32' | 'f64', Readonly<Record<string, PlainOp>>>> = {
  f32: { w: 'f32.convert_i32_s', wu: 'f32.convert_i32_u', l: 'f32.convert_i64_s', lu: 'f32.convert_i64_u' },
  f64: { w: 'f64.convert_i32_s', wu: 'f64.convert_i32_u', l: 'f64.convert_i64_s', lu: 'f64.convert_i64_u' },
};

/** Truncated values from `least` to below `greatest` fit. */
interface IntegerOp {
  readonly least: number;
  readonly greatest: number;
  readonly convert: PlainOp;
  readonly isNarrow: boolean;
}

const integerOps: Readonly<Record<string, IntegerOp>> = {
  w: { least: -(2 ** 31), greatest: 2 ** 31, convert: 'i32.trunc_f64_s', isNarrow: true },
  wu: { least: 0, greatest: 2 ** 32, convert: 'i32.trunc_f64_u', isNarrow: true },
  l: { least: -(2 ** 63), greatest: 2 ** 63, convert: 'i64.trunc_f64_s', isNarrow: false },
  lu: { least: 0, greatest: 2 ** 64, convert: 'i64.trunc_f64_u', isNarrow: false },
};
