// Floating point in the engine: the fast path against the reference, with every combination of what it depends on.
import assert from 'node:assert/strict';
import { double, edges, generator, randomOperand, single } from '../../test/isa/float-operands';
import { assemble } from '../isa/assemble';
import { box } from '../isa/float/format';
import { floatOperations } from '../isa/float/operations';
import type { RoundingMode } from '../isa/float/rounding';
import { decode } from '../isa/decode';
import { Engine } from './engine';
import type { EngineHost } from './host';

const BASE = 0x80000000;
const CASES = 400;
const MODES = [0, 1, 2, 3, 4, 7] as const;
const DIRTY = 3;
const RESULT = 10;

/** An engine whose host translates nothing and notes exceptions. */
function create() {
  const engine = new Engine({ ramBytes: 1 << 20 });
  const traps: { cause: number; tval: bigint }[] = [];
  const host: EngineHost = {
    translate: (low) => low,
    cacheable: true,
    readDevice: () => undefined,
    writeDevice: () => false,
    raise: (cause, tval) => {
      traps.push({ cause, tval });
      engine.requestExit();
    },
    system: () => 'next',
    breakpoint: () => false,
  };
  engine.attach(host);
  const { state, memory } = engine;
  state.floatState = DIRTY;
  const place = (...lines: string[]) => lines.forEach((line, i) => memory.write32(BASE + 4 * i, assemble(line).word));
  const run = (count: number) => {
    state.pc = BigInt(BASE);
    engine.run(count);
  };
  return { engine, state, memory, traps, place, run };
}

describe('the engine computes with floating point', () => {
  for (const operation of floatOperations.values()) {
    it(`${operation.name} as the reference does`, () => {
      const { state, memory, traps, run } = create();
      const plain = assembleOperation(operation.name);
      const decoded = decode(plain);
      assert.ok(decoded);
      const rounds = operation.rounds;
      const next = generator(0xf10a7);
      const edgesOf = {
        s: edges(single),
        d: edges(double),
        x: [0n, 1n, 2n ** 31n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n],
      };
      const operand = (kind: 's' | 'd' | 'x') => {
        if (kind === 'd') return randomOperand(double, edgesOf.d, next);
        if (kind === 's') {
          const bits = randomOperand(single, edgesOf.s, next);
          return next() % 16 === 0 ? bits : box(bits);
        }
        const wide = (BigInt(next()) << 32n) | BigInt(next());
        return next() % 4 === 0
          ? edgesOf.x[next() % edgesOf.x.length]
          : BigInt.asUintN(64, wide >> BigInt(next() % 64));
      };
      for (const mode of rounds ? MODES : [0]) {
        memory.write32(BASE, rounds ? (plain & ~0x7000) | (mode << 12) : plain);
        for (let i = 0; i < CASES; i++) {
          const values = operation.operands.map(operand);
          operation.operands.forEach((kind, j) => {
            if (kind === 'x') state.setX(RESULT + 1 + j, values[j]);
            else state.setF(RESULT + 1 + j, values[j]);
          });
          const frm = next() % 5;
          const flags = next() % 2 === 0 ? 1 : next() % 32;
          state.fcsr = (frm << 5) | flags;
          run(1);
          const expected = operation.evaluate(values, (mode === 7 ? frm : mode) as RoundingMode);
          const bits = operation.result === 'x' ? state.x(RESULT) : state.f(RESULT);
          const about = `${values.map((value) => value.toString(16)).join(', ')}, mode ${mode}, fcsr ${(frm << 5) | flags}`;
          assert.equal(bits.toString(16), expected.bits.toString(16), about);
          assert.equal(state.fcsr, (frm << 5) | flags | expected.flags, about);
        }
      }
      assert.deepEqual(traps, []);
    });
  }

  it('raises illegal instruction while the unit is off, and for a frm that is no rounding mode', () => {
    const { state, traps, place, run } = create();
    place('fadd.s f10, f11, f12');
    const tval = BigInt(assemble('fadd.s f10, f11, f12').word);
    state.floatState = 0;
    run(1);
    state.floatState = DIRTY;
    for (const frm of [5, 6, 7]) {
      state.fcsr = (frm << 5) | 1;
      run(1);
    }
    assert.deepEqual(
      traps,
      Array.from({ length: 4 }, () => ({ cause: 2, tval })),
    );
    for (const line of ['flw f1, 0(x11)', 'fsd f1, 0(x11)', 'feq.d x10, f1, f1', 'fmv.x.d x10, f1']) {
      const other = create();
      other.state.floatState = 0;
      other.place(line);
      other.run(1);
      assert.equal(other.traps.length, 1, line);
    }
  });

  it('marks the unit dirty when it writes a register or raises a flag, and only then', () => {
    const after = (line: string, value: bigint) => {
      const { state, place, run } = create();
      state.floatState = 2;
      state.setF(11, value);
      state.setX(11, BigInt(BASE + 0x1000));
      place(line);
      run(1);
      return state.floatState;
    };
    assert.equal(after('fmv.d f10, f11', 0n), 3);
    assert.equal(after('flw f10, 0(x11)', 0n), 3);
    assert.equal(after('fsd f11, 0(x11)', 0n), 2);
    assert.equal(after('feq.d x10, f11, f11', 0n), 2);
    assert.equal(after('feq.d x10, f11, f11', 0x7ff0000000000001n), 3);
    assert.equal(after('fcvt.w.d x10, f11', 0x3fe0000000000000n), 3);
  });

  it('loads and stores, on the fast path and off it', () => {
    const { state, memory, place, run } = create();
    place('flw f1, 0(x11)', 'fld f2, 8(x11)', 'fsw f2, 16(x11)', 'fsd f1, 24(x11)');
    for (const at of [BASE + 0x1000, BASE + 0x1ffd, BASE + 0x1003]) {
      const data = at + 0;
      memory.write64(data, 0x1122334455667788n);
      memory.write64(data + 8, 0x99aabbccddeeff00n);
      state.setX(11, BigInt(at));
      for (let i = 0; i < 2; i++) {
        run(4);
        assert.equal(state.f(1), 0xffffffff55667788n);
        assert.equal(state.f(2), 0x99aabbccddeeff00n);
        assert.equal(memory.read32(at + 16), 0xddeeff00);
        assert.equal(memory.read64(at + 24), 0xffffffff55667788n);
      }
    }
  });
});

/** The word of an operation with result 10 and operands 11, 12 and 13. */
function assembleOperation(name: string): number {
  const { operands, result } = floatOperations.get(name)!;
  const register = (kind: string, number: number) => `${kind === 'x' ? 'x' : 'f'}${number}`;
  const list = [register(result, RESULT), ...operands.map((kind, i) => register(kind, RESULT + 1 + i))];
  return assemble(`${name} ${list.join(', ')}`).word;
}
