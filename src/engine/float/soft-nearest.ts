/**
 * Rounding to nearest, as the generated functions do it first: the processor's own operation has the result, and what
 * was rounded away is computed exactly, which tells whether it was anything. Each of these returns from the function if
 * it knows result and flags: there is no NaN, and the numbers are in the range where the error is exact.
 */
import type { SoftFormat } from './soft-format';
import { FLAG } from './soft-format';
import type { Body, Local, Term } from './terms';
import { add, and, both, call, clz, either, gt, isZero, mul, ne, op, or, shl, shr, sub, xor } from './terms';

const HALF_OF_SINGLE = 1n << 28n;
const BELOW_SINGLE = (1n << 29n) - 1n;

const f64 = {
  add: (a: Term, b: Term) => op('f64.add', a, b),
  sub: (a: Term, b: Term) => op('f64.sub', a, b),
  mul: (a: Term, b: Term) => op('f64.mul', a, b),
  constant:
    (value: number): Term =>
    (code) =>
      void code.f64(value),
};

const whenNearest = (body: Body, mode: Local, then: () => void) => body.if(op('i32.eqz', mode), then);

/** Returns the result, inexact or not. */
function returnRounded(body: Body, raise: number, result: Local, isExact: Term): void {
  body.if(op('i32.eqz', isExact), () => body.do(call(raise, FLAG.inexact)));
  body.return(result);
}

const isFinite = (f: SoftFormat, value: Term): Term => f.op('lt', f.op('abs', value), f.constant(Infinity));

/** Greater than the least normal number, so that nothing was lost to underflow, and finite. */
const isPlainlyNormal = (f: SoftFormat, value: Term): Term =>
  both(isFinite(f, value), f.op('lt', f.constant(f.leastNormal), f.op('abs', value)));

/** a + b = sum + the result, exactly unless it is not finite (Knuth). */
function errorOfSum(body: Body, f: SoftFormat, a: Local, b: Local, sum: Local): Local {
  const part = body.let(f.type, f.op('sub', sum, a));
  return body.let(f.type, f.op('add', f.op('sub', a, f.op('sub', sum, part)), f.op('sub', b, part)));
}

/**
 * Whether a × b = product. Doubles must be normal: then the product has one bit more than twice the fraction's, or two,
 * and is exact if it ends in as many zeros as are cut off.
 */
function isProduct(f: SoftFormat, a: Local, b: Local, product: Local): Term {
  if (f.letter === 's') {
    const wide = (value: Local) => op('f64.promote_f32', value);
    return op('f64.eq', f64.mul(wide(a), wide(b)), wide(product));
  }
  const field = (value: Local) => and(shr(f.bits(value), f.fractionBits), f.format.exponentMax);
  const hidden = 1n << f.fractionBits;
  const significand = (value: Local) => or(and(f.bits(value), hidden - 1n), hidden);
  const bias = f.format.exponentMax >> 1n;
  const kept = sub(add(field(a), field(b)), add(field(product), bias - (64n - f.fractionBits)));
  const areZeros = isZero(shl(mul(significand(a), significand(b)), kept));
  return both(f.op('eq', f.op('mul', a, b), product), areZeros);
}

/** Of operands of `isProduct`. */
const isUsable = (f: SoftFormat, value: Local): Term =>
  f.letter === 's' ? 1 : ne(and(f.bits(value), f.format.infinity), 0n);

export function nearestSum(body: Body, f: SoftFormat, raise: number, a: Local, b: Local, mode: Local): void {
  whenNearest(body, mode, () => {
    const sum = body.let(f.type, f.op('add', a, b));
    body.if(isFinite(f, sum), () => {
      const error = errorOfSum(body, f, a, b, sum);
      // Sums do not underflow: what is subnormal is exact.
      body.if(isFinite(f, error), () => returnRounded(body, raise, sum, f.isZero(error)));
    });
  });
}

export function nearestProduct(body: Body, f: SoftFormat, raise: number, a: Local, b: Local, mode: Local): void {
  whenNearest(body, mode, () => {
    const product = body.let(f.type, f.op('mul', a, b));
    body.if(both(isPlainlyNormal(f, product), both(isUsable(f, a), isUsable(f, b))), () =>
      returnRounded(body, raise, product, isProduct(f, a, b, product)),
    );
  });
}

export function nearestQuotient(body: Body, f: SoftFormat, raise: number, a: Local, b: Local, mode: Local): void {
  whenNearest(body, mode, () => {
    const quotient = body.let(f.type, f.op('div', a, b));
    body.if(both(isPlainlyNormal(f, quotient), both(isUsable(f, a), isUsable(f, b))), () =>
      returnRounded(body, raise, quotient, isProduct(f, quotient, b, a)),
    );
  });
}

export function nearestRoot(body: Body, f: SoftFormat, raise: number, a: Local, mode: Local): void {
  whenNearest(body, mode, () => {
    body.if(both(f.op('lt', f.constant(f.leastNormal), a), f.op('lt', a, f.constant(Infinity))), () => {
      const root = body.let(f.type, op(`${f.type}.sqrt`, a));
      returnRounded(body, raise, root, isProduct(f, root, root, a));
    });
  });
}

/** Singles: the product is exact in double precision, and the sum is rounded to single precision if it is exact, too. */
export function nearestSingleMultiplyAdd(
  body: Body,
  { s: f, d }: Readonly<Record<'s' | 'd', SoftFormat>>,
  raise: number,
  [a, b, c]: readonly Local[],
  mode: Local,
): void {
  const wide = (value: Local) => op('f64.promote_f32', value);
  whenNearest(body, mode, () => {
    const product = body.let('f64', f64.mul(wide(a), wide(b)));
    const addend = body.let('f64', wide(c));
    const sum = body.let('f64', f64.add(product, addend));
    const result = body.let('f32', op('f32.demote_f64', sum));
    // A sum that is half-way between two singles, but has an error, would be rounded wrongly.
    const isHalfWay = op('i64.eq', and(d.bits(sum), BELOW_SINGLE), HALF_OF_SINGLE);
    body.if(isPlainlyNormal(f, result), () => {
      const error = errorOfSum(body, d, product, addend, sum);
      const isExact = both(d.isZero(error), op('f64.eq', wide(result), sum));
      body.if(either(d.isZero(error), op('i32.eqz', isHalfWay)), () => returnRounded(body, raise, result, isExact));
    });
  });
}

/** Veltkamp's constant, which splits a double into two halves whose products are exact. */
const SPLITTER = 2 ** 27 + 1;
/** Bounds within which no part of the computation overflows or underflows. */
const GREATEST_FACTOR = 2 ** 990;
const LEAST_PRODUCT = 2 ** -900;
const GREATEST_TERM = 2 ** 1000;

/**
 * Doubles: product and addend are made into a sum of three numbers without error; the two lesser ones are added with
 * rounding to odd, so that the final rounding sees on which side the exact value is (Boldo and Melquiond).
 */
export function nearestDoubleMultiplyAdd(
  body: Body,
  f: SoftFormat,
  raise: number,
  [a, b, c]: readonly Local[],
  mode: Local,
): void {
  const magnitude = (value: Term) => f.op('abs', value);
  const isLess = (value: Term, bound: number) => f.op('lt', magnitude(value), f.constant(bound));
  whenNearest(body, mode, () => {
    const product = body.let('f64', f64.mul(a, b));
    const inRange = both(
      both(isLess(a, GREATEST_FACTOR), isLess(b, GREATEST_FACTOR)),
      both(
        both(isLess(c, GREATEST_TERM), isLess(product, GREATEST_TERM)),
        f.op('lt', f.constant(LEAST_PRODUCT), magnitude(product)),
      ),
    );
    body.if(inRange, () => {
      const rest = errorOfProduct(body, a, b, product);
      const low = body.let('f64', f64.add(c, rest));
      const lowError = errorOfSum(body, f, c, rest, low);
      const high = body.let('f64', f64.add(product, low));
      const highError = errorOfSum(body, f, product, low, high);
      const odd = body.let('f64', f64.add(lowError, highError));
      const lost = errorOfSum(body, f, lowError, highError, odd);
      const bits = body.let('i64', f.bits(odd));
      const isEvenAndInexact = both(f.op('ne', lost, f.constant(0)), isZero(and(bits, 1n)));
      body.if(isEvenAndInexact, () => {
        // To the odd neighbour on the side of what was lost: with equal signs, the greater one.
        const step = or(op('i64.shr_s', xor(bits, f.bits(lost)), 63n), 1n);
        body.set(odd, f.value(add(bits, step)));
      });
      const result = body.let('f64', f64.add(high, odd));
      const error = errorOfSum(body, f, high, odd, result);
      returnRounded(body, raise, result, both(f.isZero(lost), f.isZero(error)));
    });
  });
}

/** What a product lacks, exactly (Dekker). */
function errorOfProduct(body: Body, a: Local, b: Local, product: Local): Local {
  const split = (value: Local) => {
    const scaled = body.let('f64', f64.mul(value, f64.constant(SPLITTER)));
    const high = body.let('f64', f64.sub(scaled, f64.sub(scaled, value)));
    return [high, body.let('f64', f64.sub(value, high))];
  };
  const [aHigh, aLow] = split(a);
  const [bHigh, bLow] = split(b);
  const first = f64.sub(f64.mul(aHigh, bHigh), product);
  return body.let(
    'f64',
    f64.add(f64.add(f64.add(first, f64.mul(aHigh, bLow)), f64.mul(aLow, bHigh)), f64.mul(aLow, bLow)),
  );
}

/** An integer, of 64 bits without the sign: exact unless it has more bits than a significand. */
export function nearestInteger(
  body: Body,
  f: SoftFormat,
  raise: number,
  [magnitude, converted]: readonly [Local, Term],
  mode: Local,
): void {
  whenNearest(body, mode, () => {
    const zeros = add(clz(magnitude), op('i64.ctz', magnitude));
    body.if(gt(BigInt(64 - f.format.precision), zeros), () => body.do(call(raise, FLAG.inexact)));
    body.return(converted);
  });
}

/** From a double to a single. */
export function nearestSingle(body: Body, f: SoftFormat, raise: number, a: Local, mode: Local): void {
  whenNearest(body, mode, () => {
    const result = body.let('f32', op('f32.demote_f64', a));
    body.if(isPlainlyNormal(f, result), () =>
      returnRounded(body, raise, result, op('f64.eq', op('f64.promote_f32', result), a)),
    );
  });
}
