/** Prints instructions as GNU objdump does, with its aliases or without. */
import { aliasesOf } from './aliases';
import type { Alias } from './aliases';
import { csrName } from './csr-names';
import { decode, isCompressed } from './decode';
import type { Decoded } from './instruction';
import { floatRegisterNames, registerNames } from './registers';
import type { OperandKind } from './syntax';
import {
  DYNAMIC_ROUNDING,
  FENCE_SETS,
  formatSyntax,
  ORDERING_MASK,
  orderings,
  roundingModes,
  syntaxParts,
  UNUSED_ROUNDING,
} from './syntax';

export interface DisassemblyOptions {
  /** What to call an address: `main`, `main+0x10`. */
  readonly symbolAt?: (address: bigint) => string | undefined;
  /** Print `ret`, `li`, `beqz` and so on; true by default. Without, 16-bit instructions have their `c.` names. */
  readonly aliases?: boolean;
}

export interface Disassembly {
  readonly mnemonic: string;
  /** The operands, separated by commas without spaces; empty when there are none. */
  readonly operands: string;
  /** Mnemonic and operands, with a space between. */
  readonly text: string;
}

/** An operand's text; `address` is the instruction's. */
type OperandWriter = (decoded: Decoded, address: bigint, options: DisassemblyOptions) => string;

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

function target({ imm }: Decoded, address: bigint, { symbolAt }: DisassemblyOptions): string {
  const value = BigInt.asUintN(64, address + BigInt(imm));
  const symbol = symbolAt?.(value);
  return symbol === undefined ? hex(value) : `${hex(value)} <${symbol}>`;
}

/** The letters of a fence's access set, of which `i` is the highest bit; GNU calls an empty set unknown. */
const fenceSet = (set: number): string =>
  [...FENCE_SETS].filter((_, i) => (set & (8 >> i)) !== 0).join('') || 'unknown';

const roundingSuffix = (mode: number, unwritten: number): string =>
  mode === unwritten ? '' : `,${roundingModes[mode]}`;

const writers: Readonly<Record<OperandKind, OperandWriter>> = {
  rd: ({ rd }) => registerNames[rd],
  rs1: ({ rs1 }) => registerNames[rs1],
  rs2: ({ rs2 }) => registerNames[rs2],
  fd: ({ rd }) => floatRegisterNames[rd],
  fs1: ({ rs1 }) => floatRegisterNames[rs1],
  fs2: ({ rs2 }) => floatRegisterNames[rs2],
  fs3: ({ imm }) => floatRegisterNames[imm >> 3],
  '[,round]': ({ imm }) => roundingSuffix(imm & 7, DYNAMIC_ROUNDING),
  '[,exact]': ({ imm }) => roundingSuffix(imm & 7, UNUSED_ROUNDING),
  imm: ({ imm }) => imm.toString(),
  shamt: ({ imm }) => hex(imm),
  upper: ({ imm }) => hex((imm >>> 12) & 0xfffff),
  target,
  csr: ({ imm }) => csrName(imm) ?? hex(imm),
  zimm: ({ rs1 }) => rs1.toString(),
  pred: ({ imm }) => fenceSet(imm >> 4),
  succ: ({ imm }) => fenceSet(imm),
};

const fits = (alias: Alias, decoded: Decoded): boolean =>
  (Object.entries(alias.fixed) as [keyof Alias['fixed'], number][]).every(([name, value]) => decoded[name] === value) &&
  alias.nonzero.every((name) => decoded[name] !== 0) &&
  (!alias.sameSources || decoded.rs1 === decoded.rs2);

/** The name and syntax to print an instruction with. */
function spelling(decoded: Decoded, wantAliases: boolean): { name: string; syntax: string } {
  const { instruction, compressed } = decoded;
  const find = (entry: string): Alias | undefined =>
    aliasesOf(entry).find(
      (alias) => (alias.use === 'always' || (wantAliases && alias.use === 'both')) && fits(alias, decoded),
    );
  const own = { name: instruction.name, syntax: formatSyntax[instruction.format] };
  if (compressed === undefined) {
    return find(instruction.name) ?? own;
  }
  return find(compressed.name) ?? (wantAliases ? (find(instruction.name) ?? own) : compressed);
}

function orderingSuffix({ instruction: { format }, word }: Decoded): string {
  const ordered = format === 'amo' || format === 'lr';
  return ordered ? (orderings.find(({ bits }) => bits === (word & ORDERING_MASK))?.suffix ?? '') : '';
}

/**
 * The text of an instruction.
 *
 * @param address where it stands, for the targets of branches and jumps
 */
export function disassemble(decoded: Decoded, address: bigint, options: DisassemblyOptions = {}): Disassembly {
  const { name, syntax } = spelling(decoded, options.aliases ?? true);
  const operands = syntaxParts(syntax)
    .map((part) => ('operand' in part ? writers[part.operand](decoded, address, options) : part.literal))
    .join('');
  return disassembly(name + orderingSuffix(decoded), operands);
}

/**
 * The text of a word that is no instruction of the machine: a directive with its value. An all-zero halfword, which the
 * architecture sets aside as illegal, is `unimp`.
 *
 * @param length how many bytes of the word to print
 */
export function disassembleUnknown(word: number, length: 2 | 4, options: DisassemblyOptions = {}): Disassembly {
  const value = length === 2 ? word & 0xffff : word >>> 0;
  if (value === 0 && length === 2) {
    return disassembly((options.aliases ?? true) ? 'unimp' : 'c.unimp', '');
  }
  return disassembly(`.${length}byte`, hex(value));
}

/**
 * The text of whatever a word is, instruction or not.
 *
 * @param word 32 bits from memory, of which a 16-bit instruction takes the low half
 */
export function disassembleWord(
  word: number,
  address: bigint,
  options: DisassemblyOptions = {},
): Disassembly & { readonly length: 2 | 4 } {
  const decoded = decode(word);
  if (decoded !== undefined) {
    return { ...disassemble(decoded, address, options), length: decoded.length };
  }
  const length = isCompressed(word) ? 2 : 4;
  return { ...disassembleUnknown(word, length, options), length };
}

const disassembly = (mnemonic: string, operands: string): Disassembly => ({
  mnemonic,
  operands,
  text: operands === '' ? mnemonic : `${mnemonic} ${operands}`,
});
