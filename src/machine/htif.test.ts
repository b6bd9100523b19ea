// Programs that end and print by stores to `tohost`.
import assert from 'node:assert/strict';
import { assembleSource } from '../isa/assemble';
import { BootError } from './boot';
import { Machine } from './machine';

const BASE = 0x80000000n;

function boot(source: string, tohostOf: (symbols: ReadonlyMap<string, bigint>) => bigint | undefined) {
  const { bytes, symbols } = assembleSource(source, BASE);
  const machine = new Machine({ memoryBytes: 1 << 20 });
  const output: number[] = [];
  machine.uart.onOutput = (printed) => void output.push(...printed);
  const segments = [{ address: Number(BASE), data: bytes, memorySize: bytes.length }];
  const tohost = tohostOf(symbols);
  const program = { entry: BASE, segments };
  machine.boot({ program, mode: 'machine', ...(tohost !== undefined && { htif: { tohost: Number(tohost) } }) });
  return { machine, symbols, output: () => String.fromCharCode(...output) };
}

const withTohost = (source: string) =>
  boot(`${source}\n1: j 1b\n.align 12\n.skip 64\ntohost: .dword 0\nneighbour: .dword 0`, (symbols) =>
    symbols.get('tohost'),
  );

describe('HTIF', () => {
  for (const [value, code] of [
    [1, 0],
    [3, 1],
    [2 * 1337 + 1, 1337],
  ]) {
    it(`ends the machine with code ${code} when ${value} is stored`, () => {
      const { machine } = withTohost(`la t0, tohost\nli t1, ${value}\nsw t1, 0(t0)\nsw x0, 4(t0)`);
      const reason = code === 0 ? 'shutdown' : 'failure';
      assert.deepEqual(machine.run(1000), { kind: 'power-off', reason, code });
    });
  }

  it('ends it right behind the store, whatever the slices', () => {
    for (const slice of [1, 3, 1000]) {
      const { machine } = withTohost('la t0, tohost\nli t1, 5\nsd t1, 8(t0)\nsd t1, 0(t0)\nnop\nnop');
      while (machine.run(slice).kind === 'limit') assert.ok(machine.instructions < 100);
      assert.equal(machine.instructions, 5);
    }
  });

  it('sees AMOs and stores through pages that were in use before', () => {
    const { machine } = withTohost('la t0, tohost\nli t1, 7\nsd t1, 8(t0)\nld t2, 0(t0)\namoadd.d x0, t1, (t0)');
    assert.deepEqual(machine.run(1000), { kind: 'power-off', reason: 'failure', code: 3 });
  });

  it('prints bytes, after each of which tohost is zero again', () => {
    const print = (text: string): string =>
      [...text]
        .map(
          (letter) =>
            `li t1, ${(0x0101n << 48n) | BigInt(letter.charCodeAt(0))}\nsd t1, 0(t0)\n1: ld t2, 0(t0)\nbnez t2, 1b`,
        )
        .join('\n');
    const { machine, output } = withTohost(`la t0, tohost\n${print('Hello!')}\nli t1, 1\nsd t1, 0(t0)`);
    assert.equal(machine.run(1000).kind, 'power-off');
    assert.equal(output(), 'Hello!');
  });

  it('ignores what it does not know', () => {
    const { machine, output } = withTohost(
      'la t0, tohost\nli t1, 0x0200000000000001\nsd t1, 0(t0)\nli t1, 0x0100000000000041\nsd t1, 0(t0)\nli t1, 64\nsd t1, 0(t0)',
    );
    assert.equal(machine.run(1000).kind, 'limit');
    assert.equal(output(), '');
  });

  it('refuses an address that is no doubleword of memory', () => {
    for (const address of [0x1000n, 0x80000004n, 0x90000000n]) {
      assert.throws(() => boot('nop', () => address), BootError);
    }
  });

  it('is not there without a tohost', () => {
    const { machine } = boot('la t0, x\nli t1, 1\nsd t1, 0(t0)\n1: j 1b\n.align 3\nx: .dword 0', () => undefined);
    assert.equal(machine.run(1000).kind, 'limit');
  });
});
