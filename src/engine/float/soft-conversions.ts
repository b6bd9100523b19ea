/** Generated functions for conversions, and for what plain operations do not tell about NaNs and kinds of numbers. */
import type { Module } from '../../wasm/module';
import type { PlainOp } from '../../wasm/opcodes';
import type { SoftFormat } from './soft-format';
import { FLAG, MODE, softFormats } from './soft-format';
import { nearestInteger, nearestSingle } from './soft-nearest';
import type { RoundingFunctions } from './soft-rounding';
import { defineFunction } from './soft-rounding';
import type { Term } from './terms';
import { and, bit, call, either, isZero, op, select, shl, sub } from './terms';

const { s, d } = softFormats;
const double =
  (value: number): Term =>
  (code) =>
    void code.f64(value);

/** (f64, mode) -> f32. */
export function defineDemotion(module: Module, raise: number, inSingle: RoundingFunctions): number {
  return defineFunction(module, ['f64', 'i32'], ['f32'], (body, a, mode) => {
    nearestSingle(body, s, raise, a, mode);
    body.if(d.isNaN(a), () => {
      body.if(d.isSignaling(d.bits(a)), () => body.do(call(raise, FLAG.invalid)));
      body.return(s.canonicalNaN);
    });
    body.if(either(d.isZero(a), d.isInfinite(a)), () => body.return(op('f32.demote_f64', a)));
    const { negative, exponent, significand } = d.unpack(body, a, 63n);
    body.result(call(inSingle.round, negative, exponent, significand, mode));
  });
}

/** (f32) -> f64, of a NaN: the canonical one. */
export function definePromotedNaN(module: Module, raise: number): number {
  return defineFunction(module, ['f32'], ['f64'], (body, a) => {
    body.if(s.isSignaling(s.bits(a)), () => body.do(call(raise, FLAG.invalid)));
    body.result(d.canonicalNaN);
  });
}

/** (integer: i64, mode) -> its value; signed or unsigned 64 bits, which hold the narrower ones too. */
export function defineFromInteger(
  module: Module,
  f: SoftFormat,
  { raise, round }: { readonly raise: number; readonly round: number },
  isSigned: boolean,
): number {
  return defineFunction(module, ['i64', 'i32'], [f.type], (body, a, mode) => {
    body.if(isZero(a), () => body.return(f.constant(0)));
    const negative = body.let('i64', isSigned ? op('i64.shr_u', a, 63n) : 0n);
    const magnitude = body.let('i64', isSigned ? select(isZero(negative), a, sub(0n, a)) : a);
    nearestInteger(body, f, raise, [magnitude, op(`${f.type}.convert_i64_${isSigned ? 's' : 'u'}`, a)], mode);
    body.result(call(round, negative, 0n, magnitude, mode));
  });
}

/** Rounded values from `least` to below `greatest` fit. */
export interface IntegerRange {
  readonly least: number;
  readonly greatest: number;
  readonly convert: PlainOp;
  readonly isNarrow: boolean;
}

export const integerRanges: Readonly<Record<string, IntegerRange>> = {
  w: { least: -(2 ** 31), greatest: 2 ** 31, convert: 'i32.trunc_f64_s', isNarrow: true },
  wu: { least: 0, greatest: 2 ** 32, convert: 'i32.trunc_f64_u', isNarrow: true },
  l: { least: -(2 ** 63), greatest: 2 ** 63, convert: 'i64.trunc_f64_s', isNarrow: false },
  lu: { least: 0, greatest: 2 ** 64, convert: 'i64.trunc_f64_u', isNarrow: false },
};

/** (f64, mode) -> i64, sign-extended. What does not fit becomes the nearest that does, a NaN the greatest. */
export function defineToInteger(module: Module, raise: number, range: IntegerRange): number {
  const { least, greatest, convert, isNarrow } = range;
  const bits = isNarrow ? 32 : 64;
  const greatestInteger = BigInt.asIntN(bits, BigInt(greatest) - 1n);
  const extended = (value: Term) => (isNarrow ? op('i64.extend_i32_s', value) : value);
  return defineFunction(module, ['f64', 'i32'], ['i64'], (body, a, mode) => {
    const whole = body.let('f64', op('f64.nearest', a));
    const whenMode = (wanted: number, value: Term) => body.if(op('i32.eq', mode, wanted), () => body.set(whole, value));
    whenMode(MODE.towardsZero, op('f64.trunc', a));
    whenMode(MODE.down, op('f64.floor', a));
    whenMode(MODE.up, op('f64.ceil', a));
    const cut = op('f64.trunc', a);
    const isHalf = op('f64.ge', op('f64.abs', op('f64.sub', a, cut)), double(0.5));
    const away = select(isHalf, op('f64.copysign', double(1), a), double(0));
    whenMode(MODE.away, op('f64.add', cut, away));
    const raiseAndReturn = (value: bigint) => {
      body.do(call(raise, FLAG.invalid));
      body.return(value);
    };
    body.if(op('i32.eqz', op('f64.lt', whole, double(greatest))), () => raiseAndReturn(greatestInteger));
    body.if(op('f64.lt', whole, double(least)), () => raiseAndReturn(BigInt(least)));
    body.if(op('f64.ne', whole, a), () => body.do(call(raise, FLAG.inexact)));
    body.result(extended(op(convert, whole)));
  });
}

/** (a, b), one of them a NaN -> the other one, or the canonical NaN: the least and the greatest of both. */
export function defineNumberOf(module: Module, f: SoftFormat, nan: number): number {
  return defineFunction(module, [f.type, f.type], [f.type], (body, a, b) => {
    const result = body.let(f.type, call(nan, a, b));
    body.if(f.op('eq', a, a), () => body.return(a));
    body.if(f.op('eq', b, b), () => body.return(b));
    body.result(result);
  });
}

/** (a) -> i64 with the bit that stands for the kind of number (Unprivileged, table 20.1). */
export function defineClassify(module: Module, f: SoftFormat): number {
  return defineFunction(module, [f.type], ['i64'], (body, a) => {
    const magnitude = body.let('i64', and(f.bits(a), f.format.signBit - 1n));
    /** For positive numbers; the classes of negative ones lie mirrored below. */
    const classes: readonly (readonly [number, Term])[] = [
      [7, f.isInfinite(a)],
      [4, f.isZero(a)],
      [5, op('i64.lt_u', magnitude, 1n << f.fractionBits)],
    ];
    const returnClass = (positive: number) =>
      body.return(select(isZero(f.negative(f.bits(a))), 1n << BigInt(positive), 1n << BigInt(7 - positive)));
    body.if(f.isNaN(a), () => body.return(shl(1n, sub(9n, bit(f.isSignaling(f.bits(a)))))));
    for (const [number, condition] of classes) body.if(condition, () => returnClass(number));
    returnClass(6);
    body.code.op('unreachable');
  });
}
