/** Generated functions for the rounded operations, in every rounding mode and with their flags (see `isa/float/`). */
import type { Module } from '../../wasm/module';
import type { SoftFormat, Unpacked } from './soft-format';
import { FLAG, MODE, shiftSticky, softFormats } from './soft-format';
import {
  nearestDoubleMultiplyAdd,
  nearestProduct,
  nearestQuotient,
  nearestRoot,
  nearestSingleMultiplyAdd,
  nearestSum,
} from './soft-nearest';
import type { RoundingFunctions } from './soft-rounding';
import { defineFunction } from './soft-rounding';
import type { Body, Local, Term } from './terms';
import {
  add,
  and,
  below,
  bit,
  both,
  call,
  clz,
  either,
  eq,
  gt,
  isZero,
  lt,
  mul,
  ne,
  op,
  or,
  shl,
  shr,
  sub,
  xor,
} from './terms';

/** What the functions of one format call. */
export interface Parts extends RoundingFunctions {
  readonly raise: number;
  readonly mulhu: number;
}

/** Leading ones of the significands that sums are made of: room for a carry. */
const SUM_LEAD = 62n;
/** A double's significand as an integer. */
const INTEGER_LEAD = 52n;

/** (a, b, mode) -> the sum. */
export function defineAdd(module: Module, f: SoftFormat, parts: Parts): number {
  return defineFunction(module, [f.type, f.type, 'i32'], [f.type], (body, a, b, mode) => {
    nearestSum(body, f, parts.raise, a, b, mode);
    returnNaN(body, f, parts, a, b);
    const sum = body.let(f.type, f.op('add', a, b));
    body.if(either(f.isInfinite(a), f.isInfinite(b)), () => returnUnlessInvalid(body, f, parts, sum));
    body.if(either(f.isZero(a), f.isZero(b)), () => returnWithZero(body, f, a, b, sum, mode));
    const x = f.unpack(body, a, SUM_LEAD);
    const y = f.unpack(body, b, SUM_LEAD);
    body.result(roundedSum(body, parts, f, x, y, mode));
  });
}

/** (a, b, mode) -> the product. */
export function defineMultiply(module: Module, f: SoftFormat, parts: Parts): number {
  return defineFunction(module, [f.type, f.type, 'i32'], [f.type], (body, a, b, mode) => {
    nearestProduct(body, f, parts.raise, a, b, mode);
    returnNaN(body, f, parts, a, b);
    const product = body.let(f.type, f.op('mul', a, b));
    body.if(either(f.isInfinite(a), f.isInfinite(b)), () => returnUnlessInvalid(body, f, parts, product));
    body.if(either(f.isZero(a), f.isZero(b)), () => body.return(product));
    const x = f.unpack(body, a, 63n);
    const y = f.unpack(body, b, 63n);
    const high = call(parts.mulhu, x.significand, y.significand);
    const low = mul(x.significand, y.significand);
    const significand = or(high, bit(ne(low, 0n)));
    const exponent = add(add(x.exponent, y.exponent), 64n);
    body.result(call(parts.round, xor(x.negative, y.negative), exponent, significand, mode));
  });
}

/** (a, b, mode) -> the quotient. */
export function defineDivide(module: Module, f: SoftFormat, parts: Parts): number {
  return defineFunction(module, [f.type, f.type, 'i32'], [f.type], (body, a, b, mode) => {
    nearestQuotient(body, f, parts.raise, a, b, mode);
    returnNaN(body, f, parts, a, b);
    const plain = body.let(f.type, f.op('div', a, b));
    body.if(either(f.isInfinite(a), f.isInfinite(b)), () => returnUnlessInvalid(body, f, parts, plain));
    body.if(f.isZero(a), () => returnUnlessInvalid(body, f, parts, plain));
    body.if(f.isZero(b), () => {
      body.do(call(parts.raise, FLAG.divideByZero));
      body.return(plain);
    });
    const x = f.unpack(body, a, INTEGER_LEAD);
    const y = f.unpack(body, b, INTEGER_LEAD);
    // The processor's quotient of the integers, in units of 2^-53, is at most one unit off; the remainder tells.
    const real = op('f64.div', op('f64.convert_i64_u', x.significand), op('f64.convert_i64_u', y.significand));
    const scaled = op('f64.mul', real, (code) => void code.f64(2 ** 53));
    const quotient = body.let('i64', op('i64.trunc_f64_u', scaled));
    const remainder = body.let('i64', sub(shl(x.significand, 53n), mul(quotient, y.significand)));
    body.if(lt(remainder, 0n), () => {
      body.set(quotient, sub(quotient, 1n));
      body.set(remainder, add(remainder, y.significand));
    });
    const more = body.let('i64', op('i64.div_u', shl(remainder, 2n), y.significand));
    const rest = bit(ne(sub(shl(remainder, 2n), mul(more, y.significand)), 0n));
    const significand = or(or(shl(quotient, 3n), shl(more, 1n)), rest);
    const exponent = sub(sub(x.exponent, y.exponent), 53n + 3n);
    body.result(call(parts.round, xor(x.negative, y.negative), exponent, significand, mode));
  });
}

/** (a, mode) -> the square root. */
export function defineSquareRoot(module: Module, f: SoftFormat, parts: Parts): number {
  return defineFunction(module, [f.type, 'i32'], [f.type], (body, a, mode) => {
    nearestRoot(body, f, parts.raise, a, mode);
    returnNaN(body, f, parts, a, a);
    body.if(f.isZero(a), () => body.return(a));
    body.if(f.op('lt', a, f.constant(0)), () => body.return(call(parts.invalid)));
    body.if(f.isInfinite(a), () => body.return(a));
    const { significand, exponent } = f.unpack(body, a, INTEGER_LEAD);
    // To an even exponent.
    const odd = body.let('i64', and(exponent, 1n));
    body.set(significand, shl(significand, odd));
    body.set(exponent, sub(exponent, odd));
    // The processor's root of the radicand, which has twice the bits, is at most one off; the remainder tells.
    const radicand = op('f64.mul', op('f64.convert_i64_u', significand), (code) => void code.f64(2 ** 52));
    const root = body.let('i64', op('i64.trunc_f64_u', op('f64.sqrt', radicand)));
    const remainder = body.let('i64', sub(shl(significand, 52n), mul(root, root)));
    body.if(lt(remainder, 0n), () => {
      body.set(root, sub(root, 1n));
      body.set(remainder, add(remainder, add(shl(root, 1n), 1n)));
    });
    // The next bit is set if the remainder is more than the root: (root + 1/2)² is between two integers.
    const next = shl(bit(gt(remainder, root)), 1n);
    const wide = or(or(shl(root, 2n), next), bit(ne(remainder, 0n)));
    const half = op('i64.shr_s', sub(exponent, 52n), 1n);
    body.result(call(parts.round, 0n, sub(half, 2n), wide, mode));
  });
}

/** (a, b, c, mode) -> a × b + c, rounded once. */
export function defineMultiplyAdd(module: Module, f: SoftFormat, parts: Parts, multiply: number): number {
  return defineFunction(module, [f.type, f.type, f.type, 'i32'], [f.type], (body, a, b, c, mode) => {
    if (f.letter === 's') nearestSingleMultiplyAdd(body, softFormats, parts.raise, [a, b, c], mode);
    else nearestDoubleMultiplyAdd(body, f, parts.raise, [a, b, c], mode);
    const product = body.let(f.type, f.op('mul', a, b));
    // Infinity × 0 is invalid even when a quiet NaN is added (Unprivileged 20.6).
    const numbers = both(f.op('eq', a, a), f.op('eq', b, b));
    body.if(both(f.isNaN(product), numbers), () => body.return(call(parts.invalid)));
    body.if(either(f.isNaN(product), f.isNaN(c)), () => {
      // Both calls may raise; the result is the same.
      const first = body.let(f.type, call(parts.nan, a, b));
      body.return(call(parts.nan, c, first));
    });
    const sum = body.let(f.type, f.op('add', product, c));
    body.if(either(f.isInfinite(a), f.isInfinite(b)), () => returnUnlessInvalid(body, f, parts, sum));
    body.if(f.isInfinite(c), () => body.return(c));
    body.if(either(f.isZero(a), f.isZero(b)), () => returnWithZero(body, f, product, c, sum, mode));
    body.if(f.isZero(c), () => body.return(call(multiply, a, b, mode)));
    if (f.letter === 's') singleMultiplyAdd(body, f, parts, [a, b, c], mode);
    else doubleMultiplyAdd(body, f, parts, [a, b, c], mode);
  });
}

/** The product fits in 64 bits. */
function singleMultiplyAdd(body: Body, f: SoftFormat, parts: Parts, [a, b, c]: readonly Local[], mode: Local): void {
  const x = f.unpack(body, a, 31n);
  const y = f.unpack(body, b, 31n);
  const z = f.unpack(body, c, SUM_LEAD);
  // Its leading one is at bit 62 or 63; the last bits are zeros.
  const significand = body.let('i64', shr(mul(x.significand, y.significand), 1n));
  const product = {
    negative: body.let('i64', xor(x.negative, y.negative)),
    significand,
    exponent: body.let('i64', add(add(x.exponent, y.exponent), 1n)),
  };
  body.if(isZero(shr(significand, SUM_LEAD)), () => {
    body.set(significand, shl(significand, 1n));
    body.set(product.exponent, sub(product.exponent, 1n));
  });
  body.result(roundedSum(body, parts, f, product, z, mode));
}

/** In 128 bits, with leading ones at bit 125 or 126: room for a carry. */
function doubleMultiplyAdd(body: Body, f: SoftFormat, parts: Parts, [a, b, c]: readonly Local[], mode: Local): void {
  const x = f.unpack(body, a, 63n);
  const y = f.unpack(body, b, 62n);
  const z = f.unpack(body, c, 62n);
  const negative = body.let('i64', xor(x.negative, y.negative));
  const high = body.let('i64', call(parts.mulhu, x.significand, y.significand));
  const low = body.let('i64', mul(x.significand, y.significand));
  const exponent = body.let('i64', add(x.exponent, y.exponent));
  const otherHigh = z.significand;
  const otherLow = body.let('i64', 0n);
  const distance = body.let('i64', sub(sub(z.exponent, 64n), exponent));
  body.if(
    gt(distance, 0n),
    () => {
      shiftWideSticky(body, high, low, distance);
      body.set(exponent, sub(z.exponent, 64n));
    },
    () => {
      body.set(distance, sub(0n, distance));
      shiftWideSticky(body, otherHigh, otherLow, distance);
    },
  );
  body.if(
    eq(negative, z.negative),
    () => {
      body.set(low, add(low, otherLow));
      body.set(high, add(add(high, otherHigh), bit(below(low, otherLow))));
    },
    () => {
      const borrow = body.let('i64', bit(below(low, otherLow)));
      body.set(low, sub(low, otherLow));
      body.set(high, sub(sub(high, otherHigh), borrow));
      body.if(isZero(or(high, low)), () => body.return(cancelled(f, mode)));
      body.if(lt(high, 0n), () => {
        body.set(negative, xor(negative, 1n));
        body.set(high, sub(sub(0n, high), bit(ne(low, 0n))));
        body.set(low, sub(0n, low));
      });
    },
  );
  body.if(isZero(high), () => body.return(call(parts.round, negative, exponent, low, mode)));
  const zeros = body.let('i64', clz(high));
  const significand = or(shl(high, zeros), shr(shr(low, 1n), sub(63n, zeros)));
  const rest = bit(ne(shl(low, zeros), 0n));
  body.result(call(parts.round, negative, sub(add(exponent, 64n), zeros), or(significand, rest), mode));
}

/** Shifts 128 bits right; a one that is lost stays as the last bit. `distance` is not negative. */
function shiftWideSticky(body: Body, high: Local, low: Local, distance: Local): void {
  body.if(op('i64.ge_u', distance, 64n), () => {
    body.set(low, or(high, bit(ne(low, 0n))));
    body.set(high, 0n);
    body.set(distance, sub(distance, 64n));
    shiftSticky(body, low, distance);
    body.set(distance, 0n);
  });
  body.if(ne(distance, 0n), () => {
    const moved = shl(high, sub(64n, distance));
    const lost = bit(ne(shl(low, sub(64n, distance)), 0n));
    body.set(low, or(or(shr(low, distance), moved), lost));
    body.set(high, shr(high, distance));
  });
}

/** The rounded sum of two numbers whose leading ones are at bit 62. */
function roundedSum(body: Body, parts: Parts, f: SoftFormat, x: Unpacked, y: Unpacked, mode: Local): Term {
  const distance = body.let('i64', sub(x.exponent, y.exponent));
  body.if(
    lt(distance, 0n),
    () => {
      body.set(distance, sub(0n, distance));
      shiftSticky(body, x.significand, distance);
      body.set(x.exponent, y.exponent);
    },
    () => shiftSticky(body, y.significand, distance),
  );
  const sum = body.let('i64', 0n);
  body.if(
    eq(x.negative, y.negative),
    () => body.set(sum, add(x.significand, y.significand)),
    () => {
      body.set(sum, sub(x.significand, y.significand));
      body.if(isZero(sum), () => body.return(cancelled(f, mode)));
      body.if(lt(sum, 0n), () => {
        body.set(sum, sub(0n, sum));
        body.set(x.negative, y.negative);
      });
    },
  );
  return call(parts.round, x.negative, x.exponent, sum, mode);
}

/** The zero that is left when two numbers cancel out (IEEE 754-2008 6.3). */
const cancelled = (f: SoftFormat, mode: Local): Term =>
  f.value(shl(bit(op('i32.eq', mode, MODE.down)), f.format.width - 1n));

/** The sum where one or both are zeros is exact; but of zeros of different signs it depends on the mode. */
function returnWithZero(body: Body, f: SoftFormat, a: Term, b: Term, sum: Local, mode: Local): void {
  body.if(both(both(f.isZero(a), f.isZero(b)), op('i32.eq', mode, MODE.down)), () =>
    body.return(f.value(or(f.bits(a), f.bits(b)))),
  );
  body.return(sum);
}

function returnNaN(body: Body, f: SoftFormat, parts: Parts, a: Local, b: Local): void {
  body.if(either(f.isNaN(a), f.isNaN(b)), () => body.return(call(parts.nan, a, b)));
}

/** Returns the plain result, or the canonical NaN if the numbers have none. */
function returnUnlessInvalid(body: Body, f: SoftFormat, parts: Parts, result: Local): void {
  body.if(f.isNaN(result), () => body.return(call(parts.invalid)));
  body.return(result);
}
