/** Debug information written by hand: forms and entries that our compilers do not emit, and dead code. */
import assert from 'node:assert/strict';
import { buildElf, ByteWriter } from '../../../test/support/elf-builder';
import type { SectionSpec } from '../../../test/support/elf-builder';
import { SymbolFile } from '../program';

const TEXT = 0x80000000n;
const text: SectionSpec = { name: '.text', data: new Array<number>(0x100).fill(0x13), flags: 6, address: TEXT };
const context = { pc: TEXT + 0x12n, registers: [], cfa: 0x9000n, readMemory: () => undefined };

/** Sections of a DWARF 5 unit that reaches strings, addresses and lists through indices, as LLVM's units do. */
function indexedUnit(): SectionSpec[] {
  const strings = ['unit.rs', 'kernel', 'handle', 'count', 'u32', '/build'];
  const str = new ByteWriter();
  const offsets = strings.map((string) => {
    const at = str.bytes.length;
    str.text(string);
    return at;
  });
  const strOffsets = new ByteWriter().sized((inner) => {
    inner.u16(5).u16(0);
    for (const offset of offsets) inner.u32(offset);
  });
  const addr = new ByteWriter().sized((inner) =>
    inner
      .u16(5)
      .u8(8, 0)
      .u64(TEXT + 0x10n)
      .u64(TEXT + 0x40n)
      .u64(TEXT + 0x80n),
  );
  const abbrev = new ByteWriter();
  const abbreviation = (code: number, tag: number, hasChildren: boolean, ...specs: number[]): void => {
    abbrev.uleb(code).uleb(tag).u8(Number(hasChildren));
    for (const spec of specs) abbrev.uleb(spec);
    abbrev.u8(0, 0);
  };
  // Compile unit: str_offsets_base, name strx1, comp_dir strx2, addr_base, rnglists_base, loclists_base, ranges rnglistx.
  abbreviation(1, 0x11, true, 0x72, 0x17, 0x03, 0x25, 0x1b, 0x26, 0x73, 0x17, 0x74, 0x17, 0x8c, 0x17, 0x55, 0x23);
  // Namespace: name strx3.
  abbreviation(2, 0x39, true, 0x03, 0x27);
  // Function: name strx, low_pc addrx1, high_pc data4, frame_base exprloc, decl_line through an indirect form.
  abbreviation(3, 0x2e, true, 0x03, 0x1a, 0x11, 0x29, 0x12, 0x06, 0x40, 0x18, 0x3b, 0x16);
  // Parameter: name strx4, location loclistx, type ref4.
  abbreviation(4, 0x05, false, 0x03, 0x28, 0x02, 0x22, 0x49, 0x13);
  // Base type: name strx, size implicit_const 4, encoding data1.
  abbrev.uleb(5).uleb(0x24).u8(0).uleb(0x03).uleb(0x1a).uleb(0x0b).uleb(0x21).sleb(4).uleb(0x3e).uleb(0x0b).u8(0, 0);
  abbrev.u8(0);
  const info = new ByteWriter().sized((inner) => {
    inner.u16(5).u8(1, 8).u32(0);
    inner.u8(1).u32(8).u8(0).u16(5).u32(8).u32(12).u32(12).uleb(0);
    inner.u8(2).append([1, 0, 0]);
    inner.u8(3).uleb(2).u8(1).u32(0x20).uleb(1).u8(0x9c).uleb(0x0b).u8(77);
    const parameterEnd = 4 + inner.bytes.length + 1 + 4 + 1 + 4;
    inner
      .u8(4)
      .u32(3)
      .uleb(0)
      .u32(parameterEnd + 1);
    inner.u8(0);
    inner.u8(5).uleb(4).u8(0x07);
    inner.u8(0, 0);
  });
  const rngLists = new ByteWriter().sized((inner) => {
    inner.u16(5).u8(8, 0).u32(1).u32(4);
    // base_addressx 0, offset_pair, startx_endx, startx_length, start_end, start_length, end.
    inner.u8(1).uleb(0).u8(4).uleb(0).uleb(0x10).u8(2).uleb(1).uleb(2).u8(3).uleb(2).uleb(8);
    inner
      .u8(6)
      .u64(TEXT + 0x90n)
      .u64(TEXT + 0x98n)
      .u8(7)
      .u64(TEXT + 0xa0n)
      .uleb(4)
      .u8(0);
  });
  const locLists = new ByteWriter().sized((inner) => {
    inner.u16(5).u8(8, 0).u32(1).u32(4);
    // startx_length for another place, GNU view pair, start_end here (fbreg -8), default location (register 10), end.
    inner.u8(3).uleb(2).uleb(8).uleb(1).u8(0x5b);
    inner.u8(9).uleb(1).uleb(2);
    inner
      .u8(7)
      .u64(TEXT + 0x40n)
      .u64(TEXT + 0x50n)
      .uleb(2)
      .u8(0x91, 0x78);
    inner.u8(5).uleb(1).u8(0x5a).u8(0);
  });
  return [
    text,
    { name: '.debug_info', data: info.bytes },
    { name: '.debug_abbrev', data: abbrev.bytes },
    { name: '.debug_str', data: str.bytes },
    { name: '.debug_str_offsets', data: strOffsets.bytes },
    { name: '.debug_addr', data: addr.bytes },
    { name: '.debug_rnglists', data: rngLists.bytes },
    { name: '.debug_loclists', data: locLists.bytes },
  ];
}

describe('debug information through indices', () => {
  it('is resolved', () => {
    const file = SymbolFile.open(buildElf(indexedUnit()));
    const [handle, ...others] = [...file.allFunctions()];
    assert.deepEqual(file.warnings, []);
    assert.equal(others.length, 0);
    assert.equal(handle?.name, 'kernel::handle');
    assert.deepEqual([handle?.low, handle?.high], [TEXT + 0x40n, TEXT + 0x60n]);
    assert.equal(file.findFunction(TEXT + 0x44n)?.name, 'kernel::handle');
    const [count] = file.variablesInScope(TEXT + 0x44n);
    assert.equal(count?.name, 'count');
    assert.deepEqual({ ...count?.type }, { kind: 'base', name: 'u32', size: 4, encoding: 'unsigned', isSigned: false });
    assert.deepEqual(file.locate(count!, { ...context, pc: TEXT + 0x44n }), { kind: 'memory', address: 0x8ff8n });
    assert.deepEqual(file.locate(count!, { ...context, pc: TEXT + 0x54n }), { kind: 'register', register: 10 });
  });

  it('moves with the bias of a program loaded elsewhere', () => {
    const bias = 0x4000n;
    const file = SymbolFile.open(buildElf(indexedUnit()), { bias });
    assert.equal(file.findFunction(TEXT + 0x44n), undefined);
    assert.equal(file.findFunction(TEXT + bias + 0x44n)?.low, TEXT + bias + 0x40n);
    const [count] = file.variablesInScope(TEXT + bias + 0x44n);
    assert.deepEqual(file.locate(count!, { ...context, pc: TEXT + bias + 0x44n }), {
      kind: 'memory',
      address: 0x8ff8n,
    });
  });

  it('is dropped unit by unit where it is damaged', () => {
    const sections = indexedUnit();
    const good = sections[1]!.data;
    const bad = [...good.slice(0, 8), 0xff, 0xff, 0xff, 0, ...good.slice(12)];
    const data = [...bad, ...good];
    const file = SymbolFile.open(buildElf([text, { name: '.debug_info', data }, ...sections.slice(2)]));
    assert.equal(file.findFunction(TEXT + 0x44n)?.name, 'kernel::handle');
    assert.equal(file.warnings.length, 1);
    assert.match(file.warnings[0]!, /\.debug_abbrev: offset 0xffffff lies outside the section/);
  });

  it('in a separate file is reported', () => {
    const abbrev = [1, 0x4a, 0, 0x76, 0x08, 0, 0, 0];
    const info = new ByteWriter().sized((inner) => inner.u16(5).u8(4, 8).u32(0).u64(1n).u8(1).text('a.dwo'));
    const file = SymbolFile.open(
      buildElf([text, { name: '.debug_info', data: info.bytes }, { name: '.debug_abbrev', data: abbrev }]),
    );
    assert.equal(file.findFunction(TEXT), undefined);
    assert.match(file.warnings[0]!, /-gsplit-dwarf/);
  });
});

/** A version 3 line table with one file, and a unit for it that covers the whole text. */
function lineUnit(program: (writer: ByteWriter) => void): SectionSpec[] {
  const line = new ByteWriter().sized((inner) => {
    const header = new ByteWriter();
    header.u8(1, 1, 0xfb, 14, 13).append([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1]);
    header.u8(0).text('one.c').uleb(0).uleb(0).uleb(0).u8(0);
    inner.u16(3).u32(header.bytes.length).append(header.bytes);
    program(inner);
  });
  const abbrev = new ByteWriter().u8(1, 0x11, 0, 0x03, 0x08, 0x1b, 0x08, 0x10, 0x06, 0x11, 0x01, 0x12, 0x01, 0, 0, 0);
  const info = new ByteWriter().sized((inner) =>
    inner
      .u16(3)
      .u32(0)
      .u8(8)
      .u8(1)
      .text('one.c')
      .text('src')
      .u32(0)
      .u64(TEXT)
      .u64(TEXT + 0x100n),
  );
  return [
    text,
    { name: '.debug_info', data: info.bytes },
    { name: '.debug_abbrev', data: abbrev.bytes },
    { name: '.debug_line', data: line.bytes },
  ];
}

describe('line programs', () => {
  const setAddress = (writer: ByteWriter, address: bigint): ByteWriter => writer.u8(0, 9, 2).u64(address);

  it('run every opcode', () => {
    const sections = lineUnit((writer) => {
      setAddress(writer, TEXT);
      writer.u8(3).sleb(9).u8(1); // line 10 at 0
      writer.u8(9).u16(4).u8(3).sleb(-2).u8(5).uleb(7).u8(1); // fixed advance: line 8, column 7 at 4
      writer.u8(8, 6, 1); // constant advance by 17, not a statement: at 21
      writer
        .u8(6, 2)
        .uleb(3)
        .u8(7, 10, 11, 12)
        .uleb(0)
        .u8(13 + 14 + 5 + 1); // special: address + 1, line + 1: 9 at 25
      writer.u8(0, 3, 0x80, 1, 2); // a vendor's extended opcode
      writer.u8(2).uleb(5).u8(0, 1, 1); // end at 30
    });
    const file = SymbolFile.open(buildElf(sections));
    const at = (offset: bigint): unknown => {
      const found = file.lineFor(TEXT + offset);
      return found && [found.line, found.column, found.isStatement, found.range.low - TEXT, found.range.high - TEXT];
    };
    assert.deepEqual(at(0n), [10, 0, true, 0n, 4n]);
    assert.deepEqual(at(5n), [8, 7, true, 4n, 21n]);
    assert.deepEqual(at(21n), [8, 7, false, 21n, 25n]);
    assert.deepEqual(at(29n), [9, 7, true, 25n, 30n]);
    assert.equal(at(30n), undefined);
    assert.deepEqual(file.sourceFiles(), ['src/one.c']);
    assert.deepEqual(file.linesIn('/home/src/one.c', 1, 100), [8, 9, 10]);
    assert.deepEqual(file.warnings, []);
  });

  it('keep what came before the damage, and sort rows that go backwards', () => {
    const sections = lineUnit((writer) => {
      setAddress(writer, TEXT).u8(3).sleb(4).u8(1).u8(2).uleb(8).u8(0, 1, 1);
      setAddress(writer, TEXT + 0x20n).u8(1);
      setAddress(writer, TEXT + 0x18n)
        .u8(3)
        .sleb(1)
        .u8(1);
      setAddress(writer, TEXT + 0x30n).u8(0, 1, 1);
      setAddress(writer, TEXT + 0x40n).u8(2, 0xff);
    });
    const file = SymbolFile.open(buildElf(sections));
    assert.equal(file.lineFor(TEXT)?.line, 5);
    assert.equal(file.lineFor(TEXT + 0x18n)?.line, 2);
    assert.equal(file.lineFor(TEXT + 0x20n)?.line, 1);
    assert.equal(file.warnings.length, 1);
  });

  it('of discarded functions count for nothing', () => {
    const sections = lineUnit((writer) => {
      setAddress(writer, 0n).u8(3).sleb(49).u8(1, 2).uleb(16).u8(0, 1, 1);
      setAddress(writer, TEXT).u8(3).sleb(59).u8(1, 2).uleb(16).u8(0, 1, 1);
    });
    const file = SymbolFile.open(buildElf(sections));
    const found = file.resolveBreakpoint('one.c', 50);
    assert.ok(found.kind === 'resolved');
    assert.deepEqual([found.line, found.addresses], [60, [TEXT]]);
  });

  it('with a header that promises too much end in a warning', () => {
    const sections = lineUnit((writer) => writer.u8(0));
    const line = [...sections[3]!.data];
    line.splice(6, 4, 0xff, 0xff, 0xff, 0x7f);
    const file = SymbolFile.open(buildElf([...sections.slice(0, 3), { name: '.debug_line', data: line }]));
    assert.deepEqual(file.sourceFiles(), []);
    assert.match(file.warnings[0]!, /ends within its header/);
  });
});
