// Decoding: well-known words, reserved encodings, HINTs, and properties of the table.
import assert from 'node:assert/strict';
import { decode } from './decode';
import { compressedInstructions, instructions } from './table';

/** The decoded instruction as one short line. */
function show(word: number): string {
  const decoded = decode(word);
  if (decoded === undefined) {
    return 'illegal';
  }
  const { instruction, compressed, length, rd, rs1, rs2, imm } = decoded;
  const spelling = compressed === undefined ? '' : `${compressed.name} = `;
  return `${spelling}${instruction.name} rd=${rd} rs1=${rs1} rs2=${rs2} imm=${imm} length=${length}`;
}

const golden: readonly (readonly [number, string])[] = [
  [0x00000013, 'addi rd=0 rs1=0 rs2=0 imm=0 length=4'],
  [0xfff50593, 'addi rd=11 rs1=10 rs2=0 imm=-1 length=4'],
  [0x80000537, 'lui rd=10 rs1=0 rs2=0 imm=-2147483648 length=4'],
  [0x00001517, 'auipc rd=10 rs1=0 rs2=0 imm=4096 length=4'],
  [0xffdff0ef, 'jal rd=1 rs1=0 rs2=0 imm=-4 length=4'],
  [0x7ffff06f, 'jal rd=0 rs1=0 rs2=0 imm=1048574 length=4'],
  [0x00008067, 'jalr rd=0 rs1=1 rs2=0 imm=0 length=4'],
  [0xfeb51ee3, 'bne rd=0 rs1=10 rs2=11 imm=-4 length=4'],
  [0x7eb50fe3, 'beq rd=0 rs1=10 rs2=11 imm=4094 length=4'],
  [0xfe113c23, 'sd rd=0 rs1=2 rs2=1 imm=-8 length=4'],
  [0x03f51513, 'slli rd=10 rs1=10 rs2=0 imm=63 length=4'],
  [0x41f5551b, 'sraiw rd=10 rs1=10 rs2=0 imm=31 length=4'],
  [0x02b54533, 'div rd=10 rs1=10 rs2=11 imm=0 length=4'],
  [0x1005252f, 'lr.w rd=10 rs1=10 rs2=0 imm=0 length=4'],
  [0x1eb5352f, 'sc.d rd=10 rs1=10 rs2=11 imm=0 length=4'],
  [0x04b5252f, 'amoadd.w rd=10 rs1=10 rs2=11 imm=0 length=4'],
  [0x10200073, 'sret rd=0 rs1=0 rs2=0 imm=0 length=4'],
  [0x12b50073, 'sfence.vma rd=0 rs1=10 rs2=11 imm=0 length=4'],
  [0xf1402573, 'csrrs rd=10 rs1=0 rs2=0 imm=3860 length=4'],
  [0x1001f073, 'csrrci rd=0 rs1=3 rs2=0 imm=256 length=4'],
  [0x8330000f, 'fence rd=0 rs1=0 rs2=0 imm=2099 length=4'],
  [0x0000100f, 'fence.i rd=0 rs1=0 rs2=0 imm=0 length=4'],
  [0x0001, 'c.addi = addi rd=0 rs1=0 rs2=0 imm=0 length=2'],
  [0x1101, 'c.addi = addi rd=2 rs1=2 rs2=0 imm=-32 length=2'],
  [0x7139, 'c.addi16sp = addi rd=2 rs1=2 rs2=0 imm=-64 length=2'],
  [0x0808, 'c.addi4spn = addi rd=10 rs1=2 rs2=0 imm=16 length=2'],
  [0x57fd, 'c.li = addi rd=15 rs1=0 rs2=0 imm=-1 length=2'],
  [0x757d, 'c.lui = lui rd=10 rs1=0 rs2=0 imm=-4096 length=2'],
  [0x8082, 'c.jr = jalr rd=0 rs1=1 rs2=0 imm=0 length=2'],
  [0x9502, 'c.jalr = jalr rd=1 rs1=10 rs2=0 imm=0 length=2'],
  [0x852e, 'c.mv = add rd=10 rs1=0 rs2=11 imm=0 length=2'],
  [0x952e, 'c.add = add rd=10 rs1=10 rs2=11 imm=0 length=2'],
  [0x9002, 'c.ebreak = ebreak rd=0 rs1=0 rs2=0 imm=0 length=2'],
  [0xa001, 'c.j = jal rd=0 rs1=0 rs2=0 imm=0 length=2'],
  [0xbffd, 'c.j = jal rd=0 rs1=0 rs2=0 imm=-2 length=2'],
  [0xdd7d, 'c.beqz = beq rd=0 rs1=10 rs2=0 imm=-2 length=2'],
  [0x60e2, 'c.ldsp = ld rd=1 rs1=2 rs2=0 imm=24 length=2'],
  [0xec06, 'c.sdsp = sd rd=0 rs1=2 rs2=1 imm=24 length=2'],
  [0x157d, 'c.addi = addi rd=10 rs1=10 rs2=0 imm=-1 length=2'],
  [0x953e, 'c.add = add rd=10 rs1=10 rs2=15 imm=0 length=2'],
  [0x9d01, 'c.subw = subw rd=10 rs1=10 rs2=8 imm=0 length=2'],
];

describe('decode', () => {
  for (const [word, expected] of golden) {
    it(`0x${word.toString(16)} is ${expected.split(' rd=')[0]}`, () => {
      assert.equal(show(word), expected);
    });
  }

  it('finds all-zero and all-one words illegal', () => {
    for (const word of [0, 0xffffffff, 0xffff, 0x00010000]) {
      assert.equal(decode(word), undefined);
    }
  });

  it('ignores the upper half of a 16-bit instruction and takes signed words', () => {
    assert.equal(decode(0x12348082), decode(0x8082));
    assert.equal(decode(0x8330000f | 0)?.word, 0x8330000f);
  });

  it('finds reserved 16-bit encodings illegal', () => {
    const reserved: Record<string, number> = {
      'c.addi4spn with a zero constant': 0x0008,
      'quadrant 0, funct3 4': 0x8000,
      'c.addiw to x0': 0x2005,
      'c.addi16sp with a zero constant': 0x6101,
      'c.lui with a zero constant': 0x6501,
      'c.lwsp to x0': 0x4002,
      'c.ldsp to x0': 0x6002,
      'c.jr to x0': 0x8002,
      'the word after c.addw': 0x9c41,
      'the last of quadrant 1, funct3 4': 0x9c61,
    };
    for (const [what, word] of Object.entries(reserved)) {
      assert.equal(decode(word), undefined, what);
    }
  });

  it('finds reserved 32-bit encodings illegal', () => {
    const reserved: Record<string, number> = {
      'fadd.s with rounding mode 5': 0x0020d053,
      'fmadd.d with rounding mode 6': 0x1a20e043,
      'a branch with funct3 2': 0x00002063,
      'a load with funct3 7': 0x00007003,
      'a store with funct3 4': 0x00004023,
      'jalr with funct3 1': 0x00001067,
      'slliw by 32': 0x0205151b,
      'slli with bit 26': 0x04051513,
      'lr.w with rs2': 0x1015252f,
      'sfence.vma with rd': 0x120000f3,
      'mret with rs1': 0x302080f3,
      'a system word with funct3 4': 0x00004073,
      'add with funct7 2': 0x04b50533,
      'a 48-bit instruction': 0x0000001f,
      uret: 0x00200073,
    };
    for (const [what, word] of Object.entries(reserved)) {
      assert.equal(decode(word), undefined, what);
    }
  });

  it('decodes HINTs as their expansions with rd = x0', () => {
    assert.equal(show(0x0005), 'c.addi = addi rd=0 rs1=0 rs2=0 imm=1 length=2');
    assert.equal(show(0x4001), 'c.li = addi rd=0 rs1=0 rs2=0 imm=0 length=2');
    assert.equal(show(0x6005), 'c.lui = lui rd=0 rs1=0 rs2=0 imm=4096 length=2');
    assert.equal(show(0x0006), 'c.slli = slli rd=0 rs1=0 rs2=0 imm=1 length=2');
    assert.equal(show(0x8006), 'c.mv = add rd=0 rs1=0 rs2=1 imm=0 length=2');
    assert.equal(show(0x9006), 'c.add = add rd=0 rs1=0 rs2=1 imm=0 length=2');
    assert.equal(show(0x8101), 'c.srli = srli rd=10 rs1=10 rs2=0 imm=0 length=2');
  });
});

describe('the instruction table', () => {
  it('has consistent match and mask words and unique names', () => {
    const names = new Set<string>();
    for (const entry of [...instructions, ...compressedInstructions]) {
      assert.equal((entry.match & ~entry.mask) >>> 0, 0, entry.name);
      assert.ok(entry.match >= 0 && entry.mask >= 0, `${entry.name}: match and mask are unsigned`);
      assert.ok(!names.has(entry.name), entry.name);
      names.add(entry.name);
    }
  });

  it('has no two 32-bit entries that match the same word', () => {
    for (const a of instructions) {
      for (const b of instructions) {
        assert.ok(a === b || ((a.match ^ b.match) & a.mask & b.mask) !== 0, `${a.name} and ${b.name}`);
      }
    }
  });

  it('decodes each 32-bit entry as itself', () => {
    for (const instruction of instructions) {
      assert.equal(decode(instruction.match)?.instruction, instruction);
      assert.equal(decode((instruction.match | ~instruction.mask) >>> 0)?.instruction, instruction);
    }
  });

  it('gives every instruction a one-sentence summary', () => {
    for (const { name, summary } of instructions) {
      assert.match(summary, /^[A-Z].*\.$/, name);
    }
  });
});
