/** Damaged program files: every question ends soon, and in an answer or in a SymbolError. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../test/support/random';
import { SymbolError } from './errors';
import { parseElf } from './elf';
import type { Type } from './model';
import { SymbolFile } from './program';

const ROUNDS = 1200;
const MAX_MILLISECONDS = 2000;
const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(join(process.cwd(), 'test', 'fixtures', name)));

/** Interesting values for a field of unknown meaning. */
const WORDS = [0, 1, 0x7f, 0x80, 0xff, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0, 0x10000];

describe('damaged program files', function () {
  this.timeout(120_000);
  for (const name of ['dwarf4.elf', 'dwarf5.elf']) {
    it(`never hang or crash (${name})`, () => {
      const original = fixture(name);
      const random = new Random(0x5eed);
      for (let round = 0; round < ROUNDS; round++) {
        const damaged = damage(original, random, round);
        const start = performance.now();
        try {
          askEverything(damaged, random);
        } catch (error) {
          assert.ok(error instanceof SymbolError, `round ${round}: ${error instanceof Error ? error.stack : error}`);
        }
        const elapsed = performance.now() - start;
        assert.ok(elapsed < MAX_MILLISECONDS, `round ${round} took ${elapsed} ms`);
      }
    });
  }

  it('are refused or read wherever they are cut off', () => {
    const original = fixture('dwarf5.elf');
    const random = new Random(1);
    for (let length = 0; length < original.length; length += 97) {
      try {
        askEverything(original.subarray(0, length), random);
      } catch (error) {
        assert.ok(error instanceof SymbolError, `${length} bytes: ${error instanceof Error ? error.stack : error}`);
      }
    }
  });
});

/** Some bytes or words changed: anywhere, in the debug sections, or in the section headers. */
function damage(original: Uint8Array, random: Random, round: number): Uint8Array {
  const bytes = original.slice();
  const view = new DataView(bytes.buffer);
  const elf = parseElf(original);
  const debug = elf.sections
    .filter(({ name }) => /^\.(debug_|eh_frame|symtab|strtab)/.test(name))
    .map((section) => section.data());
  for (let count = 1 + random.below(8); count > 0; count--) {
    const target = round % 3 === 0 ? original : random.pick(debug);
    const at = target.byteOffset - original.byteOffset + random.below(target.length - 8);
    if (random.below(3) === 0) view.setUint32(at, random.pick(WORDS), true);
    else if (random.below(2) === 0) bytes[at] = random.next();
    else bytes[at]! ^= 1 << random.below(8);
  }
  return bytes;
}

function askEverything(bytes: Uint8Array, random: Random): void {
  const file = SymbolFile.open(bytes);
  const registers = Array.from({ length: 64 }, () => 0x80200000n + random.bits(12));
  const readMemory = (address: bigint, size: number): Uint8Array | undefined =>
    address % 5n === 0n ? undefined : new Uint8Array(size).fill(Number(address & 0xffn));
  const addresses = [0x80200000n, 0x80200020n, 0n, 0xffffffffffffffffn];
  let count = 0;
  for (const { low, high, name } of file.allFunctions()) {
    if (++count > 20) break;
    addresses.push(low, low + 4n, high - 2n);
    file.functionBreakpointAddresses(name);
  }
  for (const path of file.sourceFiles().slice(0, 10)) {
    file.linesIn(path, 1, 100);
    file.resolveBreakpoint(path, 1 + random.below(60));
    file.findFile(path);
  }
  for (const address of addresses) {
    file.findFunction(address);
    file.symbolAt(address);
    file.lineFor(address);
    file.statementRanges(address);
    file.inlineChain(address).forEach((_, level) => {
      for (const variable of file.variablesInScope(address, level).slice(0, 20)) {
        walkType(variable.type);
        file.locate(variable, { pc: address, registers, cfa: 0x80210000n, readMemory });
      }
    });
    file.unwindStack(address, registers, readMemory, 20);
  }
  for (const variable of file.globals()) {
    walkType(variable.type);
    file.locate(variable, { pc: 0n, registers, readMemory });
    if (++count > 200) break;
  }
  file.findGlobal('global_total');
  file.findSymbol('main');
}

/** Reads a type and what it is made of. */
function walkType(type: Type | undefined, depth = 0): void {
  if (!type || depth > 6) return;
  assert.equal(typeof type.name, 'string');
  assert.ok(Number.isSafeInteger(type.size));
  if ('target' in type) walkType(type.target, depth + 1);
  if ('element' in type) walkType(type.element, depth + 1);
  if ('members' in type) for (const { type: inner } of type.members.slice(0, 10)) walkType(inner, depth + 1);
  if ('parameters' in type) for (const inner of type.parameters.slice(0, 10)) walkType(inner, depth + 1);
  if ('enumerators' in type) assert.ok(type.enumerators.length >= 0);
}
