/**
 * How instructions are written: operand names with the punctuation between them, such as `rd,imm(rs1)`. The disassembler
 * prints by these strings, and the assembler reads by them.
 */
import type { Format } from './instruction';

const operandKinds = [
  'rd',
  'rs1',
  'rs2',
  /** Floating-point registers, in the same places, and the third operand of the fused operations. */
  'fd',
  'fs1',
  'fs2',
  'fs3',
  /** A rounding mode behind a comma; both are left out when it is the dynamic one. */
  '[,round]',
  /** The same where it changes nothing; left out when it is zero. */
  '[,exact]',
  /** A signed constant, in decimal. */
  'imm',
  /** A shift amount, in hexadecimal. */
  'shamt',
  /** The 20 bits of lui and auipc, in hexadecimal. */
  'upper',
  /** An address, of which the immediate is the distance. */
  'target',
  /** A CSR by its name or number. */
  'csr',
  /** The five-bit constant of the CSR instructions, which lies in rs1's field. */
  'zimm',
  /** The access sets of a fence. */
  'pred',
  'succ',
] as const;

export type OperandKind = (typeof operandKinds)[number];

/** A piece of a syntax: an operand, or punctuation that stands for itself. */
export type SyntaxPart = { readonly operand: OperandKind } | { readonly literal: string };

/** The syntax of each format without aliases. */
export const formatSyntax: Readonly<Record<Format, string>> = {
  R: 'rd,rs1,rs2',
  I: 'rd,rs1,imm',
  shift64: 'rd,rs1,shamt',
  shift32: 'rd,rs1,shamt',
  load: 'rd,imm(rs1)',
  S: 'rs2,imm(rs1)',
  B: 'rs1,rs2,target',
  U: 'rd,upper',
  J: 'rd,target',
  amo: 'rd,rs2,(rs1)',
  lr: 'rd,(rs1)',
  csr: 'rd,csr,rs1',
  csri: 'rd,csr,zimm',
  fence: 'pred,succ',
  sfence: 'rs1,rs2',
  unary: 'rd,rs1',
  block: '(rs1)',
  'float-load': 'fd,imm(rs1)',
  'float-store': 'fs2,imm(rs1)',
  fused: 'fd,fs1,fs2,fs3[,round]',
  'f=ff': 'fd,fs1,fs2',
  'f=ff-round': 'fd,fs1,fs2[,round]',
  'f=f': 'fd,fs1',
  'f=f-round': 'fd,fs1[,round]',
  'f=f-exact': 'fd,fs1[,exact]',
  'f=x': 'fd,rs1',
  'f=x-round': 'fd,rs1[,round]',
  'f=x-exact': 'fd,rs1[,exact]',
  'x=ff': 'rd,fs1,fs2',
  'x=f': 'rd,fs1',
  'x=f-round': 'rd,fs1[,round]',
  none: '',
};

const isOperand = (text: string): text is OperandKind => (operandKinds as readonly string[]).includes(text);

const parsed = new Map<string, readonly SyntaxPart[]>();

/** The parts of a syntax string, in order. */
export function syntaxParts(syntax: string): readonly SyntaxPart[] {
  let parts = parsed.get(syntax);
  if (parts === undefined) {
    parts = (syntax.match(/\[,[a-z]+\]|[a-z0-9]+|[^a-z0-9]/g) ?? []).map((text) =>
      isOperand(text) ? { operand: text } : { literal: text },
    );
    parsed.set(syntax, parts);
  }
  return parts;
}

/** What an atomic instruction's name may end in, and the bits that it sets: acquire is bit 26, release bit 25. */
export const orderings: readonly { readonly suffix: string; readonly bits: number }[] = [
  { suffix: '', bits: 0 },
  { suffix: '.aq', bits: 1 << 26 },
  { suffix: '.rl', bits: 1 << 25 },
  { suffix: '.aqrl', bits: (1 << 26) | (1 << 25) },
];

export const ORDERING_MASK = (1 << 26) | (1 << 25);

/** The names of rounding modes by number; `dyn` is the one in frm. */
export const roundingModes: Readonly<Record<number, string>> = {
  0: 'rne',
  1: 'rtz',
  2: 'rdn',
  3: 'rup',
  4: 'rmm',
  7: 'dyn',
};

/** What is meant where a rounding mode is left out: the one in frm, or any, since the operation is exact. */
export const DYNAMIC_ROUNDING = 7;
export const UNUSED_ROUNDING = 0;

/** The access sets of a fence, from bit 3 to bit 0: device input and output, memory reads and writes. */
export const FENCE_SETS = 'iorw';
