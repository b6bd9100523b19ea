/**
 * The functions that do exactly what plain WebAssembly operations cannot: every rounding mode, every flag. Generated code
 * calls them where its plain operation does not count; they may be imported by other modules under their names.
 */
import type { Module } from '../../wasm/module';
import type { FunctionType } from '../../wasm/module';
import * as at from '../layout';
import { defineAdd, defineDivide, defineMultiply, defineMultiplyAdd, defineSquareRoot } from './soft-arithmetic';
import {
  defineClassify,
  defineDemotion,
  defineFromInteger,
  defineNumberOf,
  definePromotedNaN,
  defineToInteger,
  integerRanges,
} from './soft-conversions';
import { MODE, softFormats } from './soft-format';
import { defineFunction, defineRaise, defineRounding, fcsr } from './soft-rounding';
import { op, push } from './terms';

const FRM_SHIFT = 5;

const arithmeticTypes = (letter: 's' | 'd'): Record<string, FunctionType> => {
  const value = letter === 's' ? 'f32' : 'f64';
  const type = (count: number): FunctionType => ({
    parameters: [...Array.from({ length: count }, () => value), 'i32'] as const,
    results: [value],
  });
  return {
    [`fadd.${letter}`]: type(2),
    [`fmul.${letter}`]: type(2),
    [`fdiv.${letter}`]: type(2),
    [`fsqrt.${letter}`]: type(1),
    [`fmadd.${letter}`]: type(3),
    [`from.l.${letter}`]: { parameters: ['i64', 'i32'], results: [value] },
    [`from.lu.${letter}`]: { parameters: ['i64', 'i32'], results: [value] },
    [`nan.${letter}`]: { parameters: [value, value], results: [value] },
    [`number.${letter}`]: { parameters: [value, value], results: [value] },
    [`fclass.${letter}`]: { parameters: [value], results: ['i64'] },
  };
};

const toInteger: FunctionType = { parameters: ['f64', 'i32'], results: ['i64'] };

/**
 * The functions' types by name. A trailing i32 is the rounding mode, 0 to 4, as `begin` gives it.
 *
 * `begin` (coded mode, least mstatus.FS) -> the rounding mode, or -1 when the slow path must do the instruction.
 */
export const floatHelperTypes: Readonly<Record<string, FunctionType>> = {
  begin: { parameters: ['i32', 'i32'], results: ['i32'] },
  raise: { parameters: ['i32'], results: [] },
  ...arithmeticTypes('s'),
  ...arithmeticTypes('d'),
  demote: { parameters: ['f64', 'i32'], results: ['f32'] },
  'promote.nan': { parameters: ['f32'], results: ['f64'] },
  'to.w': toInteger,
  'to.wu': toInteger,
  'to.l': toInteger,
  'to.lu': toInteger,
};

/** Defines them all. @returns their indices by name */
export function defineFloatHelpers(module: Module, mulhu: number): ReadonlyMap<string, number> {
  const helpers = new Map<string, number>();
  const raise = defineRaise(module);
  helpers.set('raise', raise);
  helpers.set('begin', defineBegin(module));
  const rounding = {
    s: defineRounding(module, softFormats.s, raise),
    d: defineRounding(module, softFormats.d, raise),
  };
  for (const letter of ['s', 'd'] as const) {
    const f = softFormats[letter];
    const { nan } = rounding[letter];
    const parts = { ...rounding[letter], raise, mulhu };
    const multiply = defineMultiply(module, f, parts);
    helpers.set(`fadd.${letter}`, defineAdd(module, f, parts));
    helpers.set(`fmul.${letter}`, multiply);
    helpers.set(`fdiv.${letter}`, defineDivide(module, f, parts));
    helpers.set(`fsqrt.${letter}`, defineSquareRoot(module, f, parts));
    helpers.set(`fmadd.${letter}`, defineMultiplyAdd(module, f, parts, multiply));
    helpers.set(`from.l.${letter}`, defineFromInteger(module, f, parts, true));
    helpers.set(`from.lu.${letter}`, defineFromInteger(module, f, parts, false));
    helpers.set(`nan.${letter}`, nan);
    helpers.set(`number.${letter}`, defineNumberOf(module, f, nan));
    helpers.set(`fclass.${letter}`, defineClassify(module, f));
  }
  helpers.set('demote', defineDemotion(module, raise, rounding.s));
  helpers.set('promote.nan', definePromotedNaN(module, raise));
  for (const [target, range] of Object.entries(integerRanges)) {
    helpers.set(`to.${target}`, defineToInteger(module, raise, range));
  }
  return helpers;
}

function defineBegin(module: Module): number {
  return defineFunction(module, ['i32', 'i32'], ['i32'], (body, coded, leastState) => {
    const { code } = body;
    body.if(op('i32.eq', coded, MODE.dynamic), () => body.set(coded, op('i32.shr_u', fcsr, FRM_SHIFT)));
    push(code, -1).get(coded.local);
    code.get(coded.local).i32(MODE.away).op('i32.gt_u');
    code.i32(0).memory('i32.load', at.FLOAT_STATE).get(leastState.local).op('i32.lt_u', 'i32.or', 'select');
  });
}
