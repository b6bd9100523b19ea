// Stacks that do not end, are damaged, or begin nowhere.
import assert from 'node:assert/strict';
import { fakeModule } from '../../test/support/fake-symbols';
import type { StackFrame } from '../symbols/model';
import { Stack } from './stack';
import { SymbolSpace } from './symbol-space';
import type { Target } from './target';

const RA = 1;
const SP = 2;

function target(pc: bigint, registers: Record<number, bigint> = {}, csrs: Record<string, bigint> = {}): Target {
  const nothing = { read: () => undefined, write() {} };
  return {
    pc,
    mode: 'vS',
    x: (index: number) => registers[index] ?? 0n,
    f: () => 0n,
    memory: () => nothing,
    csrSets: [{ find: (name: string) => (name in csrs ? { value: csrs[name] } : undefined) }],
  } as unknown as Target;
}

function program(unwind: (frame: StackFrame) => StackFrame | undefined): SymbolSpace {
  const code = { address: 0x1000n, bytes: new Uint8Array(0x1000) };
  const findFunction = (address: bigint): never =>
    ({ name: 'f', low: address & ~0xffn, high: 0n, ranges: [] }) as never;
  return new SymbolSpace([fakeModule('kernel', { code, unwind, findFunction })]);
}

const caller = (frame: StackFrame, pc: bigint, sp: bigint): StackFrame => ({
  pc,
  lookupPc: pc - 1n,
  registers: frame.registers.map((value, index) => (index === SP ? sp : value)),
  how: 'cfi',
});

describe('call stack', () => {
  it('unwinds no further than asked for', () => {
    let unwound = 0;
    const symbols = program((frame) => {
      unwound++;
      return caller(frame, frame.pc + 4n, frame.registers[SP]! + 16n);
    });
    const stack = new Stack(target(0x1000n, { [SP]: 0x8000n }), symbols);
    assert.equal(stack.frames(0, 1).length, 1);
    assert.ok(unwound <= 2);
    assert.equal(stack.total, undefined);
    assert.equal(stack.frames(10, 5).length, 5);
    assert.ok(unwound <= 16);
  });

  it('ends a stack without end', () => {
    const symbols = program((frame) => caller(frame, 0x1010n, frame.registers[SP]! + 16n));
    const stack = new Stack(target(0x1000n, { [SP]: 0x8000n }), symbols);
    const frames = stack.frames(0, 1_000_000);
    assert.ok(frames.length > 1000 && frames.length < 10_000);
    assert.equal(stack.total, frames.length);
  });

  it('ends where the stack pointer no longer grows', () => {
    const symbols = program((frame) => caller(frame, frame.pc + 8n, 0x8000n));
    const stack = new Stack(target(0x1000n, { [SP]: 0x8000n }), symbols);
    // A leaf function may have no frame of its own, once.
    assert.equal(stack.frames(0, 100).length, 2);
  });

  it('finds where a jump to nowhere came from', () => {
    const stack = new Stack(
      target(0n, { [RA]: 0x1104n, [SP]: 0x8000n }),
      program(() => undefined),
    );
    assert.deepEqual(
      stack.frames(0, 10).map(({ name }) => name),
      ['0x0', 'f+0x3'],
    );
  });

  it('shows what a trap interrupted, with its callers while the registers are untouched', () => {
    const csrs = { stvec: 0x1200n, sepc: 0x1110n };
    const symbols = program((frame) => (frame.pc === 0x1110n ? caller(frame, 0x1304n, 0x8010n) : undefined));
    const names = (pc: bigint): string[] =>
      new Stack(target(pc, { [SP]: 0x8000n }, csrs), symbols).frames(0, 10).map(({ name }) => name);
    assert.deepEqual(names(0x1200n), ['f', 'f+0x10 (interrupted)', 'f+0x3']);
    assert.deepEqual(names(0x1208n), ['f+0x8', 'f+0x10 (interrupted)']);
    assert.deepEqual(names(0x1310n), ['f+0x10']);
  });
});
