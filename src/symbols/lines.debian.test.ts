/** Compares lines, functions, inlining and breakpoint places with what the GNU tools read from the same programs. */
import assert from 'node:assert/strict';
import { CompiledPrograms, outputOf } from '../../test/support/compiled-programs';
import type { CompiledProgram } from '../../test/support/compiled-programs';
import { requireTool } from '../../test/support/tools';
import { DebugContext } from './dwarf/context';
import { DebugSections } from './dwarf/sections';
import { ROW } from './dwarf/line-program';
import { parseElf } from './elf';
import { SymbolFile } from './program';

const VARIANTS = ['-gdwarf-4', '-gdwarf-5'].flatMap((dwarf) =>
  ['-O0', '-Og', '-O2', '-Os'].map((level) => [dwarf, level]),
);

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** All addresses of instructions' halves in the program's code. */
function codeAddresses(file: SymbolFile): bigint[] {
  const addresses: bigint[] = [];
  for (const section of file.elf.sections) {
    if (!section.isExecutable) continue;
    for (let offset = 0n; offset < section.size; offset += 2n) addresses.push(section.address + offset);
  }
  return addresses;
}

describe('symbols against the GNU tools', function () {
  this.timeout(120_000);
  const programs = new CompiledPrograms();
  let gcc: string;
  before(function () {
    gcc = requireTool('riscv64-unknown-elf-gcc', this);
  });
  after(() => programs.dispose());

  for (const variant of VARIANTS) {
    describe(variant.join(' '), () => {
      let program: CompiledProgram;
      let file: SymbolFile;
      before(() => {
        program = programs.compile(gcc, ...variant);
        file = SymbolFile.open(program.bytes);
      });
      afterEach(() => assert.deepEqual(file.warnings, []));

      it('has the rows that readelf decodes', function () {
        const readelf = requireTool('riscv64-unknown-elf-readelf', this);
        const expected = decodedRows(outputOf(readelf, ['--debug-dump=decodedline', program.path]));
        const rows = allRows(program.bytes);
        assert.ok(expected.length > 100);
        assert.deepEqual(rows, expected);
      });

      it('names the function and its inlined callers with their call sites as addr2line does', function () {
        const addr2line = requireTool('riscv64-unknown-elf-addr2line', this);
        const addresses = codeAddresses(file);
        const output = outputOf(addr2line, ['-a', '-f', '-i', '-e', program.path], addresses.map(hex).join('\n'));
        const expected = addr2lineChains(output).map(withoutInnermostLine);
        const chains = addresses.map((address) => {
          const chain = file.inlineChain(address).map(({ name, position }) => `${name} ${place(position)}`);
          return withoutInnermostLine(chain.length > 0 ? chain : [`${file.symbolAt(address)?.name ?? '??'} `]);
        });
        assertSame(addresses.map(hex), chains, expected);
      });

      it('gives addresses the lines that gdb gives them', function () {
        const gdb = requireTool('gdb-multiarch', this);
        const addresses = codeAddresses(file);
        const expected = gdbLines(gdb, program.path, addresses);
        const lines = addresses.map((address) => {
          const found = file.lineFor(address);
          return found ? [place(found)] : [];
        });
        // Where relaxation left an assembly unit's range too long, gdb knows no line for the next unit's first instruction.
        const known = [...addresses.keys()].filter((index) => expected[index]!.length > 0);
        assert.ok(known.length > addresses.length * 0.9);
        assertSame(
          known.map((index) => hex(addresses[index]!)),
          known.map((index) => lines[index]!),
          known.map((index) => expected[index]!),
        );
      });

      it('sets breakpoints where gdb sets them', function () {
        const gdb = requireTool('gdb-multiarch', this);
        const lines = ['main.c', 'library.c', 'shapes.h', 'start.S'].flatMap((name) =>
          Array.from({ length: 115 }, (_, index) => ({ name, line: index + 1 })),
        );
        const spots = lines.map(({ name, line }) => `${name}:${line}`);
        const functions = [...new Set([...file.allFunctions()].map(({ name }) => name)), 'square'];
        const places = gdbBreakpoints(gdb, program.path, [...spots, ...functions]);
        for (const { name, line } of lines) {
          const spot = `${name}:${line}`;
          const expected = places.get(spot);
          const found = file.resolveBreakpoint(name, line);
          if (!expected) {
            assert.notEqual(found.kind, 'resolved', spot);
            continue;
          }
          assert.ok(found.kind === 'resolved', spot);
          // gdb forgets a row where one of another file follows at the same address; it may then choose a later line.
          if (found.line < expected.line - 1) continue;
          assert.deepEqual(found.addresses.map(hex), expected.addresses, spot);
        }
        assertSame(
          functions,
          functions.map((name) => file.functionBreakpointAddresses(name).map(hex)),
          functions.map((name) => places.get(name)?.addresses ?? []),
        );
      });
    });
  }
});

type Answer = readonly string[];

/** Compares answer by answer, and shows all that differ. */
function assertSame(questions: readonly string[], actual: readonly Answer[], expected: readonly Answer[]): void {
  const show = (index: number, answers: readonly Answer[]): string =>
    `${questions[index]}: ${answers[index]?.join(' < ')}`;
  const differing = [...questions.keys()].filter((index) => show(index, actual) !== show(index, expected));
  assert.deepEqual(
    differing.map((index) => show(index, actual)),
    differing.map((index) => show(index, expected)),
  );
}

/** Of rows at one address the tools do not agree which counts, so the innermost line is left to the comparison with gdb. */
function withoutInnermostLine([innermost, ...callers]: readonly string[]): string[] {
  return [innermost!.replace(/ .*/, ''), ...callers];
}

function place(position: { readonly file: string; readonly line: number } | undefined): string {
  return position ? `${baseName(position.file)}:${position.line}` : '??:0';
}

/** `file line address statement`, sorted, from readelf's table; `-` as line marks the end of a sequence. */
function decodedRows(text: string): string[] {
  const rows: string[] = [];
  for (const line of text.split('\n')) {
    const match = /^(\S+)\s+(\d+|-)\s+(0x[0-9a-f]+|0)(?:\s+(\d+))?(?:\s+(x))?\s*$/.exec(line);
    if (match) rows.push(`${match[2] === '-' ? 'end' : `${match[1]} ${match[2]}`} ${match[3]} ${match[5] ?? '-'}`);
  }
  return rows.map((row) => (row.startsWith('end') ? row.replace(/ [x-]$/, '') : row)).sort();
}

function allRows(bytes: Uint8Array): string[] {
  const context = new DebugContext(new DebugSections(parseElf(bytes), 0n, []), () => true);
  const rows: string[] = [];
  for (const unit of context.info.units) {
    const table = context.lineTable(unit)!;
    for (const { low, high, offsets, files, lines, flags } of table.sequences()) {
      for (let row = 0; row < offsets.length - 1; row++) {
        const address = hex(low + BigInt(offsets[row]!));
        const statement = flags[row]! & ROW.isStatement ? 'x' : '-';
        rows.push(`${baseName(table.path(files[row]!))} ${lines[row]} ${address} ${statement}`);
      }
      rows.push(`end ${hex(high)}`);
    }
  }
  return rows.sort();
}

/** For each address, innermost first, `function file:line`. */
function addr2lineChains(output: string): string[][] {
  const chains: string[][] = [];
  const lines = output.trim().split('\n');
  for (let index = 0; index < lines.length;) {
    if (lines[index]!.startsWith('0x')) {
      chains.push([]);
      index++;
      continue;
    }
    const spot = lines[index + 1]!.replace(/ \(discriminator.*/, '').replace(/:\?$/, ':0');
    chains.at(-1)!.push(`${lines[index]} ${baseName(spot)}`);
    index += 2;
  }
  return chains;
}

interface GdbPlace {
  readonly addresses: readonly string[];
  /** The first line that gdb reports. */
  readonly line: number;
}

/** gdb's breakpoints for each location, addresses ascending; none where gdb finds no code. */
function gdbBreakpoints(gdb: string, path: string, spots: readonly string[]): Map<string, GdbPlace> {
  const commands = spots.flatMap((spot) => [`echo @${spot}\\n`, `break ${spot}`, 'info breakpoints', 'delete']);
  const script = ['set breakpoint pending off', 'set confirm off', ...commands].flatMap((command) => ['-ex', command]);
  const output = outputOf(gdb, ['-q', '-batch', '-nx', ...script, path]);
  const places = new Map<string, GdbPlace>();
  for (const part of output.split('@').slice(1)) {
    const spot = part.slice(0, part.indexOf('\n'));
    const found = [...part.matchAll(/^\d+(?:\.\d+)?\s.*?(0x[0-9a-f]{16}) .*:(\d+)$/gm)];
    const addresses = found.map((match) => hex(BigInt(match[1]!))).sort();
    if (found.length > 0) places.set(spot, { addresses, line: Math.min(...found.map((match) => Number(match[2]))) });
  }
  return places;
}

/** For each address `file:line`, from gdb's `info line`. */
function gdbLines(gdb: string, path: string, addresses: readonly bigint[]): string[][] {
  const commands = addresses.flatMap((address) => ['-ex', `info line *${hex(address)}`]);
  const output = outputOf(gdb, ['-q', '-batch', '-nx', '-ex', 'set width 0', ...commands, path]);
  const lines = output.trim().split('\n');
  return lines.map((line) => {
    const match = /^Line (\d+) of "(.*)"/.exec(line);
    return match ? [`${baseName(match[2]!)}:${match[1]}`] : [];
  });
}
