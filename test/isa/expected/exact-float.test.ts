// The exact arithmetic that expected values come from, against the host's.
import assert from 'node:assert/strict';
import { double as doubleFields, edges, generator, randomOperand, single as singleFields } from '../float-operands';
import type { Format, Result, Value } from './exact-float';
import { canonicalNan, decodeFloat, double, NX, RDN, RMM, RNE, RTZ, RUP, single } from './exact-float';
import { addFloat, divideFloat, multiplyAddFloat, multiplyFloat, squareRootFloat } from './float';

const CASES = 20_000;
const view = new DataView(new ArrayBuffer(8));

function toNumber({ width }: Format, bits: bigint): number {
  if (width === 64) view.setBigUint64(0, bits);
  else view.setUint32(0, Number(bits));
  return width === 64 ? view.getFloat64(0) : view.getFloat32(0);
}

/** The bits of a number, rounded to the format; a double's operation rounded again to single precision is rounded right. */
function fromNumber(format: Format, value: number): bigint {
  if (Number.isNaN(value)) return canonicalNan(format);
  if (format.width === 64) view.setFloat64(0, value);
  else view.setFloat32(0, value);
  return format.width === 64 ? view.getBigUint64(0) : BigInt(view.getUint32(0));
}

type Operation = (format: Format, a: Value, b: Value, mode: number) => Result;

const operations: Record<string, readonly [Operation, (a: number, b: number) => number]> = {
  sum: [addFloat, (a, b) => a + b],
  product: [multiplyFloat, (a, b) => a * b],
  quotient: [divideFloat, (a, b) => a / b],
  'square root': [(format, a, _b, mode) => squareRootFloat(format, a, mode), (a) => Math.sqrt(a)],
  'product plus zero': [
    (format, a, b, mode) => multiplyAddFloat(format, a, b, decodeFloat(format, 1n << BigInt(format.width - 1)), mode),
    (a, b) => a * b - 0,
  ],
};

describe('exact floating-point arithmetic', () => {
  for (const [name, [operation, host]] of Object.entries(operations)) {
    for (const [format, fields] of [
      [single, singleFields],
      [double, doubleFields],
    ] as const) {
      it(`the ${name} is the host's in ${format.width} bits, and other modes give its neighbours`, () => {
        const next = generator(0x5eed);
        const all = edges(fields);
        for (let i = 0; i < CASES; i++) {
          const [a, b] = [randomOperand(fields, all, next), randomOperand(fields, all, next)];
          const result = (mode: number) => operation(format, decodeFloat(format, a), decodeFloat(format, b), mode);
          const nearest = result(RNE);
          const about = `${a.toString(16)}, ${b.toString(16)}`;
          assert.equal(nearest.bits, fromNumber(format, host(toNumber(format, a), toNumber(format, b))), about);
          const [zero, down, up, away] = [RTZ, RDN, RUP, RMM].map((mode) => result(mode).bits);
          if (nearest.bits === canonicalNan(format)) continue;
          const [low, high] = [toNumber(format, down), toNumber(format, up)];
          assert.equal(zero, low >= 0 && !Object.is(low, -0) ? down : up, about);
          assert.ok([down, up].includes(nearest.bits) && [down, up].includes(away), about);
          const isExact = (nearest.flags & NX) === 0;
          // The sign of an exact zero depends on the mode.
          assert.ok(isExact ? low === high : low < high, about);
        }
      });
    }
  }
});
