/** C: 16-bit spellings of RV64I's instructions and of D's loads and stores (Unprivileged 16). */
import { compressedOperands } from './compressed';
import type {
  CompressedBits,
  CompressedInstruction,
  CompressedLayout,
  CompressedRegister,
  Instruction,
  Operands,
} from './instruction';
import { rvD } from './rv-d';
import { rvI } from './rv-i';

const x0: CompressedRegister = { fixed: 0 };
const ra: CompressedRegister = { fixed: 1 };
const sp: CompressedRegister = { fixed: 2 };
const full7: CompressedRegister = { low: 7, short: false };
const full2: CompressedRegister = { low: 2, short: false };
const short7: CompressedRegister = { low: 7, short: true };
const short2: CompressedRegister = { low: 2, short: true };

const bits = (high: number, low: number, to: number): CompressedBits => ({ high, low, to });

/** The immediates, each as the pieces that the word holds from left to right (Unprivileged 16.2 to 16.5). */
const immediates = {
  none: [],
  six: [bits(12, 12, 5), bits(6, 2, 0)],
  upper: [bits(12, 12, 17), bits(6, 2, 12)],
  addi16sp: [bits(12, 12, 9), bits(6, 6, 4), bits(5, 5, 6), bits(4, 3, 7), bits(2, 2, 5)],
  addi4spn: [bits(12, 11, 4), bits(10, 7, 6), bits(6, 6, 2), bits(5, 5, 3)],
  word: [bits(12, 10, 3), bits(6, 6, 2), bits(5, 5, 6)],
  doubleword: [bits(12, 10, 3), bits(6, 5, 6)],
  wordFromSp: [bits(12, 12, 5), bits(6, 4, 2), bits(3, 2, 6)],
  doublewordFromSp: [bits(12, 12, 5), bits(6, 5, 3), bits(4, 2, 6)],
  wordToSp: [bits(12, 9, 2), bits(8, 7, 6)],
  doublewordToSp: [bits(12, 10, 3), bits(9, 7, 6)],
  jump: [
    bits(12, 12, 11),
    bits(11, 11, 4),
    bits(10, 9, 8),
    bits(8, 8, 10),
    bits(7, 7, 6),
    bits(6, 6, 7),
    bits(5, 3, 1),
    bits(2, 2, 5),
  ],
  branch: [bits(12, 12, 8), bits(11, 10, 3), bits(6, 5, 6), bits(4, 3, 1), bits(2, 2, 5)],
} as const satisfies Record<string, readonly CompressedBits[]>;

const signedImmediates: readonly (keyof typeof immediates)[] = ['six', 'upper', 'addi16sp', 'jump', 'branch'];

interface Fields {
  readonly rd?: CompressedRegister;
  readonly rs1?: CompressedRegister;
  readonly rs2?: CompressedRegister;
  readonly imm?: keyof typeof immediates;
  readonly unsigned?: boolean;
  readonly nonzero?: readonly (keyof Operands)[];
}

function base(name: string): Instruction {
  const found = [...rvI, ...rvD].find((instruction) => instruction.name === name);
  if (found === undefined) {
    throw new Error(`The table has no instruction ${name} to expand to.`);
  }
  return found;
}

function entry(
  name: string,
  match: number,
  mask: number,
  expansion: string,
  syntax: string,
  fields: Fields,
): CompressedInstruction {
  const imm = fields.imm ?? 'none';
  const layout: CompressedLayout = {
    rd: fields.rd ?? x0,
    rs1: fields.rs1 ?? x0,
    rs2: fields.rs2 ?? x0,
    imm: immediates[imm],
    signed: signedImmediates.includes(imm) && fields.unsigned !== true,
    nonzero: fields.nonzero ?? [],
  };
  return {
    name,
    match,
    mask,
    expandsTo: base(expansion),
    syntax,
    layout,
    operands: (word) => compressedOperands(word, layout),
  };
}

const FUNCT3 = 0xe003;
const FUNCT4 = 0xf003;
/** funct3 and the two bits above a three-bit rd, which select among shifts and c.andi. */
const FUNCT2 = 0xec03;
const FUNCT6 = 0xfc63;
/** FUNCT4 and a zero rs2. */
const FUNCT4_RS2 = 0xf07f;
/** FUNCT3 and a fixed five-bit rd. */
const FUNCT3_RD = 0xef83;

const accumulate = { rd: short7, rs1: short7, rs2: short2 };

/**
 * The first entry that matches a word decides, so that the special cases stand before the general ones. HINTs (an rd of x0,
 * a shift by zero) decode as their expansions, which then change nothing.
 */
export const rvC: readonly CompressedInstruction[] = [
  // Quadrant 0
  entry('c.addi4spn', 0x0000, FUNCT3, 'addi', 'rd,rs1,imm', { rd: short2, rs1: sp, imm: 'addi4spn', nonzero: ['imm'] }),
  entry('c.fld', 0x2000, FUNCT3, 'fld', 'fd,imm(rs1)', { rd: short2, rs1: short7, imm: 'doubleword' }),
  entry('c.lw', 0x4000, FUNCT3, 'lw', 'rd,imm(rs1)', { rd: short2, rs1: short7, imm: 'word' }),
  entry('c.ld', 0x6000, FUNCT3, 'ld', 'rd,imm(rs1)', { rd: short2, rs1: short7, imm: 'doubleword' }),
  entry('c.fsd', 0xa000, FUNCT3, 'fsd', 'fs2,imm(rs1)', { rs2: short2, rs1: short7, imm: 'doubleword' }),
  entry('c.sw', 0xc000, FUNCT3, 'sw', 'rs2,imm(rs1)', { rs2: short2, rs1: short7, imm: 'word' }),
  entry('c.sd', 0xe000, FUNCT3, 'sd', 'rs2,imm(rs1)', { rs2: short2, rs1: short7, imm: 'doubleword' }),

  // Quadrant 1
  entry('c.addi', 0x0001, FUNCT3, 'addi', 'rd,imm', { rd: full7, rs1: full7, imm: 'six' }),
  entry('c.addiw', 0x2001, FUNCT3, 'addiw', 'rd,imm', { rd: full7, rs1: full7, imm: 'six', nonzero: ['rd'] }),
  entry('c.li', 0x4001, FUNCT3, 'addi', 'rd,imm', { rd: full7, imm: 'six' }),
  entry('c.addi16sp', 0x6101, FUNCT3_RD, 'addi', 'rd,imm', { rd: sp, rs1: sp, imm: 'addi16sp', nonzero: ['imm'] }),
  entry('c.lui', 0x6001, FUNCT3, 'lui', 'rd,upper', { rd: full7, imm: 'upper', nonzero: ['imm'] }),
  entry('c.srli', 0x8001, FUNCT2, 'srli', 'rd,shamt', { rd: short7, rs1: short7, imm: 'six', unsigned: true }),
  entry('c.srai', 0x8401, FUNCT2, 'srai', 'rd,shamt', { rd: short7, rs1: short7, imm: 'six', unsigned: true }),
  entry('c.andi', 0x8801, FUNCT2, 'andi', 'rd,imm', { rd: short7, rs1: short7, imm: 'six' }),
  entry('c.sub', 0x8c01, FUNCT6, 'sub', 'rd,rs2', accumulate),
  entry('c.xor', 0x8c21, FUNCT6, 'xor', 'rd,rs2', accumulate),
  entry('c.or', 0x8c41, FUNCT6, 'or', 'rd,rs2', accumulate),
  entry('c.and', 0x8c61, FUNCT6, 'and', 'rd,rs2', accumulate),
  entry('c.subw', 0x9c01, FUNCT6, 'subw', 'rd,rs2', accumulate),
  entry('c.addw', 0x9c21, FUNCT6, 'addw', 'rd,rs2', accumulate),
  entry('c.j', 0xa001, FUNCT3, 'jal', 'target', { imm: 'jump' }),
  entry('c.beqz', 0xc001, FUNCT3, 'beq', 'rs1,target', { rs1: short7, imm: 'branch' }),
  entry('c.bnez', 0xe001, FUNCT3, 'bne', 'rs1,target', { rs1: short7, imm: 'branch' }),

  // Quadrant 2
  entry('c.slli', 0x0002, FUNCT3, 'slli', 'rd,shamt', { rd: full7, rs1: full7, imm: 'six', unsigned: true }),
  entry('c.fldsp', 0x2002, FUNCT3, 'fld', 'fd,imm(rs1)', { rd: full7, rs1: sp, imm: 'doublewordFromSp' }),
  entry('c.lwsp', 0x4002, FUNCT3, 'lw', 'rd,imm(rs1)', { rd: full7, rs1: sp, imm: 'wordFromSp', nonzero: ['rd'] }),
  entry('c.ldsp', 0x6002, FUNCT3, 'ld', 'rd,imm(rs1)', {
    rd: full7,
    rs1: sp,
    imm: 'doublewordFromSp',
    nonzero: ['rd'],
  }),
  entry('c.jr', 0x8002, FUNCT4_RS2, 'jalr', 'rs1', { rs1: full7, nonzero: ['rs1'] }),
  entry('c.mv', 0x8002, FUNCT4, 'add', 'rd,rs2', { rd: full7, rs2: full2 }),
  entry('c.ebreak', 0x9002, 0xffff, 'ebreak', '', {}),
  entry('c.jalr', 0x9002, FUNCT4_RS2, 'jalr', 'rs1', { rd: ra, rs1: full7 }),
  entry('c.add', 0x9002, FUNCT4, 'add', 'rd,rs2', { rd: full7, rs1: full7, rs2: full2 }),
  entry('c.fsdsp', 0xa002, FUNCT3, 'fsd', 'fs2,imm(rs1)', { rs2: full2, rs1: sp, imm: 'doublewordToSp' }),
  entry('c.swsp', 0xc002, FUNCT3, 'sw', 'rs2,imm(rs1)', { rs2: full2, rs1: sp, imm: 'wordToSp' }),
  entry('c.sdsp', 0xe002, FUNCT3, 'sd', 'rs2,imm(rs1)', { rs2: full2, rs1: sp, imm: 'doublewordToSp' }),
];
