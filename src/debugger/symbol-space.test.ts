// Programs at the same address are told apart by the code in memory.
import assert from 'node:assert/strict';
import { fakeModule } from '../../test/support/fake-symbols';
import { SymbolSpace } from './symbol-space';
import type { Memory } from './values/place';

const holding = (address: bigint, bytes: Uint8Array): Memory => ({
  read(at, size) {
    const offset = Number(at - address);
    return offset >= 0 && offset + size <= bytes.length ? bytes.subarray(offset, offset + size) : undefined;
  },
  write() {},
});

describe('symbol space', () => {
  const program = (name: string, filler: number): ReturnType<typeof fakeModule> =>
    fakeModule(name, {
      code: { address: 0x10000n, bytes: new Uint8Array(64).fill(filler) },
      symbolAt: (address) => ({ name, address: 0x10000n, offset: address - 0x10000n, size: 64n }),
    });
  const kernel = fakeModule('kernel', {
    code: { address: 0x80200000n, bytes: new Uint8Array(64) },
    symbolAt: (address) => ({ name: 'kernel_main', address: 0x80200000n, offset: address - 0x80200000n, size: 64n }),
  });
  const first = program('first', 1);
  const second = program('second', 2);
  const symbols = new SymbolSpace([kernel, first, second]);

  it('takes the program whose code is in memory', () => {
    assert.equal(symbols.moduleAt(0x10008n, holding(0x10000n, first.file.elf.segments[0].data)), first);
    assert.equal(symbols.moduleAt(0x10008n, holding(0x10000n, second.file.elf.segments[0].data)), second);
    assert.equal(symbols.moduleAt(0x10008n, holding(0x10000n, new Uint8Array(64).fill(7))), undefined);
  });

  it('takes addresses of one program alone without looking', () => {
    assert.equal(symbols.moduleAt(0x80200010n), kernel);
    assert.equal(symbols.moduleAt(0x80300000n), undefined);
  });

  it('names addresses', () => {
    const memory = holding(0x10000n, second.file.elf.segments[0].data);
    assert.equal(symbols.nameOf(0x10000n, memory), 'second');
    assert.equal(symbols.nameOf(0x1000an, memory), 'second+0xa');
    assert.equal(symbols.nameOf(5n, memory), undefined);
  });
});
