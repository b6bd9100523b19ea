// The emitted code of every floating-point operation against the reference: in bulk, with the rounding mode known when the
// code is made and not, inexactness accrued and not. FLOAT_CASES asks for more random cases.
import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import type { Fields } from '../../../test/isa/float-operands';
import { double, edges, generator, randomOperand, single } from '../../../test/isa/float-operands';
import { box, unbox } from '../../isa/float/format';
import type { FloatKind, FloatOperation } from '../../isa/float/operations';
import { floatOperations } from '../../isa/float/operations';
import type { RoundingMode } from '../../isa/float/rounding';
import { Module } from '../../wasm/module';
import { defineArithmetic } from '../expression';
import * as at from '../layout';
import { emitFloat } from './emit-float';
import { hasFusedMultiplyAdd } from './fused-multiply-add';
import { defineFloatHelpers, floatHelperTypes } from './helpers';
import { boxed, pushUnboxed, Scratch } from './site';

// Node.js 20 has the instructions behind a flag.
if (process.versions.v8.startsWith('11.3.')) setFlagsFromString('--experimental-wasm-relaxed-simd');

const RANDOM_CASES = Number(process.env.FLOAT_CASES ?? 600);
const BATCH = 4096;
const CASE = 0x1000;
const CASE_SIZE = 48;
/** Offsets in a case: three operands, the result, fcsr before and after, whether it gave up, the coded mode, FS. */
const [RESULT, FCSR, GAVE_UP, MODE, STATE] = [24, 32, 36, 40, 44];
const DYNAMIC = 7;
/** The rounding mode is known when the code is made, or taken from the case. */
const KNOWN_MODES = [0, 1, 2, 3, 4, DYNAMIC, undefined] as const;

const memory = new WebAssembly.Memory({ initial: 8, maximum: 8 });
const view = new DataView(memory.buffer);
const helpers = new WebAssembly.Instance(new WebAssembly.Module(helperModule()), { engine: { memory } }).exports;

function helperModule(): Uint8Array<ArrayBuffer> {
  const module = new Module();
  module.importMemory('engine', 'memory', 8, 8);
  const mulhu = defineArithmetic(module).get('mulhu')!;
  for (const [name, index] of defineFloatHelpers(module, mulhu)) module.export(name, index);
  return module.encode();
}

/** A function of a count, which does the operation on so many cases. The helpers come from another module. */
function loopOver(
  operation: FloatOperation,
  mode: number | undefined,
  fused: boolean,
  sameOperands = false,
): (count: number) => void {
  const module = new Module();
  module.importMemory('engine', 'memory', 8, 8);
  const imports = new Map(
    Object.entries(floatHelperTypes).map(([name, type]) => [name, module.importFunction('float', name, type)]),
  );
  const loop = module.define({ parameters: ['i32'], results: [] }, (code) => {
    const [count, record, bits] = [0, code.local('i32'), code.local('i64')];
    const operands = operation.operands.map((kind) => code.local(typeOf[kind]));
    const isPlain = code.local('i32');
    code.i32(CASE).set(record);
    code.loop((next) => {
      operation.operands.forEach((kind, i) => {
        code.get(record).memory('i64.load', 8 * i);
        if (kind === 'd') code.op('f64.reinterpret_i64');
        if (kind === 's') pushUnboxed(code.set(bits), bits);
        code.set(operands[i]);
      });
      code.i32(0).get(record).memory('i32.load', FCSR).memory('i32.store', at.FCSR);
      code.i32(0).get(record).memory('i32.load', STATE).memory('i32.store', at.FLOAT_STATE);
      code.get(record).memory('i32.load', FCSR).i32(0xe1).op('i32.and').i32(1).op('i32.eq');
      code.get(record).memory('i32.load', STATE).i32(at.FLOAT_DIRTY).op('i32.eq', 'i32.and').set(isPlain);
      code.i32(0).f64(Infinity).f64(0).get(isPlain).op('select').memory('f64.store', at.FLOAT_LIMIT);
      code.i32(0).f32(Infinity).f32(0).get(isPlain).op('select').memory('f32.store', at.FLOAT_LIMIT_SINGLE);
      code.get(record).i32(1).memory('i32.store', GAVE_UP);
      code.block((done) => {
        emitFloat(
          {
            code,
            scratch: new Scratch(code),
            push: (i) => code.get(operands[i]),
            write: (value) => {
              code.get(record);
              value();
              if (operation.result === 's') boxed(code);
              if (operation.result === 'd') code.op('i64.reinterpret_f64');
              code.memory('i64.store', RESULT);
            },
            mode: mode ?? (() => code.get(record).memory('i32.load', MODE)),
            giveUp: () => code.br(done),
            fused,
            sameOperands,
            helper: (name) => imports.get(name)!,
          },
          operation,
        );
        code.get(record).i32(0).memory('i32.store', GAVE_UP);
      });
      code.get(record).i32(0).memory('i32.load', at.FCSR).memory('i32.store', FCSR);
      code.get(record).i32(CASE_SIZE).op('i32.add').set(record);
      code.get(count).i32(1).op('i32.sub').tee(count).brIf(next);
    });
  });
  module.export('loop', loop);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), {
    engine: { memory },
    float: helpers as Record<string, WebAssembly.ExportValue>,
  });
  return instance.exports.loop as (count: number) => void;
}

const typeOf = { x: 'i64', s: 'f32', d: 'f64' } as const;

/** Operands that fall on each other's edges: sums that cancel out, products and quotients at the limits of exponents. */
function related(operation: FloatOperation, [a, b]: readonly bigint[], next: () => number): bigint[] {
  const kind = operation.operands[0];
  const numbers = new DataView(new ArrayBuffer(8));
  const number = (bits: bigint): number => {
    numbers.setBigUint64(0, kind === 's' ? unbox(bits) << 32n : bits);
    return kind === 's' ? numbers.getFloat32(0) : numbers.getFloat64(0);
  };
  /** A number near this one, perhaps with a neighbouring exponent, or one as far away as a significand is long. */
  const near = (value: number): bigint => {
    const [fractionBits, width] = kind === 's' ? [23n, 32] : [52n, 64];
    if (kind === 's') numbers.setFloat32(0, value);
    else numbers.setFloat64(0, value);
    const bits = kind === 's' ? BigInt(numbers.getUint32(0)) : numbers.getBigUint64(0);
    const distance = [0n, 0n, 0n, 1n, -1n, fractionBits, fractionBits + 1n, -fractionBits][next() % 8];
    const moved = BigInt.asUintN(width, bits + BigInt((next() % 5) - 2) + (distance << fractionBits));
    return kind === 's' ? box(moved) : moved;
  };
  const [x, y] = [number(a), number(b)];
  const [least, greatest] = kind === 's' ? [2 ** -126, 2 ** 127 * (2 - 2 ** -23)] : [2 ** -1022, Number.MAX_VALUE];
  const limit = next() % 2 === 0 ? least : greatest;
  switch (operation.name.split('.')[0]) {
    case 'fadd':
    case 'fsub':
      return [a, near(next() % 2 === 0 ? x : -x)];
    case 'fmul':
      return [a, near(limit / x)];
    case 'fdiv':
      return [a, near(next() % 4 === 0 ? x : x / limit)];
    case 'fmadd':
    case 'fmsub':
    case 'fnmsub':
    case 'fnmadd': {
      const factor = next() % 3 === 0 ? near(limit / x) : b;
      return [a, factor, near((next() % 2 === 0 ? 1 : -1) * x * (factor === b ? y : number(factor)))];
    }
    default:
      return [near(x), near(x)].slice(0, operation.operands.length);
  }
}

function* operandsOf(operation: FloatOperation, next: () => number): Generator<readonly bigint[]> {
  const fields: Record<'s' | 'd', Fields> = { s: single, d: double };
  const integers = [0n, 1n, 2n ** 24n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n].flatMap((edge) =>
    [-1n, 0n, 1n].map((delta) => BigInt.asUintN(64, edge + delta)),
  );
  const all = { s: edges(single), d: edges(double), x: integers };
  const register = (kind: FloatKind, bits: bigint) => (kind === 's' ? box(bits) : bits);
  const random = (kind: FloatKind): bigint => {
    if (kind === 'x') return ((BigInt(next()) << 32n) | BigInt(next())) >> BigInt(next() % 64);
    const bits = randomOperand(fields[kind], all[kind], next);
    return kind === 's' && next() % 64 === 0 ? bits : register(kind, bits);
  };
  const { operands } = operation;
  if (operands.length === 1) for (const edge of all[operands[0]]) yield [register(operands[0], edge)];
  for (let i = 0; i < RANDOM_CASES; i++) {
    const values = operands.map(random);
    yield operands[0] === 'x' || i % 3 > 0 ? values : related(operation, [...values, values[0]], next);
  }
}

interface Case {
  readonly values: readonly bigint[];
  readonly fcsr: number;
  readonly coded: number;
}

function check(operation: FloatOperation, loop: (count: number) => void, cases: readonly Case[]): void {
  cases.forEach(({ values, fcsr, coded }, i) => {
    const place = CASE + i * CASE_SIZE;
    values.forEach((value, j) => view.setBigUint64(place + 8 * j, value, true));
    view.setUint32(place + FCSR, fcsr, true);
    view.setUint32(place + MODE, coded, true);
    view.setUint32(place + STATE, at.FLOAT_DIRTY, true);
  });
  loop(cases.length);
  cases.forEach(({ values, fcsr, coded }, i) => {
    const place = CASE + i * CASE_SIZE;
    const expected = operation.evaluate(values, (coded === DYNAMIC ? fcsr >> 5 : coded) as RoundingMode);
    const isRight =
      view.getUint32(place + GAVE_UP, true) === 0 &&
      view.getBigUint64(place + RESULT, true) === expected.bits &&
      view.getUint32(place + FCSR, true) === (fcsr | expected.flags);
    if (isRight) return;
    assert.fail(
      `${operation.name} ${values.map((value) => value.toString(16)).join(', ')}, mode ${coded}, fcsr ${fcsr}: ` +
        `${view.getBigUint64(place + RESULT, true).toString(16)}, fcsr ${view.getUint32(place + FCSR, true)}, ` +
        `gave up ${view.getUint32(place + GAVE_UP, true)}; expected ${expected.bits.toString(16)}, flags ${expected.flags}`,
    );
  });
}

describe('emitted floating-point code', () => {
  let checked = 0;
  after(() => {
    if (process.env.FLOAT_CASES !== undefined) console.log(`      ${checked} cases`);
  });

  const checkAll = (operation: FloatOperation, fused: boolean) =>
    KNOWN_MODES.forEach((known, index) => {
      if (!operation.rounds && known !== undefined && known !== 0) return;
      const loop = loopOver(operation, known, fused);
      const next = generator(0xf10a7 + index);
      let batch: Case[] = [];
      const flush = () => {
        if (batch.length > 0) check(operation, loop, batch);
        checked += batch.length;
        batch = [];
      };
      for (const values of operandsOf(operation, next)) {
        // Most often to nearest with inexactness accrued, as programs have it.
        const frm = next() % 2 === 0 ? 0 : next() % 5;
        const flags = next() % 4 === 0 ? next() % 32 : next() % 2;
        const coded = known ?? (operation.rounds ? [0, 1, 2, 3, 4, DYNAMIC][next() % 6] : 0);
        batch.push({ values, fcsr: (frm << 5) | flags, coded });
        if (batch.length === BATCH) flush();
      }
      flush();
    });

  for (const operation of floatOperations.values()) {
    it(`does ${operation.name} as the reference does`, function () {
      this.timeout(0);
      checkAll(operation, false);
    });
    if (operation.operands.length < 3) continue;
    it(`does ${operation.name} with the host's fused instruction`, function () {
      this.timeout(0);
      if (!hasFusedMultiplyAdd()) this.skip();
      checkAll(operation, true);
    });
  }

  it('leaves to the slow path what is illegal, and the first change of the unit', () => {
    const gaveUp = (
      operation: FloatOperation,
      known: number | undefined,
      coded: number,
      frm: number,
      state: number,
    ) => {
      const fcsr = (frm << 5) | 1;
      [FCSR, MODE, STATE].forEach((field, i) => view.setUint32(CASE + field, [fcsr, coded, state][i], true));
      operation.operands.forEach((_, i) => view.setBigUint64(CASE + 8 * i, 0x3ff8_0000_0000_0000n, true));
      loopOver(operation, known, false)(1);
      assert.equal(view.getUint32(CASE + FCSR, true) & 0xe0, frm << 5, operation.name);
      return view.getUint32(CASE + GAVE_UP, true) === 1;
    };
    for (const operation of floatOperations.values()) {
      const { name, result, rounds } = operation;
      const coded = rounds ? DYNAMIC : 0;
      for (const known of [coded, undefined]) {
        assert.equal(gaveUp(operation, known, coded, 0, 3), false, name);
        assert.equal(gaveUp(operation, known, coded, 0, 2), result !== 'x', name);
        assert.equal(gaveUp(operation, known, coded, 0, 0), true, name);
        for (const frm of [5, 6, 7]) assert.equal(gaveUp(operation, known, coded, frm, 3), rounds, name);
      }
      if (!rounds) continue;
      for (const mode of [5, 6]) {
        assert.equal(gaveUp(operation, mode, mode, 0, 3), true, name);
        assert.equal(gaveUp(operation, undefined, mode, 0, 3), true, name);
      }
    }
  });

  it('injects signs of a register into itself', () => {
    const values = [1.5, -2.5, -0, NaN].map((value) => {
      const bits = new BigInt64Array(Float64Array.of(value).buffer)[0];
      return BigInt.asUintN(64, bits);
    });
    for (const name of ['fsgnj.d', 'fsgnjn.d', 'fsgnjx.d']) {
      const operation = floatOperations.get(name)!;
      const loop = loopOver(operation, 0, false, true);
      check(
        operation,
        loop,
        values.map((value) => ({ values: [value, value], fcsr: 0, coded: 0 })),
      );
    }
  });
});
