// The disassembler: well-known texts, and that the assembler reads what it prints.
import assert from 'node:assert/strict';
import { assemble } from './assemble';
import { decode, isCompressed } from './decode';
import type { DisassemblyOptions } from './disassemble';
import { disassemble, disassembleWord } from './disassemble';
import { formats } from './formats';
import type { Format } from './instruction';
import { instructions } from './table';

const ADDRESS = 0x80200000n;

const text = (word: number, options?: DisassemblyOptions): string => disassembleWord(word, ADDRESS, options).text;

describe('disassemble', () => {
  const golden: readonly (readonly [number, string, string])[] = [
    [0x00000013, 'nop', 'addi zero,zero,0'],
    [0x00500513, 'li a0,5', 'addi a0,zero,5'],
    [0x00058513, 'mv a0,a1', 'addi a0,a1,0'],
    [0xff010113, 'add sp,sp,-16', 'addi sp,sp,-16'],
    [0xfff54513, 'not a0,a0', 'xori a0,a0,-1'],
    [0x40b00533, 'neg a0,a1', 'sub a0,zero,a1'],
    [0x0005851b, 'sext.w a0,a1', 'addiw a0,a1,0'],
    [0x0ff57513, 'zext.b a0,a0', 'andi a0,a0,255'],
    [0x00153513, 'seqz a0,a0', 'sltiu a0,a0,1'],
    [0x80000537, 'lui a0,0x80000', 'lui a0,0x80000'],
    [0x00008067, 'ret', 'jalr zero,0(ra)'],
    [0x000500e7, 'jalr a0', 'jalr ra,0(a0)'],
    [0xff9ff06f, 'j 0x801ffff8', 'jal zero,0x801ffff8'],
    [0xfe050ce3, 'beqz a0,0x801ffff8', 'beq a0,zero,0x801ffff8'],
    [0x00813083, 'ld ra,8(sp)', 'ld ra,8(sp)'],
    [0x06b6252f, 'amoadd.w.aqrl a0,a1,(a2)', 'amoadd.w.aqrl a0,a1,(a2)'],
    [0x1005a52f, 'lr.w a0,(a1)', 'lr.w a0,(a1)'],
    [0x18051073, 'csrw satp,a0', 'csrrw zero,satp,a0'],
    [0xc0102573, 'rdtime a0', 'csrrs a0,time,zero'],
    [0x10017073, 'csrc sstatus,2', 'csrrci zero,sstatus,2'],
    [0x7c002573, 'csrr a0,0x7c0', 'csrrs a0,0x7c0,zero'],
    [0x0330000f, 'fence rw,rw', 'fence rw,rw'],
    [0x0ff0000f, 'fence', 'fence iorw,iorw'],
    [0x8330000f, 'fence.tso', 'fence.tso'],
    [0x0100000f, 'pause', 'pause'],
    [0x12000073, 'sfence.vma', 'sfence.vma zero,zero'],
    [0xc0001073, 'unimp', 'unimp'],
    [0x1101, 'add sp,sp,-32', 'c.addi sp,-32'],
    [0x8082, 'ret', 'c.jr ra'],
    [0x852e, 'mv a0,a1', 'c.mv a0,a1'],
    [0x4505, 'li a0,1', 'c.li a0,1'],
    [0x757d, 'lui a0,0xfffff', 'c.lui a0,0xfffff'],
    [0xbffd, 'j 0x801ffffe', 'c.j 0x801ffffe'],
    [0x0000, 'unimp', 'c.unimp'],
    [0x2000, 'fld fs0,0(s0)', 'c.fld fs0,0(s0)'],
    [0x9c41, '.2byte 0x9c41', '.2byte 0x9c41'],
    [0x0020f053, 'fadd.s ft0,ft1,ft2', 'fadd.s ft0,ft1,ft2'],
    [0x00209053, 'fadd.s ft0,ft1,ft2,rtz', 'fadd.s ft0,ft1,ft2,rtz'],
    [0x1a20f043, 'fmadd.d ft0,ft1,ft2,ft3', 'fmadd.d ft0,ft1,ft2,ft3'],
    [0x20b58553, 'fmv.s fa0,fa1', 'fsgnj.s fa0,fa1,fa1'],
    [0xd2058553, 'fcvt.d.w fa0,a1', 'fcvt.d.w fa0,a1'],
    [0xc20595d3, 'fcvt.w.d a1,fa1,rtz', 'fcvt.w.d a1,fa1,rtz'],
    [0xffffffff, '.4byte 0xffffffff', '.4byte 0xffffffff'],
  ];
  for (const [word, withAliases, without] of golden) {
    it(`0x${word.toString(16)} is ${withAliases}`, () => {
      assert.equal(text(word), withAliases);
      assert.equal(text(word, { aliases: false }), without);
    });
  }

  it('names targets that are symbols', () => {
    const symbolAt = (address: bigint): string | undefined => (address === 0x80200010n ? 'main+0x10' : undefined);
    assert.equal(text(0x010000ef, { symbolAt }), 'jal 0x80200010 <main+0x10>');
    assert.equal(text(0x014000ef, { symbolAt }), 'jal 0x80200014');
  });

  it('wraps targets at the end of the address space', () => {
    const decoded = decode(0xff9ff06f);
    assert.ok(decoded);
    assert.equal(disassemble(decoded, 0n).text, 'j 0xfffffffffffffff8');
  });

  it('gives mnemonic, operands and length apart', () => {
    const { mnemonic, operands, length } = disassembleWord(0x12341101, ADDRESS);
    assert.deepEqual({ mnemonic, operands, length }, { mnemonic: 'add', operands: 'sp,sp,-32', length: 2 });
  });
});

const isReserved = (format: Format, word: number): boolean =>
  formats[format].isReserved?.(formats[format].immediate(word)) === true;

describe('assemble reads what disassemble prints', () => {
  it('for every 16-bit instruction', () => {
    for (let word = 0; word < 0x10000; word++) {
      const decoded = isCompressed(word) ? decode(word) : undefined;
      if (decoded !== undefined) {
        const printed: string = disassemble(decoded, ADDRESS, { aliases: false }).text;
        assert.deepEqual(assemble(printed, ADDRESS), { word, length: 2 }, printed);
      }
    }
  });

  it('for every 32-bit instruction, with aliases and without', () => {
    // Patterns with all, some and none of the operand bits set; reserved bits of fences stay zero.
    const patterns = [
      0, 0xffffffff, 0x55555555, 0xaaaaaaaa, 0x000f8f80, 0xfff00000, 0x12345678, 0x9abcdef0, 0x00100080,
    ];
    for (const { match, mask, format, name } of instructions) {
      for (const pattern of patterns) {
        const free = format === 'fence' ? (pattern & 0x0ff00000) | 0x01100000 : name === 'fence.i' ? 0 : pattern;
        const word = (match | (free & ~mask)) >>> 0;
        const decoded = decode(word);
        if (decoded === undefined && isReserved(format, word)) continue;
        assert.ok(decoded);
        for (const aliases of [true, false]) {
          const printed: string = disassemble(decoded, ADDRESS, { aliases }).text;
          assert.deepEqual(assemble(printed, ADDRESS), { word, length: 4 }, printed);
        }
      }
    }
  });
});
