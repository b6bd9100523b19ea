/** Other names of instructions, as GNU's assembler reads and its disassembler prints them. */
import type { Operands } from './instruction';

export interface Alias {
  readonly name: string;
  /** The table entry it stands for, 32-bit or compressed, by name. */
  readonly of: string;
  /** How its operands are written (see syntax.ts). */
  readonly syntax: string;
  /** The operands that it fixes. */
  readonly fixed: Partial<Operands>;
  /** Operands that must not be zero for the disassembler to use it. */
  readonly nonzero: readonly (keyof Operands)[];
  /** rs2 is the same register as rs1. */
  readonly sameSources: boolean;
  /**
   * `both` ways by default. Some names are only read (`assemble`); the rest are printed even when aliases are not wanted
   * (`always`), because GNU knows no other name for that encoding.
   */
  readonly use: 'both' | 'assemble' | 'always';
}

const alias = (
  name: string,
  of: string,
  syntax: string,
  fixed: Partial<Operands> = {},
  details: Partial<Pick<Alias, 'nonzero' | 'sameSources' | 'use'>> = {},
): Alias => ({ name, of, syntax, fixed, nonzero: [], sameSources: false, use: 'both', ...details });

const ZERO = 0;
const RA = 1;
const always = { use: 'always' } as const;
const assembleOnly = { use: 'assemble' } as const;

const FFLAGS = 0x001;
const FRM = 0x002;
const FCSR = 0x003;
const CYCLE = 0xc00;
const TIME = 0xc01;
const INSTRET = 0xc02;

const ALL_ACCESSES = 0x0ff;
const TSO = 0x833;
const PAUSE = 0x010;

/** The disassembler prints the first that fits, so that the more special ones stand first. */
export const aliases: readonly Alias[] = [
  // Constants and moves
  alias('nop', 'addi', '', { rd: ZERO, rs1: ZERO, imm: 0 }),
  alias('li', 'addi', 'rd,imm', { rs1: ZERO }),
  alias('mv', 'addi', 'rd,rs1', { imm: 0 }),
  alias('not', 'xori', 'rd,rs1', { imm: -1 }),
  alias('neg', 'sub', 'rd,rs2', { rs1: ZERO }),
  alias('negw', 'subw', 'rd,rs2', { rs1: ZERO }),
  alias('sext.w', 'addiw', 'rd,rs1', { imm: 0 }),
  alias('zext.b', 'andi', 'rd,rs1', { imm: 255 }),
  alias('zext.w', 'add.uw', 'rd,rs1', { rs2: ZERO }),

  // Comparisons
  alias('seqz', 'sltiu', 'rd,rs1', { imm: 1 }),
  alias('snez', 'sltu', 'rd,rs2', { rs1: ZERO }),
  alias('sltz', 'slt', 'rd,rs1', { rs2: ZERO }),
  alias('sgtz', 'slt', 'rd,rs2', { rs1: ZERO }),
  alias('sgt', 'slt', 'rd,rs2,rs1', {}, assembleOnly),
  alias('sgtu', 'sltu', 'rd,rs2,rs1', {}, assembleOnly),

  // The register forms' names with a constant as the last operand
  alias('add', 'addi', 'rd,rs1,imm'),
  alias('addw', 'addiw', 'rd,rs1,imm'),
  alias('and', 'andi', 'rd,rs1,imm'),
  alias('or', 'ori', 'rd,rs1,imm'),
  alias('xor', 'xori', 'rd,rs1,imm'),
  alias('sll', 'slli', 'rd,rs1,shamt'),
  alias('srl', 'srli', 'rd,rs1,shamt'),
  alias('sra', 'srai', 'rd,rs1,shamt'),
  alias('sllw', 'slliw', 'rd,rs1,shamt'),
  alias('srlw', 'srliw', 'rd,rs1,shamt'),
  alias('sraw', 'sraiw', 'rd,rs1,shamt'),
  alias('ror', 'rori', 'rd,rs1,shamt'),
  alias('rorw', 'roriw', 'rd,rs1,shamt'),
  alias('bclr', 'bclri', 'rd,rs1,shamt'),
  alias('bext', 'bexti', 'rd,rs1,shamt'),
  alias('binv', 'binvi', 'rd,rs1,shamt'),
  alias('bset', 'bseti', 'rd,rs1,shamt'),
  alias('slt', 'slti', 'rd,rs1,imm', {}, assembleOnly),
  alias('sltu', 'sltiu', 'rd,rs1,imm', {}, assembleOnly),

  // Branches
  alias('beqz', 'beq', 'rs1,target', { rs2: ZERO }),
  alias('bnez', 'bne', 'rs1,target', { rs2: ZERO }),
  alias('blez', 'bge', 'rs2,target', { rs1: ZERO }),
  alias('bgez', 'bge', 'rs1,target', { rs2: ZERO }),
  alias('bltz', 'blt', 'rs1,target', { rs2: ZERO }),
  alias('bgtz', 'blt', 'rs2,target', { rs1: ZERO }),
  alias('bgt', 'blt', 'rs2,rs1,target', {}, assembleOnly),
  alias('ble', 'bge', 'rs2,rs1,target', {}, assembleOnly),
  alias('bgtu', 'bltu', 'rs2,rs1,target', {}, assembleOnly),
  alias('bleu', 'bgeu', 'rs2,rs1,target', {}, assembleOnly),

  // Jumps
  alias('j', 'jal', 'target', { rd: ZERO }),
  alias('jal', 'jal', 'target', { rd: RA }),
  alias('ret', 'jalr', '', { rd: ZERO, rs1: RA, imm: 0 }),
  alias('jr', 'jalr', 'rs1', { rd: ZERO, imm: 0 }),
  alias('jr', 'jalr', 'imm(rs1)', { rd: ZERO }),
  alias('jalr', 'jalr', 'rs1', { rd: RA, imm: 0 }),
  alias('jalr', 'jalr', 'imm(rs1)', { rd: RA }),
  alias('jalr', 'jalr', 'rd,rs1', { imm: 0 }),
  alias('jalr', 'jalr', 'rd,rs1,imm', {}, assembleOnly),

  // CSRs
  alias('unimp', 'csrrw', '', { rd: ZERO, rs1: ZERO, imm: CYCLE }, always),
  alias('frflags', 'csrrs', 'rd', { rs1: ZERO, imm: FFLAGS }),
  alias('frrm', 'csrrs', 'rd', { rs1: ZERO, imm: FRM }),
  alias('frcsr', 'csrrs', 'rd', { rs1: ZERO, imm: FCSR }),
  alias('rdcycle', 'csrrs', 'rd', { rs1: ZERO, imm: CYCLE }),
  alias('rdtime', 'csrrs', 'rd', { rs1: ZERO, imm: TIME }),
  alias('rdinstret', 'csrrs', 'rd', { rs1: ZERO, imm: INSTRET }),
  alias('csrr', 'csrrs', 'rd,csr', { rs1: ZERO }),
  alias('fsflags', 'csrrw', 'rs1', { rd: ZERO, imm: FFLAGS }),
  alias('fsflags', 'csrrw', 'rd,rs1', { imm: FFLAGS }),
  alias('fsrm', 'csrrw', 'rs1', { rd: ZERO, imm: FRM }),
  alias('fsrm', 'csrrw', 'rd,rs1', { imm: FRM }),
  alias('fscsr', 'csrrw', 'rs1', { rd: ZERO, imm: FCSR }),
  alias('fscsr', 'csrrw', 'rd,rs1', { imm: FCSR }),
  alias('fsflagsi', 'csrrwi', 'rd,zimm', { imm: FFLAGS }),
  alias('fsflagsi', 'csrrwi', 'zimm', { rd: ZERO, imm: FFLAGS }, assembleOnly),
  alias('fsrmi', 'csrrwi', 'rd,zimm', { imm: FRM }),
  alias('fsrmi', 'csrrwi', 'zimm', { rd: ZERO, imm: FRM }, assembleOnly),
  alias('csrw', 'csrrw', 'csr,rs1', { rd: ZERO }),
  alias('csrs', 'csrrs', 'csr,rs1', { rd: ZERO }),
  alias('csrc', 'csrrc', 'csr,rs1', { rd: ZERO }),
  alias('csrw', 'csrrwi', 'csr,zimm', { rd: ZERO }),
  alias('csrs', 'csrrsi', 'csr,zimm', { rd: ZERO }),
  alias('csrc', 'csrrci', 'csr,zimm', { rd: ZERO }),
  alias('csrwi', 'csrrwi', 'csr,zimm', { rd: ZERO }, assembleOnly),
  alias('csrsi', 'csrrsi', 'csr,zimm', { rd: ZERO }, assembleOnly),
  alias('csrci', 'csrrci', 'csr,zimm', { rd: ZERO }, assembleOnly),
  alias('csrrw', 'csrrwi', 'rd,csr,zimm'),
  alias('csrrs', 'csrrsi', 'rd,csr,zimm'),
  alias('csrrc', 'csrrci', 'rd,csr,zimm'),

  // Floating point
  ...(['s', 'd'] as const).flatMap((format) => [
    alias(`fmv.${format}`, `fsgnj.${format}`, 'fd,fs1', {}, { sameSources: true }),
    alias(`fneg.${format}`, `fsgnjn.${format}`, 'fd,fs1', {}, { sameSources: true }),
    alias(`fabs.${format}`, `fsgnjx.${format}`, 'fd,fs1', {}, { sameSources: true }),
    alias(`fgt.${format}`, `flt.${format}`, 'rd,fs2,fs1', {}, assembleOnly),
    alias(`fge.${format}`, `fle.${format}`, 'rd,fs2,fs1', {}, assembleOnly),
  ]),
  alias('fmv.x.s', 'fmv.x.w', 'rd,fs1', {}, assembleOnly),
  alias('fmv.s.x', 'fmv.w.x', 'fd,rs1', {}, assembleOnly),

  // Fences
  alias('fence', 'fence', '', { imm: ALL_ACCESSES }),
  alias('fence.tso', 'fence', '', { imm: TSO }, always),
  alias('pause', 'fence', '', { imm: PAUSE }, always),
  alias('sfence.vma', 'sfence.vma', '', { rs1: ZERO, rs2: ZERO }),
  alias('sfence.vma', 'sfence.vma', 'rs1', { rs2: ZERO }),

  // 16-bit forms whose spelling differs from that of their expansions; HINTs keep their own names
  alias('nop', 'c.addi', '', { rd: ZERO, imm: 0 }),
  alias('c.nop', 'c.addi', '', { rd: ZERO, rs1: ZERO, imm: 0 }, assembleOnly),
  alias('c.nop', 'c.addi', 'imm', { rd: ZERO, rs1: ZERO }),
  alias('add', 'c.addi', 'rd,rs1,imm'),
  alias('c.li', 'c.li', 'rd,imm', { rd: ZERO }),
  alias('c.lui', 'c.lui', 'rd,upper', { rd: ZERO }),
  alias('c.slli64', 'c.slli', 'rd', { imm: 0 }, always),
  alias('c.srli64', 'c.srli', 'rd', { imm: 0 }, always),
  alias('c.srai64', 'c.srai', 'rd', { imm: 0 }, always),
  alias('c.slli', 'c.slli', 'rd,shamt', { rd: ZERO }),
  alias('mv', 'c.mv', 'rd,rs2', {}, { nonzero: ['rd'] }),
  alias('c.mv', 'c.mv', 'rd,rs2', { rd: ZERO }),
  alias('c.add', 'c.add', 'rd,rs2', { rd: ZERO }),
];

const byEntry = new Map<string, Alias[]>();
const byName = new Map<string, Alias[]>();
for (const one of aliases) {
  byEntry.set(one.of, [...(byEntry.get(one.of) ?? []), one]);
  byName.set(one.name, [...(byName.get(one.name) ?? []), one]);
}

/** The aliases of a table entry, in the order in which the disassembler tries them. */
export const aliasesOf = (entry: string): readonly Alias[] => byEntry.get(entry) ?? [];

/** The aliases with this name. */
export const aliasesNamed = (name: string): readonly Alias[] => byName.get(name) ?? [];
