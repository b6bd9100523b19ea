/** Generated functions that all operations end in: rounding in any mode, exceptions, NaNs (see `isa/float/rounding.ts`). */
import type { Module } from '../../wasm/module';
import type { ValueType } from '../../wasm/opcodes';
import * as at from '../layout';
import type { SoftFormat } from './soft-format';
import { FLAG, MODE } from './soft-format';
import type { Local, Term } from './terms';
import { add, and, bit, Body, call, clz, either, eq, gt, isZero, lt, ne, op, or, select, shl, shr, sub } from './terms';

/** fcsr's rounding mode and the flag of inexactness: to nearest, and accrued. */
const PLAIN_MASK = 0xe1;
const PLAIN = 0x01;

/** Functions of one format, by their indices. */
export interface RoundingFunctions {
  /**
   * (negative: i64, exponent: i64, significand: i64, mode: i32) -> the number for `significand` × 2^`exponent`, which is
   * not zero. A value that goes on below has a one as its last bit, at least two places below what the format can hold.
   */
  readonly round: number;
  /** (a, b) -> the canonical NaN, and invalid if one of both is a signaling NaN. */
  readonly nan: number;
  /** () -> the canonical NaN, and invalid. */
  readonly invalid: number;
}

/** Defines a function of parameters of these types, whose body gets them as locals. */
export function defineFunction(
  module: Module,
  parameters: readonly ValueType[],
  results: readonly ValueType[],
  write: (body: Body, ...locals: Local[]) => void,
): number {
  return module.define({ parameters, results }, (code) =>
    write(new Body(code), ...parameters.map((_, local) => ({ local }))),
  );
}

export const fcsr: Term = (code) => void code.i32(0).memory('i32.load', at.FCSR);

/** (flags: i32): accrues exceptions; new ones make the unit's state dirty. */
export function defineRaise(module: Module): number {
  return defineFunction(module, ['i32'], [], (body, flags) => {
    const { code } = body;
    body.if(op('i32.ne', op('i32.and', fcsr, flags), flags), () => {
      code.i32(0);
      body.do(op('i32.or', fcsr, flags));
      code.memory('i32.store', at.FCSR);
      code.i32(0).i32(at.FLOAT_DIRTY).memory('i32.store', at.FLOAT_STATE);
      const isPlain = body.let('i32', op('i32.eq', op('i32.and', fcsr, PLAIN_MASK), PLAIN));
      code.i32(0).f64(Infinity).f64(0).get(isPlain.local).op('select').memory('f64.store', at.FLOAT_LIMIT);
      code.i32(0).f32(Infinity).f32(0).get(isPlain.local).op('select').memory('f32.store', at.FLOAT_LIMIT_SINGLE);
    });
  });
}

export function defineRounding(module: Module, f: SoftFormat, raise: number): RoundingFunctions {
  const nan = defineFunction(module, [f.type, f.type], [f.type], (body, a, b) => {
    body.if(either(f.isSignaling(f.bits(a)), f.isSignaling(f.bits(b))), () => body.do(call(raise, FLAG.invalid)));
    body.result(f.canonicalNaN);
  });
  const invalid = defineFunction(module, [], [f.type], (body) => {
    body.do(call(raise, FLAG.invalid));
    body.result(f.canonicalNaN);
  });
  const round = defineFunction(module, ['i64', 'i64', 'i64', 'i32'], [f.type], (body, ...parameters) =>
    writeRound(body, f, raise, parameters),
  );
  return { round, nan, invalid };
}

function writeRound(body: Body, f: SoftFormat, raise: number, parameters: readonly Local[]): void {
  const [negative, exponent, significand, mode] = parameters;
  const { precision, leastExponent, infinity, width } = f.format;
  /** Bits below the last one that the format can hold, when the leading one is at bit 63. */
  const shift = body.let('i64', BigInt(64 - precision));
  const mask = body.let('i64', 0n);
  const flags = body.let('i32', FLAG.inexact);
  const zeros = body.let('i64', clz(significand));
  body.set(significand, shl(significand, zeros));
  /** The exponent field, less one since the leading one adds itself to it; negative for what is subnormal. */
  const field = body.let('i64', add(sub(exponent, zeros), BigInt(64 - precision - leastExponent)));
  const half = shl(1n, sub(shift, 1n));
  const setMask = () => body.set(mask, sub(shl(1n, shift), 1n));
  const rest = () => and(significand, mask);
  /** What is added to the bits that are lost, so that a carry rounds up. */
  const increment = body.let('i64', 0n);
  const setIncrement = () =>
    body.if(
      op('i32.eqz', mode),
      () => body.set(increment, add(sub(half, 1n), and(shr(significand, shift), 1n))),
      () => {
        body.if(op('i32.eq', mode, MODE.away), () => body.set(increment, half));
        body.if(op('i32.eq', mode, MODE.down), () => body.set(increment, select(isZero(negative), 0n, mask)));
        body.if(op('i32.eq', mode, MODE.up), () => body.set(increment, select(isZero(negative), mask, 0n)));
      },
    );
  setMask();
  body.if(lt(field, 0n), () => {
    // Tiny unless the value, rounded as if exponents had no lower bound, reaches the least normal number.
    setIncrement();
    const carries = eq(add(shr(significand, shift), shr(add(rest(), increment), shift)), 1n << BigInt(precision));
    body.set(
      flags,
      select(either(lt(field, -1n), op('i32.eqz', carries)), FLAG.inexact | FLAG.underflow, FLAG.inexact),
    );
    // Two more bits of room, so that half of the least subnormal number is still below the leading one.
    body.set(significand, or(shr(significand, 2n), bit(ne(and(significand, 3n), 0n))));
    body.set(shift, sub(sub(shift, 2n), field));
    body.set(shift, select(gt(shift, 63n), 63n, shift));
    body.set(field, 0n);
    setMask();
  });
  setIncrement();
  const inexact = body.let('i64', rest());
  const quotient = add(shr(significand, shift), shr(add(inexact, increment), shift));
  const magnitude = body.let('i64', add(shl(field, f.fractionBits), quotient));
  body.if(
    either(op('i64.gt_s', field, f.format.exponentMax - 1n), op('i64.ge_u', magnitude, infinity)),
    () => {
      body.do(call(raise, FLAG.overflow | FLAG.inexact));
      body.set(magnitude, select(isZero(increment), f.format.greatest, infinity));
    },
    () => body.if(ne(inexact, 0n), () => body.do(call(raise, flags))),
  );
  body.result(f.value(or(magnitude, shl(negative, width - 1n))));
}
