/** Assembles one instruction, in GNU's syntax. A 16-bit instruction is made only when its `c.` name asks for it. */
import { aliasesNamed } from './aliases';
import { placeCompressedOperands } from './compressed';
import { csrNumber } from './csr-names';
import { formats, placeOperands } from './formats';
import type { CompressedInstruction, Instruction, Operands } from './instruction';
import type { SymbolResolver } from './operand-reader';
import { AssemblyError, OperandReader } from './operand-reader';
import type { OperandKind } from './syntax';
import {
  DYNAMIC_ROUNDING,
  FENCE_SETS,
  formatSyntax,
  orderings,
  roundingModes,
  syntaxParts,
  UNUSED_ROUNDING,
} from './syntax';
import { compressedInstructions, instructionByName } from './table';

export interface AssembledInstruction {
  /** Unsigned; 16 or 32 bits. */
  readonly word: number;
  /** In bytes. */
  readonly length: 2 | 4;
}

/** One way to write an instruction. */
interface Spelling {
  readonly entry: Instruction | CompressedInstruction;
  readonly syntax: string;
  readonly fixed: Partial<Operands>;
  /** rs2 is the register that is written as rs1. */
  readonly sameSources?: boolean;
  /** Bits of the word that the name gives: the ordering of an atomic. */
  readonly bits: number;
}

const compressedByName: ReadonlyMap<string, CompressedInstruction> = new Map(
  compressedInstructions.map((entry) => [entry.name, entry]),
);

const isCompressedEntry = (entry: Instruction | CompressedInstruction): entry is CompressedInstruction =>
  'expandsTo' in entry;

/** Whether an instruction of this name is 16 bits long. */
export const isCompressedName = (mnemonic: string): boolean => mnemonic.startsWith('c.');

function spellings(mnemonic: string): Spelling[] {
  const found: Spelling[] = [];
  const compressed = compressedByName.get(mnemonic);
  if (compressed !== undefined) {
    found.push({ entry: compressed, syntax: compressed.syntax, fixed: {}, bits: 0 });
  }
  for (const { suffix, bits } of orderings) {
    const entry =
      mnemonic.endsWith(suffix) && instructionByName.get(mnemonic.slice(0, mnemonic.length - suffix.length));
    if (entry && (bits === 0 || entry.format === 'amo' || entry.format === 'lr')) {
      found.push({ entry, syntax: formatSyntax[entry.format], fixed: {}, bits });
    }
  }
  for (const { of, syntax, fixed, sameSources } of aliasesNamed(mnemonic)) {
    const entry = isCompressedName(mnemonic) ? compressedByName.get(of) : instructionByName.get(of);
    if (entry !== undefined) {
      found.push({ entry, syntax, fixed, sameSources, bits: 0 });
    }
  }
  return found;
}

type MutableOperands = { -readonly [K in keyof Operands]?: Operands[K] };

const SIGNED_32_LIMIT = 1n << 31n;

/** An immediate as a signed 32-bit number; `encode` checks whether the instruction's field can hold it. */
function immediate(value: bigint): number {
  const signed = BigInt.asIntN(64, value);
  if (signed >= SIGNED_32_LIMIT || signed < -SIGNED_32_LIMIT) {
    throw new AssemblyError(`The value ${value} does not fit the instruction.`);
  }
  return Number(signed);
}

function readRegister(reader: OperandReader): number {
  const register = reader.register();
  if (register === undefined) {
    throw new AssemblyError(`Expected a register ${reader.here()}.`);
  }
  return register;
}

function readFloatRegister(reader: OperandReader): number {
  const register = reader.floatRegister();
  if (register === undefined) {
    throw new AssemblyError(`Expected a floating-point register ${reader.here()}.`);
  }
  return register;
}

/** The rounding mode behind a comma, if there is one. */
function readRounding(reader: OperandReader, unwritten: number): number {
  if (!reader.accept(',')) {
    return unwritten;
  }
  const word = reader.word();
  const found = Object.entries(roundingModes).find(([, name]) => name === word);
  if (found === undefined) {
    throw new AssemblyError(`Expected a rounding mode (rne, rtz, rdn, rup, rmm or dyn), not "${word}".`);
  }
  return Number(found[0]);
}

const UPPER_BITS = 20;

function readUpper(reader: OperandReader): number {
  const value = immediate(reader.expression());
  if (value < -(1 << (UPPER_BITS - 1)) || value >= 1 << UPPER_BITS) {
    throw new AssemblyError(`The value ${value} does not fit into 20 bits.`);
  }
  return value << 12;
}

function readCsr(reader: OperandReader): number {
  const start = reader.position;
  const named = csrNumber(reader.word());
  if (named !== undefined) {
    return named;
  }
  reader.position = start;
  const number = reader.expression();
  if (number < 0n || number > 0xfffn) {
    throw new AssemblyError(`There is no CSR ${number}; CSR numbers are 0 to 4095.`);
  }
  return Number(number);
}

function readFenceSet(reader: OperandReader): number {
  if (reader.accept('0')) {
    return 0;
  }
  const word = reader.word();
  const sets = [...FENCE_SETS].filter((letter) => word.includes(letter));
  if (sets.join('') !== word || word === '') {
    throw new AssemblyError(`Expected some of the letters ${FENCE_SETS}, in this order, not "${word}".`);
  }
  return sets.reduce((bits, letter) => bits | (8 >> FENCE_SETS.indexOf(letter)), 0);
}

const readers: Readonly<Record<OperandKind, (reader: OperandReader, into: MutableOperands, address: bigint) => void>> =
  {
    rd: (reader, into) => (into.rd = readRegister(reader)),
    rs1: (reader, into) => (into.rs1 = readRegister(reader)),
    rs2: (reader, into) => (into.rs2 = readRegister(reader)),
    fd: (reader, into) => (into.rd = readFloatRegister(reader)),
    fs1: (reader, into) => (into.rs1 = readFloatRegister(reader)),
    fs2: (reader, into) => (into.rs2 = readFloatRegister(reader)),
    fs3: (reader, into) => (into.imm = readFloatRegister(reader) << 3),
    '[,round]': (reader, into) => (into.imm = (into.imm ?? 0) | readRounding(reader, DYNAMIC_ROUNDING)),
    '[,exact]': (reader, into) => (into.imm = readRounding(reader, UNUSED_ROUNDING)),
    imm: (reader, into) => (into.imm = reader.atBase() ? 0 : immediate(reader.expression())),
    shamt: (reader, into) => (into.imm = immediate(reader.expression())),
    upper: (reader, into) => (into.imm = readUpper(reader)),
    target: (reader, into, address) => (into.imm = immediate(reader.expression() - address)),
    csr: (reader, into) => (into.imm = readCsr(reader)),
    zimm: (reader, into) => {
      const value = reader.expression();
      if (value < 0n || value > 31n) {
        throw new AssemblyError(`The value ${value} is not within 0 to 31.`);
      }
      into.rs1 = Number(value);
    },
    pred: (reader, into) => (into.imm = (into.imm ?? 0) | (readFenceSet(reader) << 4)),
    succ: (reader, into) => (into.imm = (into.imm ?? 0) | readFenceSet(reader)),
  };

function readOperands(
  reader: OperandReader,
  { syntax, fixed, sameSources }: Spelling,
  address: bigint,
): MutableOperands {
  const operands: MutableOperands = { ...fixed };
  for (const part of syntaxParts(syntax)) {
    if ('operand' in part) {
      readers[part.operand](reader, operands, address);
    } else {
      if (part.literal === '(' && !syntax.includes('imm')) {
        // GNU reads `0(a0)` where an atomic operation takes `(a0)`.
        reader.accept('0');
      }
      reader.expect(part.literal);
    }
  }
  if (sameSources) {
    operands.rs2 = operands.rs1;
  }
  if (!reader.atEnd()) {
    throw new AssemblyError(`Expected the end of the instruction ${reader.here()}.`);
  }
  return operands;
}

function encodeCompressed(entry: CompressedInstruction, read: MutableOperands): number {
  const { layout } = entry;
  const register = (name: 'rd' | 'rs1' | 'rs2'): number => {
    const given = read[name];
    if (given !== undefined) {
      return given;
    }
    const place = layout[name];
    // What is not written is fixed, or the register that is written as rd.
    return 'fixed' in place ? place.fixed : (read.rd ?? 0);
  };
  const operands: Operands = { rd: register('rd'), rs1: register('rs1'), rs2: register('rs2'), imm: read.imm ?? 0 };
  const placed = placeCompressedOperands(operands, layout);
  if (placed === undefined) {
    throw new AssemblyError(`${entry.name} cannot encode these operands.`);
  }
  return entry.match | placed;
}

function encode(entry: Instruction, read: MutableOperands, bits: number): number {
  const operands: Operands = { rd: read.rd ?? 0, rs1: read.rs1 ?? 0, rs2: read.rs2 ?? 0, imm: read.imm ?? 0 };
  const word = (entry.match | placeOperands(entry.format, operands) | bits) >>> 0;
  const readBack = formats[entry.format].immediate(word);
  if (readBack !== operands.imm && entry.format !== 'none') {
    throw new AssemblyError(`${entry.name} cannot hold the constant or distance ${operands.imm}.`);
  }
  return word;
}

const noSymbols: SymbolResolver = () => undefined;

/**
 * The instruction word of one line of assembly, such as `addi a0, a0, -1` or `beqz a0, 0x80000010`.
 *
 * @param address where the instruction will stand; branch and jump targets are absolute
 * @param resolve gives the values of symbols in expressions
 * @throws AssemblyError with one sentence on what is wrong
 */
export function assemble(text: string, address = 0n, resolve: SymbolResolver = noSymbols): AssembledInstruction {
  const [, mnemonic, rest] = /^\s*(\S*)\s*(.*)$/s.exec(text) ?? ['', '', ''];
  let best = { position: -1, message: `There is no instruction "${mnemonic}".` };
  for (const spelling of spellings(mnemonic)) {
    const reader = new OperandReader(rest, resolve);
    try {
      const operands = readOperands(reader, spelling, address);
      const { entry } = spelling;
      return isCompressedEntry(entry)
        ? { word: encodeCompressed(entry, operands), length: 2 }
        : { word: encode(entry, operands, spelling.bits), length: 4 };
    } catch (error) {
      if (!(error instanceof AssemblyError)) {
        throw error;
      }
      // Of several spellings, the one that got furthest was most likely meant.
      if (reader.position > best.position) {
        best = { position: reader.position, message: error.message };
      }
    }
  }
  throw new AssemblyError(best.message);
}
