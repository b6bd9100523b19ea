/**
 * The code of one floating-point instruction, for the interpreter and for translated regions. WebAssembly's arithmetic
 * rounds to nearest and tells no flags; it is used where nothing else is asked for, which `FLOAT_LIMIT` tells in one
 * comparison with the result. Helper functions (`helpers.ts`) do everything else.
 */
import type { FloatOperation } from '../../isa/float/operations';
import type { PlainOp } from '../../wasm/opcodes';
import * as at from '../layout';
import { emitFusedMultiplyAdd, hasFusedMultiplyAdd } from './fused-multiply-add';
import type { FloatSite } from './site';
import { integerRanges } from './soft-conversions';
import { FLAG, MODE } from './soft-format';

const FRM_SHIFT = 5;
/** fcsr with a frm of 5, the first that is none. */
const RESERVED_FRM = 5 << FRM_SHIFT;
/** mstatus.FS of a unit that is on. */
const FLOAT_ON = 1;

/** Emits an instruction that computes: all but loads and stores. */
export function emitFloat(site: FloatSite, operation: FloatOperation): void {
  const [name, target, source] = operation.name.split('.');
  if (isIllegalMode(site, operation)) site.giveUp();
  else if (name === 'fmv') emitMove(site, operation.name);
  else if (name === 'fcvt') emitConversion(site, operation, target, source);
  else if (name in plainOps) emitRounded(site, operation, plainArithmetic(site, operation, plainOps[name]));
  else if (name in fusedSigns) emitRounded(site, operation, multiplyAdd(site, operation, fusedSigns[name]));
  else if (name in comparisons) emitComparison(site, operation, comparisons[name]);
  else if (name === 'fmin' || name === 'fmax') emitExtreme(site, operation, name === 'fmin' ? 'min' : 'max');
  else if (name === 'fclass') emitClassify(site, operation);
  else emitSign(site, operation, name);
}

/** Gives up unless the unit is on, and marked dirty already if a register of its changes. */
export function requireUnit(site: Pick<FloatSite, 'code' | 'giveUp' | 'unit'>, changes: boolean): void {
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
  readonly letter: 's' | 'd';
  readonly type: 'f32' | 'f64';
  readonly load: 'f32.load' | 'f64.load';
  /** Where `FLOAT_LIMIT` lies in this format. */
  readonly limit: number;
  /** The least normal number. */
  readonly leastNormal: number;
}

const precisions: Readonly<Record<'s' | 'd', Precision>> = {
  s: { letter: 's', type: 'f32', load: 'f32.load', limit: at.FLOAT_LIMIT_SINGLE, leastNormal: 2 ** -126 },
  d: { letter: 'd', type: 'f64', load: 'f64.load', limit: at.FLOAT_LIMIT, leastNormal: 2 ** -1022 },
};
const precisionOf = (kind: string): Precision => precisions[kind === 's' ? 's' : 'd'];

const op = (p: Precision, name: SharedOp): PlainOp => `${p.type}.${name}`;

/** What a result must be so that it can raise no flag but inexact. */
type Range = 'finite' | 'normal';

/**
 * Rounded operations of plain arithmetic. Sums and roots that are finite raise nothing but inexact, even when they are
 * subnormal; products and quotients that are not greater than the least normal number may have lost bits to underflow.
 */
const plainOps: Readonly<Record<string, { readonly op: SharedOp; readonly range: Range }>> = {
  fadd: { op: 'add', range: 'finite' },
  fsub: { op: 'sub', range: 'finite' },
  fmul: { op: 'mul', range: 'normal' },
  fdiv: { op: 'div', range: 'normal' },
  fsqrt: { op: 'sqrt', range: 'finite' },
};
const comparisons: Readonly<Record<string, SharedOp>> = { feq: 'eq', flt: 'lt', fle: 'le' };

/** Which of product and addend are negated. */
const fusedSigns: Readonly<Record<string, { readonly product: boolean; readonly addend: boolean }>> = {
  fmadd: { product: false, addend: false },
  fmsub: { product: false, addend: true },
  fnmsub: { product: true, addend: false },
  fnmadd: { product: true, addend: true },
};

/** How a rounded result comes about. */
interface Rounded {
  /** Pushes the result of plain operations, rounded to nearest; absent if there are none. */
  readonly plain?: () => void;
  /** The range in which that result is right. */
  readonly range: Range;
  /** Pushes whether the plain result is right although it is in range, where that is not always so. */
  readonly isCertain?: () => void;
  /** The function for all other cases, and what pushes its operands but the mode. */
  readonly helper: string;
  readonly operands: () => void;
}

/** A result that counts if plain arithmetic is what is asked for and it lies in its range; else the helper's. */
function emitRounded(site: FloatSite, operation: FloatOperation, rounded: Rounded): void {
  const { code, scratch, mode } = site;
  const p = precisionOf(operation.result);
  const result = scratch.get(p.type, 'result');
  const help = () => {
    begin(site, at.FLOAT_DIRTY);
    rounded.operands();
    code.get(scratch.get('i32', 'mode')).call(site.helper(rounded.helper)).set(result);
  };
  if (!rounded.plain || (typeof mode === 'number' && mode !== MODE.nearest && mode !== MODE.dynamic)) {
    help();
  } else {
    rounded.plain();
    code.set(result);
    pushInRange(site, p, result, rounded.range);
    if (rounded.isCertain) {
      rounded.isCertain();
      code.op('i32.and');
    }
    if (typeof mode !== 'number') {
      // To nearest and dynamic, 0 and 7, have two zeros here.
      mode();
      code.i32(1).op('i32.add').i32(6).op('i32.and', 'i32.eqz', 'i32.and');
    }
    code.op('i32.eqz').if(help);
  }
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

/** Has the rounding mode in the scratch local, or gives up: the unit's state is too low, or the mode is none. */
function begin(site: FloatSite, leastState: number): void {
  const { code, scratch, mode } = site;
  if (typeof mode === 'number') code.i32(mode);
  else mode();
  code.i32(leastState).call(site.helper('begin')).tee(scratch.get('i32', 'mode'));
  code
    .i32(0)
    .op('i32.lt_s')
    .if(() => site.giveUp());
}

function plainArithmetic(site: FloatSite, operation: FloatOperation, plain: (typeof plainOps)[string]): Rounded {
  const { code } = site;
  const p = precisionOf(operation.result);
  const push = () => operation.operands.forEach((_, i) => site.push(i));
  return {
    plain: () => {
      push();
      code.op(op(p, plain.op));
    },
    range: plain.range,
    helper: `${plain.op === 'sub' ? 'fadd' : `f${plain.op}`}.${p.letter}`,
    operands: () => {
      push();
      if (plain.op === 'sub') code.op(op(p, 'neg'));
    },
  };
}

/** The signs are changed before: exact, and a NaN's sign is of no account. */
function multiplyAdd(site: FloatSite, operation: FloatOperation, signs: (typeof fusedSigns)[string]): Rounded {
  const { code } = site;
  const p = precisionOf(operation.result);
  const push = (i: number) => {
    site.push(i);
    if ((i === 0 && signs.product) || (i === 2 && signs.addend)) code.op(op(p, 'neg'));
  };
  const operands = () => [0, 1, 2].forEach(push);
  const rounded = { range: 'normal', helper: `fmadd.${p.letter}`, operands } as const;
  if (site.fused ?? hasFusedMultiplyAdd()) return { ...rounded, plain: () => emitFusedMultiplyAdd(code, p.type, push) };
  if (p.letter === 'd') return rounded;
  const wide = site.scratch.get('f64', 'wide');
  const plain = () => {
    push(0);
    code.op('f64.promote_f32');
    push(1);
    code.op('f64.promote_f32', 'f64.mul');
    push(2);
    code.op('f64.promote_f32', 'f64.add').tee(wide).op('f32.demote_f64');
  };
  // The product is exact, the sum may be rounded: to a number half-way between two singles, it would be rounded wrongly.
  const isCertain = () =>
    code.get(wide).op('i64.reinterpret_f64').i64(BELOW_SINGLE).op('i64.and').i64(HALF_OF_SINGLE).op('i64.ne');
  return { ...rounded, plain, isCertain };
}

/** The bits of a double that a single has no room for, and the highest of these. */
const BELOW_SINGLE = (1n << 29n) - 1n;
const HALF_OF_SINGLE = 1n << 28n;

function emitComparison(site: FloatSite, operation: FloatOperation, compare: SharedOp): void {
  const { code } = site;
  const p = precisionOf(operation.operands[0]);
  const pushBoth = () => {
    site.push(0);
    site.push(1);
  };
  requireUnit(site, false);
  for (const i of [0, 1]) {
    site.push(i);
    site.push(i);
    code.op(op(p, 'ne'));
  }
  code.op('i32.or').if(() => {
    if (compare === 'eq') {
      pushBoth();
      code.call(site.helper(`nan.${p.letter}`)).op('drop');
    } else {
      code.i32(FLAG.invalid).call(site.helper('raise'));
    }
  });
  site.write(() => {
    pushBoth();
    code.op(op(p, compare), 'i64.extend_i32_u');
  });
}

/** WebAssembly takes -0 for less than +0, too; with a NaN its result is one. */
function emitExtreme(site: FloatSite, operation: FloatOperation, extreme: SharedOp): void {
  const { code, scratch } = site;
  const p = precisionOf(operation.result);
  const result = scratch.get(p.type, 'result');
  const pushBoth = () => {
    site.push(0);
    site.push(1);
  };
  requireUnit(site, true);
  pushBoth();
  code.op(op(p, extreme)).tee(result).get(result).op(op(p, 'ne'));
  code.if(() => {
    pushBoth();
    code.call(site.helper(`number.${p.letter}`)).set(result);
  });
  site.write(() => code.get(result));
}

function emitClassify(site: FloatSite, operation: FloatOperation): void {
  requireUnit(site, false);
  site.write(() => {
    site.push(0);
    site.code.call(site.helper(`fclass.${operation.operands[0]}`));
  });
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
    const sign = scratch.get('i64', 'sign');
    code
      .op('i64.reinterpret_f64')
      .i64(-(1n << 63n))
      .op('i64.and')
      .set(sign);
    code.op('i64.reinterpret_f64').get(sign).op('i64.xor', 'f64.reinterpret_i64');
  } else {
    const sign = scratch.get('i32', 'sign');
    code.op('i32.reinterpret_f32').i32(-0x80000000).op('i32.and').set(sign);
    code.op('i32.reinterpret_f32').get(sign).op('i32.xor', 'f32.reinterpret_i32');
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
  else emitRounded(site, operation, demotion(site));
}

function demotion(site: FloatSite): Rounded {
  const operands = () => site.push(0);
  const plain = () => {
    operands();
    site.code.op('f32.demote_f64');
  };
  return { plain, range: 'normal', helper: 'demote', operands };
}

function emitFromInteger(site: FloatSite, operation: FloatOperation, source: string): void {
  const { code } = site;
  const p = precisionOf(operation.result);
  const isNarrow = source.startsWith('w');
  const isSigned = !source.endsWith('u');
  const plain = () => {
    site.push(0);
    if (isNarrow) code.op('i32.wrap_i64');
    code.op(fromIntegerOps[p.type][source]);
  };
  if (p.type === 'f64' && isNarrow) {
    requireUnit(site, true);
    requireMode(site);
    site.write(plain);
    return;
  }
  const operands = () => {
    site.push(0);
    if (isNarrow) code.op('i32.wrap_i64', isSigned ? 'i64.extend_i32_s' : 'i64.extend_i32_u');
  };
  emitRounded(site, operation, {
    plain,
    range: 'finite',
    helper: `from.${isSigned ? 'l' : 'lu'}.${p.letter}`,
    operands,
  });
}

const fromIntegerOps: Readonly<Record<'f32' | 'f64', Readonly<Record<string, PlainOp>>>> = {
  f32: { w: 'f32.convert_i32_s', wu: 'f32.convert_i32_u', l: 'f32.convert_i64_s', lu: 'f32.convert_i64_u' },
  f64: { w: 'f64.convert_i32_s', wu: 'f64.convert_i32_u', l: 'f64.convert_i64_s', lu: 'f64.convert_i64_u' },
};

function emitPromotion(site: FloatSite): void {
  const { code, scratch } = site;
  const result = scratch.get('f64', 'result');
  requireUnit(site, true);
  requireMode(site);
  site.push(0);
  code.op('f64.promote_f32').tee(result).get(result).op('f64.ne');
  code.if(() => {
    site.push(0);
    code.call(site.helper('promote.nan')).set(result);
  });
  site.write(() => code.get(result));
}

/** WebAssembly's rounding to an integer in the modes that are known when the code is made; C truncates. */
const roundingOps: Readonly<Record<number, PlainOp>> = {
  [MODE.nearest]: 'f64.nearest',
  [MODE.towardsZero]: 'f64.trunc',
  [MODE.down]: 'f64.floor',
  [MODE.up]: 'f64.ceil',
};

/** In range, and exact or while inexactness is accrued already. */
function emitToInteger(site: FloatSite, { operands }: FloatOperation, target: string): void {
  const { code, scratch, mode } = site;
  const { least, greatest, convert, isNarrow } = integerRanges[target];
  const [value, whole] = [scratch.get('f64', 'value'), scratch.get('f64', 'whole')];
  const result = scratch.get('i64', 'integer');
  const rounding = roundingOps[typeof mode === 'number' ? mode : MODE.towardsZero];
  requireUnit(site, false);
  site.push(0);
  if (operands[0] === 's') code.op('f64.promote_f32');
  code.set(value);
  const help = () => {
    begin(site, FLOAT_ON);
    code
      .get(value)
      .get(scratch.get('i32', 'mode'))
      .call(site.helper(`to.${target}`))
      .set(result);
  };
  if (rounding === undefined) {
    help();
  } else {
    code.get(value).op(rounding).tee(whole).f64(least).op('f64.ge').get(whole).f64(greatest).op('f64.lt', 'i32.and');
    code.get(whole).get(value).op('f64.eq');
    pushFcsr(site).i32(FLAG.inexact).op('i32.and', 'i32.or', 'i32.and');
    if (typeof mode !== 'number') {
      mode();
      code.i32(MODE.towardsZero).op('i32.eq', 'i32.and');
    }
    code.if(() => {
      code.get(whole).op(convert);
      if (isNarrow) code.op('i64.extend_i32_s');
      code.set(result);
    }, help);
  }
  site.write(() => code.get(result));
}

/** Gives up unless the i32 on the stack is true. */
function require(site: Pick<FloatSite, 'code' | 'giveUp'>): void {
  site.code.op('i32.eqz').if(() => site.giveUp());
}

const pushFcsr = ({ code }: FloatSite) => code.i32(0).memory('i32.load', at.FCSR);

/** Whether the rounding mode is known to be none. */
const isIllegalMode = ({ mode }: FloatSite, { rounds }: FloatOperation): boolean =>
  rounds && typeof mode === 'number' && mode > MODE.away && mode !== MODE.dynamic;

/** For exact operations: any rounding mode, if it is one. */
function requireMode(site: FloatSite): void {
  const { code, mode } = site;
  if (typeof mode === 'number') {
    if (mode !== MODE.dynamic) return;
    pushFcsr(site).i32(RESERVED_FRM).op('i32.lt_u');
  } else {
    mode();
    code.i32(MODE.away).op('i32.le_u');
    mode();
    code.i32(MODE.dynamic).op('i32.eq');
    pushFcsr(site).i32(RESERVED_FRM).op('i32.lt_u', 'i32.and', 'i32.or');
  }
  require(site);
}
