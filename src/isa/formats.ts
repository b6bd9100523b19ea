/** Where each format keeps its operands in a 32-bit word, in both directions (Unprivileged 2.2, 2.3). */
import type { Format, Operands } from './instruction';

/** Which register fields a format has, and how its immediate lies in the word. */
export interface FormatLayout {
  readonly rd: boolean;
  readonly rs1: boolean;
  readonly rs2: boolean;
  /** The immediate that the word holds: a signed 32-bit number. */
  readonly immediate: (word: number) => number;
  /** The word's bits for an immediate; bits that the field cannot hold are lost. */
  readonly place: (imm: number) => number;
  /** Whether instructions with this immediate are reserved; none are unless given. */
  readonly isReserved?: (imm: number) => boolean;
}

const noImmediate = { immediate: (): number => 0, place: (): number => 0 };
const signed12 = {
  immediate: (word: number): number => word >> 20,
  place: (imm: number): number => imm << 20,
};
const unsigned12 = {
  immediate: (word: number): number => word >>> 20,
  place: (imm: number): number => imm << 20,
};

const oneOperand = { rd: true, rs1: true, rs2: false };
const twoOperands = { rd: true, rs1: true, rs2: true };
/** Rounding modes 5 and 6 (Unprivileged, table 20.1). */
const isReservedRounding = (imm: number): boolean => (imm & 7) === 5 || (imm & 7) === 6;
/** The rounding mode, in funct3's place. */
const rounding = {
  isReserved: isReservedRounding,
  immediate: (word: number): number => (word >>> 12) & 7,
  place: (imm: number): number => (imm & 7) << 12,
};
const storeOffset = {
  immediate: (word: number): number => ((word >> 25) << 5) | ((word >>> 7) & 31),
  place: (imm: number): number => ((imm >> 5) << 25) | ((imm & 31) << 7),
};

/** Every format's layout. A register field that a format lacks decodes as x0. */
export const formats: Readonly<Record<Format, FormatLayout>> = {
  R: { rd: true, rs1: true, rs2: true, ...noImmediate },
  I: { rd: true, rs1: true, rs2: false, ...signed12 },
  load: { rd: true, rs1: true, rs2: false, ...signed12 },
  shift64: {
    rd: true,
    rs1: true,
    rs2: false,
    immediate: (word) => (word >>> 20) & 63,
    place: (imm) => (imm & 63) << 20,
  },
  shift32: {
    rd: true,
    rs1: true,
    rs2: false,
    immediate: (word) => (word >>> 20) & 31,
    place: (imm) => (imm & 31) << 20,
  },
  S: { rd: false, rs1: true, rs2: true, ...storeOffset },
  B: {
    rd: false,
    rs1: true,
    rs2: true,
    immediate: (word) => ((word >> 31) << 12) | ((word << 4) & 0x800) | ((word >>> 20) & 0x7e0) | ((word >>> 7) & 0x1e),
    place: (imm) => ((imm & 0x1000) << 19) | ((imm & 0x800) >> 4) | ((imm & 0x7e0) << 20) | ((imm & 0x1e) << 7),
  },
  U: {
    rd: true,
    rs1: false,
    rs2: false,
    immediate: (word) => word & ~0xfff,
    place: (imm) => imm & ~0xfff,
  },
  J: {
    rd: true,
    rs1: false,
    rs2: false,
    immediate: (word) => ((word >> 31) << 20) | (word & 0xff000) | ((word >>> 9) & 0x800) | ((word >>> 20) & 0x7fe),
    place: (imm) => ((imm & 0x100000) << 11) | (imm & 0xff000) | ((imm & 0x800) << 9) | ((imm & 0x7fe) << 20),
  },
  amo: { rd: true, rs1: true, rs2: true, ...noImmediate },
  lr: { rd: true, rs1: true, rs2: false, ...noImmediate },
  csr: { rd: true, rs1: true, rs2: false, ...unsigned12 },
  csri: { rd: true, rs1: true, rs2: false, ...unsigned12 },
  /** The immediate holds the fence mode, predecessor set and successor set, four bits each. */
  fence: { rd: false, rs1: false, rs2: false, ...unsigned12 },
  sfence: { rd: false, rs1: true, rs2: true, ...noImmediate },
  unary: { rd: true, rs1: true, rs2: false, ...noImmediate },
  block: { rd: false, rs1: true, rs2: false, ...noImmediate },
  'float-load': { ...oneOperand, ...signed12 },
  'float-store': { rd: false, rs1: true, rs2: true, ...storeOffset },
  /** The immediate holds rs3 above the rounding mode. */
  fused: {
    ...twoOperands,
    isReserved: isReservedRounding,
    immediate: (word) => ((word >>> 24) & 0xf8) | ((word >>> 12) & 7),
    place: (imm) => ((imm & 0xf8) << 24) | ((imm & 7) << 12),
  },
  'f=ff': { ...twoOperands, ...noImmediate },
  'f=ff-round': { ...twoOperands, ...rounding },
  'f=f': { ...oneOperand, ...noImmediate },
  'f=f-round': { ...oneOperand, ...rounding },
  'f=f-exact': { ...oneOperand, ...rounding },
  'f=x': { ...oneOperand, ...noImmediate },
  'f=x-round': { ...oneOperand, ...rounding },
  'f=x-exact': { ...oneOperand, ...rounding },
  'x=ff': { ...twoOperands, ...noImmediate },
  'x=f': { ...oneOperand, ...noImmediate },
  'x=f-round': { ...oneOperand, ...rounding },
  none: { rd: false, rs1: false, rs2: false, ...noImmediate },
};

/** The operands that a 32-bit word of this format holds, also where they are reserved. */
export function operandsIn(word: number, layout: FormatLayout): Operands {
  return {
    rd: layout.rd ? (word >>> 7) & 31 : 0,
    rs1: layout.rs1 ? (word >>> 15) & 31 : 0,
    rs2: layout.rs2 ? (word >>> 20) & 31 : 0,
    imm: layout.immediate(word),
  };
}

/** The operand bits of a 32-bit word of this format; together with the entry's match word they are the instruction. */
export function placeOperands(format: Format, operands: Operands): number {
  const layout = formats[format];
  return (
    ((layout.rd ? operands.rd << 7 : 0) |
      (layout.rs1 ? operands.rs1 << 15 : 0) |
      (layout.rs2 ? operands.rs2 << 20 : 0) |
      layout.place(operands.imm)) >>>
    0
  );
}
