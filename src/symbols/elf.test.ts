import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zlibSync } from 'fflate';
import { buildElf, ByteWriter } from '../../test/support/elf-builder';
import { ElfError, parseElf } from './elf';
import { recognizeLinuxImage } from './linux-image';

const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(join(process.cwd(), 'test', 'fixtures', name)));

/** A small valid file, changed. */
function changed(change: (bytes: Uint8Array, view: DataView) => void): Uint8Array {
  const bytes = buildElf([{ name: '.text', data: [1, 2, 3, 4], flags: 6, address: 0x80000000n }], 0x80000000n);
  change(bytes, new DataView(bytes.buffer));
  return bytes;
}

describe('parseElf', () => {
  it('reads header, segments, sections and symbols of a linked program', () => {
    const elf = parseElf(fixture('dwarf5.elf'));
    assert.equal(elf.entry, 0x80200000n);
    assert.equal(elf.type, 'executable');
    assert.equal(elf.flags.compressed, true);
    const code = elf.segments.find(({ type, executable }) => type === 'load' && executable);
    assert.equal(code?.virtualAddress, 0x80200000n);
    assert.equal(code?.data.length, code?.fileSize);
    const text = elf.section('.text');
    assert.ok(text?.isExecutable && text.isAllocated && !text.isWritable);
    assert.equal(BigInt(text.data().length), text.size);
    const main = elf.symbols().find(({ name }) => name === 'main');
    assert.equal(main?.kind, 'function');
    assert.equal(main?.binding, 'global');
    assert.equal(main?.section, text);
    assert.equal(elf.symbols().find(({ name }) => name === 'global_total')?.kind, 'object');
  });

  it('leaves out mapping symbols and local labels', () => {
    for (const { name } of parseElf(fixture('dwarf4.elf')).symbols()) assert.doesNotMatch(name, /^\$|^\.L/);
  });

  it('says in one sentence what is wrong with other files', () => {
    const image = new ByteWriter()
      .append(new Array<number>(56).fill(0))
      .append([0x52, 0x53, 0x43, 5, 0, 0, 0, 0]).bytes;
    const cases: readonly [Uint8Array, RegExp][] = [
      [new Uint8Array(), /^The file is empty; /],
      [new TextEncoder().encode('#!/bin/sh\n'), /^The file is not an ELF file; give the ELF file/],
      [Uint8Array.from(image), /not an ELF file but a flat Linux kernel Image/],
      [Uint8Array.from([0x1f, 0x8b, 8, 0]), /but gzip-compressed data/],
      [Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]), /ends within its header/],
      [fixture('rv32.elf'), /32-bit RISC-V/],
      [changed((_bytes, view) => view.setUint16(18, 62, true)), /for x86-64, not for RISC-V/],
      [changed((_bytes, view) => view.setUint16(18, 0x1234, true)), /unknown architecture \(number 4660\)/],
      [
        changed((bytes, view) => {
          bytes[5] = 2;
          view.setUint16(18, 243, false);
        }),
        /is big-endian/,
      ],
      [changed((_bytes, view) => view.setUint16(16, 1, true)), /an object file that is not linked yet/],
      [changed((_bytes, view) => view.setUint16(16, 4, true)), /a core dump/],
      [changed((_bytes, view) => view.setUint16(54, 10, true)), /program headers have 10 bytes/],
      [changed((_bytes, view) => view.setBigUint64(32, 1n << 40n, true)), /program headers lie beyond its end/],
      [changed((_bytes, view) => view.setBigUint64(40, 1n << 40n, true)), /section headers lie beyond its end/],
      [changed((_bytes, view) => view.setBigUint64(64 + 8, 1n << 40n, true)), /segment 0 lies beyond its end/],
      [
        changed((_bytes, view) => view.setBigUint64(64 + 40, 1n, true)),
        /segment 0 is larger in the file than in memory/,
      ],
    ];
    for (const [bytes, message] of cases) {
      assert.throws(
        () => parseElf(bytes),
        (error) => error instanceof ElfError && message.test(error.message) && /[;,:] .*\.$/.test(error.message),
        String(message),
      );
    }
  });

  it('accepts headers of segments that a file of symbols alone does not hold', () => {
    const bytes = changed((_bytes, view) => view.setBigUint64(64 + 8, 1n << 40n, true));
    assert.equal(parseElf(bytes, { purpose: 'symbols' }).segments.length, 1);
  });

  it('decompresses sections, and refuses damaged or exotic ones', () => {
    const text = new TextEncoder().encode('debug information '.repeat(50));
    const compressed = (type: number, size: number, data: Uint8Array): Uint8Array => {
      const header = new ByteWriter().u32(type).u32(0).u64(BigInt(size)).u64(1n);
      return Uint8Array.from([...header.bytes, ...data]);
    };
    const read = (data: Uint8Array): Uint8Array =>
      parseElf(buildElf([{ name: '.debug_str', data, flags: 0x800 }]))
        .section('.debug_str')!
        .data();
    assert.deepEqual(read(compressed(1, text.length, zlibSync(text))), text);
    assert.throws(() => read(compressed(2, text.length, text)), /by a method other than zlib/);
    assert.throws(() => read(compressed(1, text.length + 1, zlibSync(text))), /\.debug_str is damaged/);
    assert.throws(() => read(compressed(1, text.length - 1, zlibSync(text))), /\.debug_str is damaged/);
    assert.throws(() => read(compressed(1, 1e12, zlibSync(text))), /\.debug_str is damaged/);
    assert.throws(() => read(compressed(1, 100, text)), /\.debug_str is damaged/);
    assert.throws(() => read(new Uint8Array(5)), /\.debug_str is damaged/);
  });
});

describe('recognizeLinuxImage', () => {
  it('reads the header of a flat image', () => {
    const header = new ByteWriter().u32(0x5a4d).u32(0).u64(0x200000n).u64(0x1234000n).u64(0n).u32(0x10002).u32(0);
    header.u64(0n).u64(0x5643534952n).u32(0x05435352).u32(0);
    assert.deepEqual(recognizeLinuxImage(Uint8Array.from(header.bytes)), {
      textOffset: 0x200000n,
      imageSize: 0x1234000n,
      isBigEndian: false,
      versionMajor: 1,
      versionMinor: 2,
    });
    assert.equal(recognizeLinuxImage(new Uint8Array(64)), undefined);
    assert.equal(recognizeLinuxImage(new Uint8Array(10)), undefined);
  });
});
