// Expressions: operators, casts, memory, members, and messages for what is wrong.
import assert from 'node:assert/strict';
import type { StructType, Type } from '../../symbols/model';
import { baseType, constantDatum, datumAt, pointerTo } from '../values/datum';
import type { Memory } from '../values/place';
import { evaluate, evaluateCondition, integer, integerOf } from './evaluate';
import type { Environment, Value } from './evaluate';

const BASE = 0x1000n;
const bytes = Uint8Array.from({ length: 64 }, (_, index) => index);
const memory: Memory = {
  read(address, size) {
    const at = Number(address - BASE);
    return at >= 0 && at + size <= bytes.length ? bytes.slice(at, at + size) : undefined;
  },
  write() {},
};
const i32: Type = baseType({ bits: 32, signed: true });
const node: StructType = {
  kind: 'struct',
  flavour: 'struct',
  name: 'struct node',
  size: 24,
  isIncomplete: false,
  get members() {
    return [
      { name: 'id', type: i32, offset: 0, isBaseClass: false },
      { name: 'low', type: i32, offset: 4, bitSize: 4, bitOffset: 4, isBaseClass: false },
      { name: 'next', type: pointerTo(node), offset: 8, isBaseClass: false },
      {
        name: 'list',
        type: { kind: 'array' as const, name: 'i32[2]', size: 8, element: i32, count: 2 },
        offset: 16,
        isBaseClass: false,
      },
    ];
  },
};
const names: Record<string, Value> = {
  a0: integer(0xffffffffffffffffn),
  pc: integer(0x80200000n),
  guest: { kind: 'text', value: 'linux' },
  csr: { kind: 'text', value: 'satp' },
  interrupt: { kind: 'flag', value: true },
  satp: { kind: 'integer', value: 8n << 60n, member: (name) => (name === 'mode' ? integer(8) : undefined) },
  node: { kind: 'data', datum: datumAt(memory, 0x1008n, node) },
  pointer: { kind: 'data', datum: constantDatum(pointerTo(node), 0x1008n) },
  dangling: { kind: 'data', datum: constantDatum(pointerTo(node), 0x9000n) },
};
const environment: Environment = {
  lookup: (name) => (Object.hasOwn(names, name.replace('$', '')) ? names[name.replace('$', '')] : undefined),
  memory,
};
const number = (source: string): bigint => integerOf(evaluate(source, environment));

describe('expressions', () => {
  const results: readonly [string, bigint][] = [
    ['1 + 2 * 3', 7n],
    ['(1 + 2) * 3', 9n],
    ['0x1_000 | 0b11', 0x1003n],
    ['1 << 63 >> 62', 2n],
    ['-1', -1n],
    ['~0', 0xffffffffffffffffn],
    ['10 % 4 - 5', -3n],
    ['a0 + 1', 0n],
    ['$a0 == -1', 1n],
    ["'A'", 65n],
    ['1 ? 2 : 3', 2n],
    ['0 ? 2 : 0 ? 3 : 4', 4n],
    ['1 < 2 == 1', 1n],
    ['!5 || 3 && 0', 0n],
    ['(u8)0x1ff', 0xffn],
    ['(i8)0xff', -1n],
    ['(unsigned long)-1', 0xffffffffffffffffn],
    ['*(u32*)0x1004', 0x07060504n],
    ['*(uint8_t *)0x1001 + 1', 2n],
    ['*0x1000', 0x0706050403020100n],
    ['*((u16*)0x1000 + 1)', 0x0302n],
    ['((u16*)0x1000)[3]', 0x0706n],
    ['satp.mode', 8n],
    ['node.id', 0x0b0a0908n],
    ['node.low', 0n],
    ['pointer->id', 0x0b0a0908n],
    ['pointer.list[1]', 0x1f1e1d1cn],
    ['&node.list', 0x1018n],
    ['pointer + 1', 0x1020n],
    ['(pointer + 1) - pointer', 1n],
  ];
  for (const [source, expected] of results) {
    it(`${source} = ${expected}`, () => assert.equal(number(source), expected));
  }

  it('decides conditions', () => {
    assert.ok(evaluateCondition('csr == "satp" && guest == "linux"', environment));
    assert.ok(!evaluateCondition("csr == 'stvec'", environment));
    assert.ok(evaluateCondition('interrupt', environment));
    assert.ok(evaluateCondition('csr != 3', environment));
    assert.ok(evaluateCondition('pc >= 0x80000000 && pc < 0x88000000', environment));
    assert.ok(!evaluateCondition('false && *(u8*)0', environment));
  });

  const errors: readonly [string, RegExp][] = [
    ['', /is empty/],
    ['1 +', /ends too early/],
    ['1 2', /unexpected "2" at column 3/],
    ['a0 = 1', /cannot assign; to compare, write "=="/],
    ['(1', /lacks a "\)"/],
    ['#', /unexpected "#" at column 1/],
    ['nothing', /"nothing" is not known here/],
    ['u32', /write "\*\(u32\*\)address"/],
    ['1 / 0', /divides by zero/],
    ['1 << 64', /shift by 0x40/],
    ['guest + 1', /cannot be used with texts/],
    ['satp.colour', /no field "colour"/],
    ['node.colour', /struct node has no member "colour"/],
    ['node + 1', /type struct node is not a number/],
    ['dangling->id', /not available: cannot read memory at 0x9000/],
    ['&1', /not in memory/],
    ['node.list[2]', /outside the array of 2/],
    ['('.repeat(5000), /longer than/],
    ['('.repeat(2000), /nested too deeply/],
    ['-'.repeat(2000) + '1', /nested too deeply/],
    ['0x', /unexpected|not a number|not known/],
  ];
  for (const [source, message] of errors) {
    it(`says what is wrong with ${source.slice(0, 20)}`, () => {
      assert.throws(() => integerOf(evaluate(source, environment)), message);
    });
  }
});
