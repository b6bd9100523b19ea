// What the table's expressions come to in `evaluate`, against formulas of their own (test/isa/expected) and against the specification's edge cases.
import assert from 'node:assert/strict';
import { branchForms, immediateForms, registerForms, shiftForms, singleForms } from '../../test/isa/expected/integer';
import { atomicForms } from '../../test/isa/expected/memory';
import { edges, MIN32, MIN64, s32, s64, u32, u64 } from '../../test/isa/expected/words';
import { evaluate, holds } from './evaluate';
import type { Instruction } from './instruction';
import { instructionByName, instructions } from './table';

const immediates = [0n, 1n, -1n, 5n, 31n, 255n, 2047n, -2048n, -16n];

interface Operands {
  readonly rs1?: bigint;
  readonly rs2?: bigint;
  readonly imm?: bigint;
  readonly pc?: bigint;
  readonly old?: bigint;
}

const environment = ({
  rs1 = 0n,
  rs2 = 0n,
  imm = 0n,
  pc = 0n,
  old = 0n,
}: Operands): Parameters<typeof evaluate>[1] => ({
  x: (operand) => (operand === 'rs1' ? rs1 : rs2),
  imm,
  pc,
  old,
});

function named(name: string): Instruction {
  const found = instructionByName.get(name);
  assert.ok(found, name);
  return found;
}

/** rd of a computing instruction, signed. */
function compute(name: string, operands: Operands): bigint {
  const { action } = named(name);
  assert.ok(action.k === 'compute', name);
  return s64(evaluate(action.value, environment(operands)));
}

describe('what instructions compute', () => {
  it('covers every computing instruction, branch and atomic', () => {
    const covered = new Set([
      ...['lui', 'auipc'],
      ...[registerForms, singleForms, immediateForms, shiftForms, branchForms].flatMap((forms) => Object.keys(forms)),
      ...Object.keys(atomicForms).flatMap((name) => [`${name}.w`, `${name}.d`]),
    ]);
    for (const { name, action } of instructions) {
      assert.ok(!['compute', 'branch', 'atomic'].includes(action.k) || covered.has(name), name);
    }
  });

  for (const [name, form] of Object.entries(registerForms)) {
    it(name, () => {
      for (const a of edges) {
        for (const b of edges) {
          const expected = s64(form(s64(a), s64(b)));
          assert.equal(compute(name, { rs1: a, rs2: b }), expected, `${a}, ${b}`);
          assert.equal(compute(name, { rs1: u64(a), rs2: u64(b) }), expected, `unsigned ${a}, ${b}`);
        }
      }
    });
  }

  for (const [name, form] of Object.entries(singleForms)) {
    it(name, () => {
      for (const a of edges) {
        for (const operand of [a, u64(a)]) assert.equal(compute(name, { rs1: operand }), s64(form(a)), `${operand}`);
      }
    });
  }

  for (const [name, form] of Object.entries(immediateForms)) {
    it(name, () => {
      for (const a of edges) {
        for (const imm of immediates) {
          assert.equal(compute(name, { rs1: a, imm }), s64(form(s64(a), imm)), `${a}, ${imm}`);
        }
      }
    });
  }

  for (const [name, [width, form]] of Object.entries(shiftForms)) {
    it(name, () => {
      for (const a of edges) {
        for (let n = 0n; n < 2n ** BigInt(width); n++) {
          assert.equal(compute(name, { rs1: a, imm: n }), s64(form(s64(a), n)), `${a}, ${n}`);
        }
      }
    });
  }

  it('lui and auipc', () => {
    assert.equal(compute('lui', { imm: -0x80000000n }), -0x80000000n);
    assert.equal(compute('auipc', { imm: 0x1000n, pc: 0x80000000n }), 0x80001000n);
    assert.equal(compute('auipc', { imm: -0x1000n, pc: 0n }), -0x1000n);
  });

  for (const [name, form] of Object.entries(branchForms)) {
    it(name, () => {
      const { action } = named(name);
      assert.ok(action.k === 'branch');
      for (const a of edges) {
        for (const b of edges) {
          const taken = holds(action.condition, environment({ rs1: a, rs2: b }));
          assert.equal(taken, form(s64(a), s64(b)), `${a}, ${b}`);
        }
      }
    });
  }

  for (const [name, form] of Object.entries(atomicForms)) {
    it(`${name}.w and ${name}.d`, () => {
      const w = named(`${name}.w`).action;
      const d = named(`${name}.d`).action;
      assert.ok(w.k === 'atomic' && d.k === 'atomic');
      for (const a of edges) {
        for (const b of edges) {
          const left32 = evaluate(w.result, environment({ old: s32(a), rs2: b }));
          assert.equal(s32(left32), s32(form(s32(a), s32(b), u32)), `32 bits: ${a}, ${b}`);
          const left64 = evaluate(d.result, environment({ old: s64(a), rs2: b }));
          assert.equal(s64(left64), s64(form(s64(a), s64(b), u64)), `64 bits: ${a}, ${b}`);
        }
      }
    });
  }

  it('has the results of division by zero and overflow of Unprivileged table 13.1', () => {
    assert.equal(compute('div', { rs1: 5n, rs2: 0n }), -1n);
    assert.equal(compute('divu', { rs1: 5n, rs2: 0n }), -1n);
    assert.equal(compute('rem', { rs1: -5n, rs2: 0n }), -5n);
    assert.equal(compute('remu', { rs1: -5n, rs2: 0n }), -5n);
    assert.equal(compute('div', { rs1: MIN64, rs2: -1n }), MIN64);
    assert.equal(compute('rem', { rs1: MIN64, rs2: -1n }), 0n);
    assert.equal(compute('divw', { rs1: MIN32, rs2: -1n }), MIN32);
    assert.equal(compute('remw', { rs1: MIN32, rs2: -1n }), 0n);
    assert.equal(compute('divuw', { rs1: 5n, rs2: 2n ** 32n }), -1n);
    assert.equal(compute('remuw', { rs1: 0xfffffffffn, rs2: 0n }), -1n);
    assert.equal(compute('div', { rs1: -7n, rs2: 2n }), -3n);
    assert.equal(compute('rem', { rs1: -7n, rs2: 2n }), -1n);
  });

  it('has the product of the largest operands', () => {
    assert.equal(compute('mulhu', { rs1: -1n, rs2: -1n }), -2n);
    assert.equal(compute('mulh', { rs1: MIN64, rs2: MIN64 }), 2n ** 62n);
    assert.equal(compute('mulhsu', { rs1: -1n, rs2: -1n }), -1n);
  });

  it('adds the constant to the base in loads, stores and jumps', () => {
    for (const { name, action } of instructions) {
      const address =
        action.k === 'load' || action.k === 'store' ? action.address : action.k === 'jump' ? action.target : undefined;
      if (address !== undefined) {
        const result = evaluate(address, environment({ rs1: 0x1000n, pc: 0x1000n, imm: -1n }));
        assert.equal(result, 0xfffn, name);
      }
    }
  });

  it('loads and stores with the width and extension that the names say', () => {
    const widths = { b: 1, h: 2, w: 4, d: 8 };
    for (const [letter, width] of Object.entries(widths)) {
      const load = named(`l${letter}`).action;
      assert.ok(load.k === 'load' && load.width === width && load.signed);
      const store = named(`s${letter}`).action;
      assert.ok(store.k === 'store' && store.width === width);
      if (letter !== 'd') {
        const unsigned = named(`l${letter}u`).action;
        assert.ok(unsigned.k === 'load' && unsigned.width === width && !unsigned.signed);
      }
    }
  });
});
