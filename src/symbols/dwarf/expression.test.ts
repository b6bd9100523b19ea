import assert from 'node:assert/strict';
import { ByteWriter } from '../../../test/support/elf-builder';
import { DwarfError } from '../errors';
import type { Location } from '../model';
import { evaluateLocation, evaluateValue } from './expression';
import type { ExpressionContext } from './expression';

const MASK = 2n ** 64n - 1n;
const context: ExpressionContext = {
  register: (number) => (number === 5 ? undefined : 0x1000n + BigInt(number)),
  readMemory: (address, size) =>
    address === 0xbadn ? undefined : new Uint8Array(size).map((_, index) => Number(address & 0xffn) + index),
  cfa: 0x8000n,
  frameBase: () => 0x9000n,
  addressOf: (address) => address + 0x100n,
  indexedAddress: (index) => BigInt(index) * 0x10n,
  entryValue: (expression) => BigInt(expression[0]!),
  baseType: (offset) =>
    offset === 1 ? { size: 4, isSigned: true } : offset === 2 ? { size: 2, isSigned: false } : undefined,
};

const value = (...bytes: number[]): bigint => evaluateValue(Uint8Array.from(bytes), context);
const location = (...bytes: number[]): Location => evaluateLocation(Uint8Array.from(bytes), context);

describe('DWARF expressions', () => {
  it('push constants of every kind', () => {
    assert.equal(value(0x30), 0n);
    assert.equal(value(0x4f), 31n);
    assert.equal(value(0x09, 0xff), MASK);
    assert.equal(value(0x0a, 0x34, 0x12), 0x1234n);
    assert.equal(value(0x0d, 0xfe, 0xff, 0xff, 0xff), MASK - 1n);
    assert.equal(value(0x10, 0xe5, 0x8e, 0x26), 624485n);
    assert.equal(value(0x11, 0x7f), MASK);
    assert.equal(value(0x03, 0, 0x10, 0, 0, 0, 0, 0, 0), 0x1100n);
    assert.equal(value(0xa1, 3), 0x130n);
    assert.equal(value(0xa2, 3), 0x30n);
  });

  it('calculate with 64 bits, signed where DWARF says so', () => {
    const binary: [number, bigint, bigint, bigint][] = [
      [0x1a, 12n, 10n, 8n],
      [0x1b, MASK - 8n, 2n, MASK - 3n],
      [0x1c, 1n, 2n, MASK],
      [0x1d, 7n, 3n, 1n],
      [0x1e, 1n << 40n, 1n << 30n, 0n],
      [0x21, 12n, 3n, 15n],
      [0x22, MASK, 2n, 1n],
      [0x24, 1n, 63n, 1n << 63n],
      [0x24, 1n, 64n, 0n],
      [0x25, MASK, 60n, 15n],
      [0x26, MASK, 60n, MASK],
      [0x26, MASK, 1000n, MASK],
      [0x27, 5n, 1n, 4n],
      [0x29, 4n, 4n, 1n],
      [0x2d, MASK, 0n, 1n],
      [0x2b, MASK, 0n, 0n],
      [0x2e, 1n, 2n, 1n],
    ];
    for (const [opcode, left, right, expected] of binary) {
      const bytes = new ByteWriter().u8(0x0e).u64(left).u8(0x0e).u64(right).u8(opcode).bytes;
      assert.equal(value(...bytes), expected, `0x${opcode.toString(16)}`);
    }
    assert.equal(value(0x11, 0x7e, 0x19), 2n);
    assert.equal(value(0x31, 0x1f), MASK);
    assert.equal(value(0x30, 0x20), MASK);
    assert.equal(value(0x31, 0x23, 0x05), 6n);
  });

  it('move values on the stack, branch, and convert between types', () => {
    assert.equal(value(0x31, 0x32, 0x16), 1n);
    assert.equal(value(0x31, 0x32, 0x33, 0x17, 0x1c), MASK);
    assert.equal(value(0x31, 0x32, 0x14), 1n);
    assert.equal(value(0x35, 0x32, 0x33, 0x15, 2), 5n);
    assert.equal(value(0x31, 0x32, 0x13), 1n);
    assert.equal(value(0x37, 0x31, 0x28, 1, 0, 0x4f), 7n);
    assert.equal(value(0x37, 0x2f, 1, 0, 0x4f), 7n);
    assert.equal(value(0x0e, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0xa8, 1), MASK);
    assert.equal(value(0x11, 0x7f, 0xa8, 2), 0xffffn);
    assert.equal(value(0x11, 0x7f, 0xa8, 0), MASK);
    assert.equal(value(0xa5, 10, 2), 0x100an);
  });

  it('read registers, memory and the frame', () => {
    assert.equal(value(0x72, 0x70), 0x1002n - 16n);
    assert.equal(value(0x92, 8, 4), 0x100cn);
    assert.equal(value(0x91, 0x7c), 0x9000n - 4n);
    assert.equal(value(0x9c), 0x8000n);
    assert.equal(value(0x41, 0x06), 0x1817161514131211n);
    assert.equal(value(0x41, 0x94, 2), 0x1211n);
    assert.equal(value(0xa3, 1, 0x5a), 0x5an);
    assert.equal(value(0x5a), 0x100an);
  });

  it('describe places', () => {
    assert.deepEqual(location(), { kind: 'optimized-out' });
    assert.deepEqual(location(0x5a), { kind: 'register', register: 10 });
    assert.deepEqual(location(0x90, 40), { kind: 'register', register: 40 });
    assert.deepEqual(location(0x72, 8), { kind: 'memory', address: 0x100an });
    assert.deepEqual(location(0x33, 0x9f), { kind: 'value', value: 3n });
    assert.deepEqual(location(0x9e, 2, 7, 8), { kind: 'bytes', bytes: Uint8Array.of(7, 8) });
    assert.deepEqual(location(0x5a, 0x93, 4, 0x93, 4, 0x72, 0, 0x9d, 12, 3), {
      kind: 'pieces',
      pieces: [
        { location: { kind: 'register', register: 10 }, bits: 32, offset: 0 },
        { location: { kind: 'optimized-out' }, bits: 32, offset: 0 },
        { location: { kind: 'memory', address: 0x1002n }, bits: 12, offset: 3 },
      ],
    });
  });

  it('end in an error where they cannot be worked out', () => {
    const cases: [number[], RegExp][] = [
      [[0x75, 0], /Register x5 is not known/],
      [[0x0a, 0xad, 0x0b, 0x06], /memory at 0xbad/],
      [[0x22], /takes more values/],
      [[0x31, 0x30, 0x1b], /divides by zero/],
      [[0x31, 0x94, 3], /3 bytes/],
      [[0x2f, 0xfd, 0xff], /does not end/],
      [[0x2f, 0, 0x10], /outside the section/],
      [[0x9b], /Thread-local/],
      [[0xa0, 0, 0, 0, 0, 0], /has no address/],
      [[0xff], /operation 0xff is not supported/],
      [[0x31, 0xa8, 9], /unsuitable type/],
      [[0x12, 0x2f], /takes more values/],
      [new Array<number>(2000).fill(0x31), /too much stack/],
    ];
    for (const [bytes, message] of cases) {
      assert.throws(
        () => location(...bytes),
        (error) => error instanceof DwarfError && message.test(error.message),
        String(message),
      );
    }
  });
});
