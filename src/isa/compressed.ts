/** Reads and writes the operands of 16-bit instructions by their layout. */
import type { CompressedLayout, CompressedRegister, Operands } from './instruction';

const REGISTER_MASK = 31;
const SHORT_MASK = 7;
/** The first register that a three-bit field can name. */
const SHORT_BASE = 8;

function registerIn(word: number, field: CompressedRegister): number {
  if ('fixed' in field) {
    return field.fixed;
  }
  return field.short ? ((word >> field.low) & SHORT_MASK) + SHORT_BASE : (word >> field.low) & REGISTER_MASK;
}

function immediateIn(word: number, layout: CompressedLayout): number {
  let imm = 0;
  let width = 0;
  for (const { high, low, to } of layout.imm) {
    const bits = high - low + 1;
    imm |= ((word >> low) & ((1 << bits) - 1)) << to;
    width = Math.max(width, to + bits);
  }
  return layout.signed ? (imm << (32 - width)) >> (32 - width) : imm;
}

/** The operands of the expansion, also where that is reserved. */
export function compressedFields(word: number, layout: CompressedLayout): Operands {
  return {
    rd: registerIn(word, layout.rd),
    rs1: registerIn(word, layout.rs1),
    rs2: registerIn(word, layout.rs2),
    imm: immediateIn(word, layout),
  };
}

/** The operands of the expansion; undefined when the word is a reserved encoding of the instruction. */
export function compressedOperands(word: number, layout: CompressedLayout): Operands | undefined {
  const operands = compressedFields(word, layout);
  return layout.nonzero.some((name) => operands[name] === 0) ? undefined : operands;
}

/** The bits of a 16-bit word that are all zero where this operand is, and only there; 0: it never is. */
export function zeroMask(name: keyof Operands, layout: CompressedLayout): number {
  if (name === 'imm') return layout.imm.reduce((mask, { high, low }) => mask | ((2 << high) - (1 << low)), 0);
  const field = layout[name];
  return 'fixed' in field || field.short ? 0 : REGISTER_MASK << field.low;
}

/**
 * The bits of a 16-bit word that hold these operands; undefined when they cannot be written in this layout. Registers that
 * share a field (`rd` and `rs1` of `c.addi`) must agree.
 */
export function placeCompressedOperands(operands: Operands, layout: CompressedLayout): number | undefined {
  let word = 0;
  for (const name of ['rd', 'rs1', 'rs2'] as const) {
    const field = layout[name];
    if (!('fixed' in field)) {
      word |= field.short
        ? ((operands[name] - SHORT_BASE) & SHORT_MASK) << field.low
        : (operands[name] & REGISTER_MASK) << field.low;
    }
  }
  for (const { high, low, to } of layout.imm) {
    word |= ((operands.imm >> to) & ((1 << (high - low + 1)) - 1)) << low;
  }
  const readBack = compressedOperands(word, layout);
  const same =
    readBack !== undefined &&
    readBack.rd === operands.rd &&
    readBack.rs1 === operands.rs1 &&
    readBack.rs2 === operands.rs2 &&
    readBack.imm === operands.imm;
  return same ? word : undefined;
}
