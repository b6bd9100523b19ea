import assert from 'node:assert/strict';
import { edges, generator, randomOperand, single } from '../../../test/isa/float-operands';
import { box } from './format';
import { floatOperations } from './operations';
import type { RoundingMode } from './rounding';
import { FLAG, ROUND } from './rounding';

const ONE = 0x3f800000n;
const INFINITY = 0x7f800000n;
const QUIET = 0x7fc00000n;
const OTHER_QUIET = 0xffc12345n;
const SIGNALING = 0x7f800001n;
const MINUS_ZERO = 0x80000000n;
const CANONICAL_DOUBLE = 0x7ff8000000000000n;
const MINUS_INFINITY_DOUBLE = 0xfff0000000000000n;

const { nearestEven, towardsZero, down, up, nearestAway } = ROUND;

function run(name: string, registers: readonly bigint[], mode: RoundingMode = nearestEven) {
  const operation = floatOperations.get(name);
  assert.ok(operation, name);
  return operation.evaluate(registers, mode);
}

/** The result of a single-precision operation on values that are boxed for it, unboxed. */
function single32(name: string, operands: readonly bigint[], mode: RoundingMode = nearestEven) {
  const { bits, flags } = run(name, operands.map(box), mode);
  assert.equal(bits >> 32n, 0xffffffffn);
  return { bits: bits & 0xffffffffn, flags };
}

const expectSingle = (name: string, operands: readonly bigint[], bits: bigint, flags = 0, mode?: RoundingMode) =>
  assert.deepEqual(single32(name, operands, mode), { bits, flags }, `${name} of ${operands.join(', ')}`);

describe('floating-point operations', () => {
  it('deliver the canonical NaN, and call signaling NaNs invalid', () => {
    for (const name of ['fadd.s', 'fsub.s', 'fmul.s', 'fdiv.s']) {
      expectSingle(name, [OTHER_QUIET, ONE], QUIET);
      expectSingle(name, [ONE, SIGNALING], QUIET, FLAG.invalid);
    }
    expectSingle('fsqrt.s', [0xbf800000n], QUIET, FLAG.invalid);
    expectSingle('fsub.s', [INFINITY, INFINITY], QUIET, FLAG.invalid);
    assert.deepEqual(run('fcvt.d.s', [box(SIGNALING)]), { bits: CANONICAL_DOUBLE, flags: FLAG.invalid });
  });

  it('take a single-precision operand that is not boxed for the canonical NaN', () => {
    assert.deepEqual(run('fadd.s', [ONE, box(ONE)]), { bits: box(QUIET), flags: 0 });
    assert.deepEqual(run('fclass.s', [ONE]), { bits: 1n << 9n, flags: 0 });
    assert.deepEqual(run('fsgnj.s', [0x123400000000n | ONE, box(MINUS_ZERO)]), {
      bits: box(QUIET | MINUS_ZERO),
      flags: 0,
    });
  });

  it('move bits as they are', () => {
    assert.equal(run('fmv.x.w', [0x1234567890abcdefn]).bits, 0xffffffff90abcdefn);
    assert.equal(run('fmv.w.x', [0x1234567890abcdefn]).bits, 0xffffffff90abcdefn);
    assert.equal(run('fmv.x.d', [0x1234567890abcdefn]).bits, 0x1234567890abcdefn);
    assert.equal(run('fmv.d.x', [0x1234567890abcdefn]).bits, 0x1234567890abcdefn);
  });

  it('order zeros in minimum and maximum, and prefer a number to a NaN', () => {
    expectSingle('fmin.s', [0n, MINUS_ZERO], MINUS_ZERO);
    expectSingle('fmax.s', [MINUS_ZERO, 0n], 0n);
    expectSingle('fmin.s', [QUIET, ONE], ONE);
    expectSingle('fmax.s', [ONE, SIGNALING], ONE, FLAG.invalid);
    expectSingle('fmin.s', [OTHER_QUIET, OTHER_QUIET], QUIET);
    expectSingle('fmin.s', [0xbf800000n, 0xc0000000n], 0xc0000000n);
    expectSingle('fmax.s', [ONE, INFINITY], INFINITY);
  });

  it('inject signs into NaNs too, without a flag', () => {
    expectSingle('fsgnj.s', [SIGNALING, MINUS_ZERO], SIGNALING | MINUS_ZERO);
    expectSingle('fsgnjn.s', [ONE, 0n], 0xbf800000n);
    expectSingle('fsgnjx.s', [0xbf800000n, MINUS_ZERO], ONE);
  });

  it('classify', () => {
    const kinds = [0xff800000n, 0xbf800000n, 0x80000001n, MINUS_ZERO, 0n, 1n, ONE, INFINITY, SIGNALING, QUIET];
    kinds.forEach((bits, i) => assert.equal(run('fclass.s', [box(bits)]).bits, 1n << BigInt(i)));
    assert.equal(run('fclass.d', [MINUS_INFINITY_DOUBLE]).bits, 1n);
  });

  it('round a fused multiply-add once, with the signs of the four forms', () => {
    // (1 + 2^-12)² - (1 + 2^-11) = 2^-24, which two roundings lose.
    const [a, c] = [0x3f800800n, 0x3f801000n];
    expectSingle('fmsub.s', [a, a, c], 0x33800000n);
    expectSingle('fnmsub.s', [a, a, c], 0xb3800000n);
    expectSingle('fmadd.s', [a, a, c | MINUS_ZERO], 0x33800000n);
    expectSingle('fnmadd.s', [a, a, c | MINUS_ZERO], 0xb3800000n);
  });

  it('call infinity × 0 + NaN invalid', () => {
    expectSingle('fmadd.s', [INFINITY, 0n, QUIET], QUIET, FLAG.invalid);
    expectSingle('fmadd.s', [ONE, 0n, QUIET], QUIET);
  });

  it('give exact zeros the sign that the rounding mode asks for', () => {
    expectSingle('fsub.s', [ONE, ONE], 0n);
    expectSingle('fsub.s', [ONE, ONE], MINUS_ZERO, 0, down);
    expectSingle('fadd.s', [MINUS_ZERO, MINUS_ZERO], MINUS_ZERO, 0, up);
  });

  it('detect underflow after rounding', () => {
    const least = 0x00800000n;
    // Just below the least normal number: rounded with unbounded exponents it is that number, or stays below it.
    const belowOne = 0x3f7fffffn;
    expectSingle('fmul.s', [least, belowOne], least, FLAG.inexact | FLAG.underflow);
    expectSingle('fmadd.s', [0x99800000n, 0x19800000n, least], least, FLAG.inexact);
    expectSingle('fmul.s', [1n, 0x3f000000n], 0n, FLAG.inexact | FLAG.underflow);
    expectSingle('fmul.s', [2n, 0x3f000000n], 1n);
  });

  it('overflow to infinity or to the greatest number', () => {
    const greatest = 0x7f7fffffn;
    const flags = FLAG.overflow | FLAG.inexact;
    for (const mode of [nearestEven, up, nearestAway]) {
      expectSingle('fadd.s', [greatest, greatest], INFINITY, flags, mode);
    }
    for (const mode of [towardsZero, down]) expectSingle('fadd.s', [greatest, greatest], greatest, flags, mode);
  });

  it('divide by zero', () => {
    expectSingle('fdiv.s', [ONE, MINUS_ZERO], 0xff800000n, FLAG.divideByZero);
    expectSingle('fdiv.s', [0n, 0n], QUIET, FLAG.invalid);
    expectSingle('fdiv.s', [INFINITY, 0n], INFINITY);
  });

  it('saturate conversions to integers', () => {
    const double = (value: number) => {
      const view = new DataView(new ArrayBuffer(8));
      view.setFloat64(0, value);
      return view.getBigUint64(0);
    };
    const convert = (name: string, value: number, bits: bigint, flags: number, mode: RoundingMode = towardsZero) =>
      assert.deepEqual(run(name, [double(value)], mode), { bits, flags }, `${name} of ${value}`);
    convert('fcvt.w.d', NaN, 0x7fffffffn, FLAG.invalid);
    convert('fcvt.wu.d', NaN, 0xffffffffffffffffn, FLAG.invalid);
    convert('fcvt.lu.d', -Infinity, 0n, FLAG.invalid);
    convert('fcvt.w.d', -2147483648.5, 0xffffffff80000000n, FLAG.inexact);
    convert('fcvt.w.d', -2147483649, 0xffffffff80000000n, FLAG.invalid);
    convert('fcvt.wu.d', 4294967295.5, 0xffffffffffffffffn, FLAG.inexact);
    convert('fcvt.wu.d', -0.5, 0n, FLAG.inexact);
    convert('fcvt.wu.d', -0.5, 0n, FLAG.invalid, down);
    convert('fcvt.l.d', 2 ** 63, 0x7fffffffffffffffn, FLAG.invalid);
    convert('fcvt.w.d', 2.5, 3n, FLAG.inexact, nearestAway);
    convert('fcvt.w.d', 2.5, 2n, FLAG.inexact, nearestEven);
  });

  it('round ties away from zero where asked, and else to nearest', () => {
    const next = generator(7);
    const all = edges(single);
    const float = new DataView(new ArrayBuffer(4));
    const toNumber = (bits: bigint) => {
      float.setUint32(0, Number(bits));
      return float.getFloat32(0);
    };
    let ties = 0;
    for (let i = 0; i < 20_000; i++) {
      const operands = [randomOperand(single, all, next), randomOperand(single, all, next)];
      const result = (mode: RoundingMode) => single32('fmul.s', operands, mode);
      const [low, high] = [toNumber(result(down).bits), toNumber(result(up).bits)];
      // A product of two single-precision numbers is exact in double precision, unless it is very small.
      const exact = toNumber(operands[0]) * toNumber(operands[1]);
      if (!Number.isFinite(exact) || !Number.isFinite(low + high) || Math.abs(exact) < 1e-290) continue;
      const tie = low !== high && exact - low === high - exact;
      if (tie) ties++;
      const expected = tie ? result(exact < 0 ? down : up) : result(nearestEven);
      assert.equal(result(nearestAway).bits, expected.bits);
    }
    assert.ok(ties > 100, `${ties} ties`);
  });
});
