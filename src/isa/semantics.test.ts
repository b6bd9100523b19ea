// What the table says that instructions compute, against formulas of their own and against the specification's edge cases.
import assert from 'node:assert/strict';
import { evaluate, holds } from './evaluate';
import type { Instruction } from './instruction';
import { instructionByName, instructions } from './table';

const s64 = (value: bigint): bigint => BigInt.asIntN(64, value);
const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const s32 = (value: bigint): bigint => BigInt.asIntN(32, value);
const u32 = (value: bigint): bigint => BigInt.asUintN(32, value);
const bool = (value: boolean): bigint => (value ? 1n : 0n);

const MIN64 = -(2n ** 63n);
const MAX64 = 2n ** 63n - 1n;
const MIN32 = -(2n ** 31n);
const MAX32 = 2n ** 31n - 1n;

const edges = [
  0n,
  1n,
  -1n,
  2n,
  -2n,
  7n,
  31n,
  32n,
  33n,
  63n,
  64n,
  0x80n,
  0xffn,
  0x8000n,
  0xffffn,
  MAX32,
  MIN32,
  2n ** 31n,
]
  .concat([2n ** 32n - 1n, 2n ** 32n, -(2n ** 32n), MAX64, MIN64, MAX64 - 1n, MIN64 + 1n])
  .concat([0x123456789abcdef0n, -0x123456789abcdef0n, 0x5555555555555555n, -0x5555555555555556n]);

const immediates = [0n, 1n, -1n, 5n, 31n, 255n, 2047n, -2048n, -16n];

/** Division as the M extension defines it, for signed operands of a width. */
const quotient = (a: bigint, b: bigint): bigint => (b === 0n ? -1n : a / b);
const remainder = (a: bigint, b: bigint): bigint => (b === 0n ? a : a % b);

/** The low bits as binary digits, the highest first, and back. */
const digits = (value: bigint, width: number): string => BigInt.asUintN(width, value).toString(2).padStart(width, '0');
const fromDigits = (text: string): bigint => BigInt(`0b${text}`);
const rotateLeft = (text: string, by: number): string => text.slice(by % text.length) + text.slice(0, by % text.length);

function withBit(value: bigint, bit: bigint, change: (digit: string) => string): bigint {
  const at = 63 - Number(bit & 63n);
  const text = digits(value, 64);
  return fromDigits(text.slice(0, at) + change(text[at]) + text.slice(at + 1));
}

const hexBytes = (value: bigint): string[] => u64(value).toString(16).padStart(16, '0').match(/../g) ?? [];

/** rd of each computing instruction with two registers, as a function of signed operands. */
const registerForms: Record<string, (a: bigint, b: bigint) => bigint> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  sll: (a, b) => a * 2n ** (b & 63n),
  slt: (a, b) => bool(a < b),
  sltu: (a, b) => bool(u64(a) < u64(b)),
  xor: (a, b) => (a | b) - (a & b),
  srl: (a, b) => u64(a) / 2n ** (b & 63n),
  sra: (a, b) => a >> (b & 63n),
  or: (a, b) => a + b - (a & b),
  and: (a, b) => a & b,
  addw: (a, b) => s32(a + b),
  subw: (a, b) => s32(a - b),
  sllw: (a, b) => s32(a << (b & 31n)),
  srlw: (a, b) => s32(u32(a) >> (b & 31n)),
  sraw: (a, b) => s32(a) >> (b & 31n),
  mul: (a, b) => a * b,
  mulh: (a, b) => (a * b) >> 64n,
  mulhsu: (a, b) => (a * u64(b)) >> 64n,
  mulhu: (a, b) => (u64(a) * u64(b)) >> 64n,
  div: quotient,
  divu: (a, b) => quotient(u64(a), u64(b)),
  rem: remainder,
  remu: (a, b) => remainder(u64(a), u64(b)),
  mulw: (a, b) => s32(a * b),
  divw: (a, b) => s32(quotient(s32(a), s32(b))),
  divuw: (a, b) => s32(quotient(u32(a), u32(b))),
  remw: (a, b) => s32(remainder(s32(a), s32(b))),
  remuw: (a, b) => s32(remainder(u32(a), u32(b))),
  'add.uw': (a, b) => u32(a) + b,
  sh1add: (a, b) => 2n * a + b,
  sh2add: (a, b) => 4n * a + b,
  sh3add: (a, b) => 8n * a + b,
  'sh1add.uw': (a, b) => 2n * u32(a) + b,
  'sh2add.uw': (a, b) => 4n * u32(a) + b,
  'sh3add.uw': (a, b) => 8n * u32(a) + b,
  andn: (a, b) => a - (a & b),
  orn: (a, b) => -1n - (b - (a & b)),
  xnor: (a, b) => -1n - ((a | b) - (a & b)),
  min: (a, b) => (a < b ? a : b),
  max: (a, b) => (a > b ? a : b),
  minu: (a, b) => (u64(a) < u64(b) ? a : b),
  maxu: (a, b) => (u64(a) > u64(b) ? a : b),
  rol: (a, b) => fromDigits(rotateLeft(digits(a, 64), Number(b & 63n))),
  ror: (a, b) => fromDigits(rotateLeft(digits(a, 64), 64 - Number(b & 63n))),
  rolw: (a, b) => s32(fromDigits(rotateLeft(digits(a, 32), Number(b & 31n)))),
  rorw: (a, b) => s32(fromDigits(rotateLeft(digits(a, 32), 32 - Number(b & 31n)))),
  bclr: (a, b) => withBit(a, b, () => '0'),
  bset: (a, b) => withBit(a, b, () => '1'),
  binv: (a, b) => withBit(a, b, (digit) => (digit === '0' ? '1' : '0')),
  bext: (a, b) => BigInt(digits(a, 64)[63 - Number(b & 63n)]),
  'czero.eqz': (a, b) => (b === 0n ? 0n : a),
  'czero.nez': (a, b) => (b === 0n ? a : 0n),
};

/** rd of each computing instruction with one register. */
const singleForms: Record<string, (a: bigint) => bigint> = {
  clz: (a) => BigInt(`${digits(a, 64)}1`.indexOf('1')),
  clzw: (a) => BigInt(`${digits(a, 32)}1`.indexOf('1')),
  ctz: (a) => BigInt(64 - `1${digits(a, 64)}`.lastIndexOf('1')),
  ctzw: (a) => BigInt(32 - `1${digits(a, 32)}`.lastIndexOf('1')),
  cpop: (a) => BigInt(digits(a, 64).split('1').length - 1),
  cpopw: (a) => BigInt(digits(a, 32).split('1').length - 1),
  'sext.b': (a) => BigInt.asIntN(8, a),
  'sext.h': (a) => BigInt.asIntN(16, a),
  'zext.h': (a) => BigInt.asUintN(16, a),
  'orc.b': (a) =>
    BigInt(
      `0x${hexBytes(a)
        .map((byte) => (byte === '00' ? '00' : 'ff'))
        .join('')}`,
    ),
  rev8: (a) => BigInt(`0x${hexBytes(a).reverse().join('')}`),
};

/** rd of each computing instruction with a constant. */
const immediateForms: Record<string, (a: bigint, imm: bigint) => bigint> = {
  addi: (a, imm) => a + imm,
  slti: (a, imm) => bool(a < imm),
  sltiu: (a, imm) => bool(u64(a) < u64(imm)),
  xori: (a, imm) => (a | imm) - (a & imm),
  ori: (a, imm) => a + imm - (a & imm),
  andi: (a, imm) => a & imm,
  addiw: (a, imm) => s32(a + imm),
};

/** rd of each shift by a constant, and the width of the constant in bits. */
const shiftForms: Record<string, readonly [number, (a: bigint, amount: bigint) => bigint]> = {
  slli: [6, (a, n) => a << n],
  srli: [6, (a, n) => u64(a) >> n],
  srai: [6, (a, n) => a >> n],
  slliw: [5, (a, n) => s32(a << n)],
  srliw: [5, (a, n) => s32(u32(a) >> n)],
  sraiw: [5, (a, n) => s32(a) >> n],
  'slli.uw': [6, (a, n) => u32(a) << n],
  rori: [6, (a, n) => fromDigits(rotateLeft(digits(a, 64), 64 - Number(n)))],
  roriw: [5, (a, n) => s32(fromDigits(rotateLeft(digits(a, 32), 32 - Number(n))))],
  bclri: [6, (a, n) => withBit(a, n, () => '0')],
  bseti: [6, (a, n) => withBit(a, n, () => '1')],
  binvi: [6, (a, n) => withBit(a, n, (digit) => (digit === '0' ? '1' : '0'))],
  bexti: [6, (a, n) => BigInt(digits(a, 64)[63 - Number(n)])],
};

const branchForms: Record<string, (a: bigint, b: bigint) => boolean> = {
  beq: (a, b) => a === b,
  bne: (a, b) => a !== b,
  blt: (a, b) => a < b,
  bge: (a, b) => a >= b,
  bltu: (a, b) => u64(a) < u64(b),
  bgeu: (a, b) => u64(a) >= u64(b),
};

/** What an atomic leaves in memory, from signed operands of its width. */
const atomicForms: Record<string, (old: bigint, b: bigint, unsigned: (value: bigint) => bigint) => bigint> = {
  amoswap: (_old, b) => b,
  amoadd: (old, b) => old + b,
  amoxor: (old, b) => old ^ b,
  amoand: (old, b) => old & b,
  amoor: (old, b) => old | b,
  amomin: (old, b) => (old < b ? old : b),
  amomax: (old, b) => (old > b ? old : b),
  amominu: (old, b, unsigned) => (unsigned(old) < unsigned(b) ? old : b),
  amomaxu: (old, b, unsigned) => (unsigned(old) > unsigned(b) ? old : b),
};

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
