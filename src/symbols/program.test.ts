import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findMarker } from '../../test/support/markers';
import { SymbolFile } from './program';

const root = process.cwd();
const fixtures = join(root, 'test', 'fixtures');
const open = (...parts: string[]): SymbolFile => SymbolFile.open(new Uint8Array(readFileSync(join(root, ...parts))));
const fixture = (name: string): SymbolFile => open('test', 'fixtures', name);

/** The line with the marker, and the addresses that a breakpoint there gets. */
function breakpoint(file: SymbolFile, marker: string): { line: number; chosen: number; addresses: readonly bigint[] } {
  const { path, line } = findMarker(join(fixtures, 'src'), marker);
  const found = file.resolveBreakpoint(path, line);
  assert.ok(found.kind === 'resolved', marker);
  return { line, chosen: found.line, addresses: found.addresses };
}

for (const name of ['dwarf4.elf', 'dwarf5.elf']) {
  describe(`SymbolFile of ${name}`, () => {
    const file = fixture(name);
    afterEach(() => assert.deepEqual(file.warnings, []));

    it('finds functions by address and by name', () => {
      const main = file.findSymbol('main');
      assert.equal(main?.kind, 'function');
      const found = file.findFunction(main!.address + 6n);
      assert.equal(found?.name, 'main');
      assert.equal(found?.low, main?.address);
      assert.match(found!.declaration!.file, /calls\.c$/);
      assert.deepEqual(file.symbolAt(main!.address + 6n), {
        name: 'main',
        address: main!.address,
        offset: 6n,
        size: main!.size,
      });
      assert.equal(file.symbolAt(0n), undefined);
      assert.equal(file.findSymbol('nothing'), undefined);
      const names = [...file.allFunctions()].map((each) => each.name);
      for (const wanted of ['_start', 'main', 'factorial', 'sum_squares', 'put_number'])
        assert.ok(names.includes(wanted));
      assert.equal(new Set(names).size, names.length);
    });

    it('resolves breakpoints and back', () => {
      for (const marker of ['digit', 'factorial-end', 'inlined', 'loop', 'main']) {
        const { line, chosen, addresses } = breakpoint(file, marker);
        assert.equal(chosen, line, marker);
        assert.ok(addresses.length >= 1);
        for (const address of addresses) {
          const here = file.lineFor(address);
          assert.ok(here && here.range.low <= address && address < here.range.high);
          assert.match(here.file, /calls\.c$/);
        }
      }
      const blank = file.resolveBreakpoint('calls.c', findMarker(fixtures, 'digit').line + 1);
      assert.ok(blank.kind === 'resolved' && blank.line > findMarker(fixtures, 'digit').line);
      assert.equal(file.resolveBreakpoint('calls.c', 10_000).kind, 'no-code');
      assert.equal(file.resolveBreakpoint('other.c', 1).kind, 'unknown-file');
      assert.ok(file.linesIn('calls.c', 1, 1000).length > 8);
    });

    it('shows inlined calls', () => {
      const { line, addresses } = breakpoint(file, 'inlined');
      const chain = file.inlineChain(addresses[0]!);
      assert.deepEqual(
        chain.map((frame) => [frame.name, frame.isInlined]),
        [
          ['add_square', true],
          ['sum_squares', false],
        ],
      );
      assert.equal(chain[1]?.position?.line, findMarker(fixtures, 'loop').line);
      assert.ok(line < findMarker(fixtures, 'loop').line);
    });

    it('gives the ranges of a statement', () => {
      const [address] = breakpoint(file, 'main').addresses;
      const ranges = file.statementRanges(address!);
      assert.ok(ranges.some(({ low, high }) => low <= address! && address! < high));
      const line = file.lineFor(address!)!.line;
      for (const { low, high } of ranges) {
        for (let at = low; at < high; at += 2n) assert.equal(file.lineFor(at)?.line, line);
      }
      assert.deepEqual(file.statementRanges(0n), []);
    });

    it('knows variables and their types', () => {
      const total = file.findGlobal('global_total');
      assert.equal(total?.type?.name, 'struct total');
      assert.ok(total?.type?.kind === 'struct');
      assert.deepEqual(
        total.type.members.map((member) => [member.name, member.type?.name, member.offset]),
        [
          ['sum', 'long int', 0],
          ['count', 'int', 8],
        ],
      );
      const nowhere = { pc: 0n, registers: [], readMemory: () => undefined };
      assert.deepEqual(file.locate(total, nowhere), {
        kind: 'memory',
        address: file.findSymbol('global_total')!.address,
      });
      const factorial = file.findSymbol('factorial')!.address;
      const [n] = file.variablesInScope(factorial);
      assert.deepEqual([n?.name, n?.kind, n?.type?.name], ['n', 'parameter', 'long int']);
      assert.deepEqual(file.locate(n!, { ...nowhere, pc: factorial }), { kind: 'register', register: 10 });
      assert.equal(file.findGlobal('nothing'), undefined);
    });

    it('unwinds from the first instruction of a function and from its body', () => {
      const stack = new Map<bigint, bigint>();
      const readMemory = (address: bigint): Uint8Array | undefined => {
        const bytes = new Uint8Array(8);
        new DataView(bytes.buffer).setBigUint64(0, stack.get(address) ?? 0n, true);
        return bytes;
      };
      const registers = Array.from({ length: 32 }, (_, index) => BigInt(index));
      const caller = file.findSymbol('main')!.address + 8n;
      registers[1] = caller;
      registers[2] = 0x80300000n;
      const entry = file.findSymbol('factorial')!.address;
      const [, first] = file.unwindStack(entry, registers, readMemory);
      assert.deepEqual([first?.pc, first?.lookupPc, first?.registers[2]], [caller, caller - 1n, 0x80300000n]);
      assert.equal(first?.registers[8], 8n);
      assert.equal(first?.registers[10], undefined);
    });
  });
}

describe('SymbolFile', () => {
  it('opens the teaching kernel fast', () => {
    const start = performance.now();
    const file = open('samples', 'teaching-kernel', 'kernel.elf');
    const address = file.findSymbol('kernel_main')!.address;
    assert.equal(file.findFunction(address)?.name, 'kernel_main');
    assert.equal(file.lineFor(address)?.file, 'kernel/main.c');
    assert.ok(file.sourceFiles().includes('kernel/trap-entry.S'));
    const elapsed = performance.now() - start;
    assert.ok(elapsed < 500, `${elapsed} ms`);
    assert.deepEqual(file.warnings, []);
  });

  it('works with symbols alone, and with nothing', () => {
    const symbols = fixture('no-debug-info.elf');
    assert.equal(symbols.hasDebugInfo, false);
    const main = symbols.findSymbol('main')!;
    assert.equal(symbols.findFunction(main.address + 4n)?.name, 'main');
    assert.equal(symbols.lineFor(main.address), undefined);
    assert.deepEqual(symbols.functionBreakpointAddresses('main'), [main.address]);
    assert.deepEqual(symbols.sourceFiles(), []);
    assert.equal(symbols.resolveBreakpoint('calls.c', 1).kind, 'unknown-file');

    const stripped = fixture('stripped.elf');
    assert.equal(stripped.hasDebugInfo, false);
    assert.equal(stripped.symbolAt(0x80200000n), undefined);
    assert.equal(stripped.findFunction(0x80200000n), undefined);
    assert.deepEqual([...stripped.allFunctions()], []);
    assert.equal(stripped.unwindStack(0x80200000n, [], () => undefined).length, 1);
  });

  it('finds the caller after a jump to nowhere', () => {
    const file = fixture('dwarf5.elf');
    const main = file.findSymbol('main')!.address;
    const registers = [0n, main + 8n, 0x80300000n];
    const frames = file.unwindStack(0xdead0000n, registers, () => undefined, 2);
    assert.deepEqual(
      frames.map(({ pc, how }) => [pc, how]),
      [
        [0xdead0000n, 'start'],
        [main + 8n, 'return-address'],
      ],
    );
  });

  it('ends a stack that runs in a circle or does not end', () => {
    const file = fixture('dwarf5.elf');
    const body = file.findSymbol('factorial')!.address + 0x14n;
    const registers = Array.from({ length: 32 }, () => 0x80300000n);
    const word = (value: bigint): Uint8Array => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, value, true);
      return bytes;
    };
    assert.ok(file.unwindStack(body, registers, () => word(0x80300000n)).length <= 2);
    const endless = file.unwindStack(
      body,
      registers,
      (address) => word(address % 16n === 8n ? body : address + 64n),
      50,
    );
    assert.equal(endless.length, 50);
  });
});
