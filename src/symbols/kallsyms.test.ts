// The symbols that a Linux kernel carries, in images made here; Debian's kernel is in test/guests/explanations.guests.ts.
import assert from 'node:assert/strict';
import { Random } from '../../test/support/random';
import type { KernelSymbol } from './kallsyms';
import { findKernelSymbols } from './kallsyms';
import { SymbolFile } from './program';

const BASE = 0xffff_ffff_8000_0000n;
/** All tokens are characters, but for these. */
const LONG: Readonly<Record<number, string>> = { 1: 'sche', 2: 'dule', 3: '_text' };
const token = (code: number): string => LONG[code] ?? (code > 0x20 && code < 0x7f ? String.fromCharCode(code) : 'zz');

function compressed(text: string): number[] {
  const codes: number[] = [];
  for (let at = 0; at < text.length;) {
    const long = Object.entries(LONG).find(([, value]) => text.startsWith(value, at));
    codes.push(long ? Number(long[0]) : text.charCodeAt(at));
    at += long ? long[1].length : 1;
  }
  return codes.length < 0x80 ? [codes.length, ...codes] : [(codes.length & 0x7f) | 0x80, codes.length >> 7, ...codes];
}

const words = (values: readonly number[]): number[] => [...new Uint8Array(new Uint32Array(values).buffer)];
const halves = (values: readonly number[]): number[] => [...new Uint8Array(new Uint16Array(values).buffer)];
const aligned = (bytes: readonly number[]): number[] => [
  ...bytes,
  ...new Array<number>((8 - (bytes.length % 8)) % 8).fill(0),
];

/** An image with the header of Linux, some code, and these symbols. */
function makeImage(symbols: readonly KernelSymbol[], order: 'offsets last' | 'offsets first'): Uint8Array {
  const names: number[] = [];
  const markers: number[] = [];
  symbols.forEach(({ type, name }, index) => {
    if (index % 256 === 0) markers.push(names.length);
    names.push(...compressed(type + name));
  });
  const tokens = Array.from({ length: 256 }, (_, code) => [...token(code)].map((each) => each.charCodeAt(0)));
  const starts = tokens.map((_, code) => tokens.slice(0, code).reduce((sum, { length }) => sum + length + 1, 0));
  const base = new Uint8Array(new BigUint64Array([BASE]).buffer);
  const offsets = [...aligned(words(symbols.map(({ address }) => Number(address - BASE)))), ...base];
  const others = [
    ...aligned(words([symbols.length])),
    ...aligned(names),
    ...aligned(words(markers)),
    ...aligned(tokens.flatMap((bytes) => [...bytes, 0])),
    ...aligned(halves(starts)),
  ];
  const code = new Uint8Array(0x2000).fill(0x13);
  code.set([0x52, 0x53, 0x43, 0x05], 0x38);
  new DataView(code.buffer).setBigUint64(0x10, 0x10_0000n, true);
  // Digits stand elsewhere, too.
  code.set(Array.from({ length: 10 }, (_, digit) => [0x30 + digit, 0]).flat(), 0x100);
  return new Uint8Array([
    ...code,
    ...(order === 'offsets first' ? [...offsets, ...others] : [...others, ...offsets]),
    ...new Uint8Array(64),
  ]);
}

const symbol = (type: string, name: string, offset: number): KernelSymbol => ({
  type,
  name,
  address: BASE + BigInt(offset),
});

const SYMBOLS: readonly KernelSymbol[] = [
  symbol('T', '_start', 0),
  symbol('T', '_stext', 0x200),
  symbol('T', 'schedule', 0x200),
  symbol('t', 'schedule_idle', 0x240),
  symbol('T', `${'very_long_name_'.repeat(12)}end`, 0x280),
  ...Array.from({ length: 700 }, (_, i) => symbol('t', `f${i}`, 0x300 + 4 * i)),
  symbol('T', '_etext', 0x1000),
  symbol('D', 'jiffies', 0x1800),
  symbol('B', '_end', 0x2_0000),
];

describe("a Linux kernel's own symbols", () => {
  for (const order of ['offsets last', 'offsets first'] as const) {
    it(`are found, with ${order}`, () => {
      assert.deepEqual(findKernelSymbols(makeImage(SYMBOLS, order)), { base: BASE, symbols: SYMBOLS });
    });
  }

  it('are those of a program', () => {
    const file = SymbolFile.openLinux(makeImage(SYMBOLS, 'offsets last'))!;
    assert.equal(file.hasDebugInfo, false);
    const { name, low, high } = file.findFunction(BASE + 0x245n)!;
    assert.deepEqual({ name, low, high }, { name: 'schedule_idle', low: BASE + 0x240n, high: BASE + 0x280n });
    assert.equal(file.symbolAt(BASE + 0x210n)?.name, 'schedule');
    assert.equal(file.findSymbol('jiffies')?.address, BASE + 0x1800n);
    assert.equal(file.findFunction(BASE + 0x1900n), undefined, 'data');
    assert.deepEqual(file.functionBreakpointAddresses('schedule').length, 1);
  });

  it('are none in other images, and in damaged ones what is found ends', () => {
    assert.equal(findKernelSymbols(new Uint8Array(0)), undefined);
    assert.equal(findKernelSymbols(new Uint8Array(100_000)), undefined);
    assert.equal(findKernelSymbols(new Uint8Array(100_000).fill(0x30)), undefined);
    const random = new Random(5);
    const image = makeImage(SYMBOLS, 'offsets last');
    for (let round = 0; round < 300; round++) {
      const damaged = image.slice(0, random.below(4) === 0 ? random.below(image.length) : image.length);
      for (let i = random.below(6); i >= 0; i--) damaged[0x2000 + random.below(damaged.length)] = random.below(256);
      const found = findKernelSymbols(damaged);
      if (found) assert.equal(found.symbols.length, SYMBOLS.length);
      SymbolFile.openLinux(damaged)?.findFunction(BASE + 0x245n);
    }
  });
});
