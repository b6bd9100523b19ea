/** Plain text that explains an instruction or a CSR to a user, one fact a line. */
import { aliasesNamed } from './aliases';
import { csrName } from './csr-names';
import type { CsrDescription } from './csrs';
import { csrByNumber, decodeFields } from './csrs';
import { hex } from './csr-description';
import type { DisassemblyOptions } from './disassemble';
import { disassemble } from './disassemble';
import { formula } from './formula';
import type { CompressedInstruction, Decoded, Instruction } from './instruction';
import { floatRegisterNames, registerNames } from './registers';
import type { OperandKind } from './syntax';
import { DYNAMIC_ROUNDING, formatSyntax, orderings, roundingModes, syntaxParts } from './syntax';
import { compressedInstructions, instructionByName } from './table';

const registerText = (name: string, number: number): string => `${name} is ${registerNames[number]} (x${number})`;

const floatText = (name: string, number: number): string => `${name} is ${floatRegisterNames[number]} (f${number})`;

const roundingText = (mode: number): string =>
  mode === DYNAMIC_ROUNDING ? 'rounds as frm says' : `rounding mode: ${roundingModes[mode]}`;

const hexOf = (value: number): string => (value < 0 ? `-${hex(BigInt(-value))}` : hex(BigInt(value)));

/** What stands in each operand of a decoded instruction. */
const operandTexts: Readonly<Record<OperandKind, (decoded: Decoded, address: bigint) => string>> = {
  rd: ({ rd }) => registerText('rd', rd),
  rs1: ({ rs1 }) => registerText('rs1', rs1),
  rs2: ({ rs2 }) => registerText('rs2', rs2),
  fd: ({ rd }) => floatText('rd', rd),
  fs1: ({ rs1 }) => floatText('rs1', rs1),
  fs2: ({ rs2 }) => floatText('rs2', rs2),
  fs3: ({ imm }) => floatText('rs3', imm >> 3),
  '[,round]': ({ imm }) => roundingText(imm & 7),
  '[,exact]': () => 'the result is exact',
  imm: ({ imm }) => `imm is ${imm} (${hexOf(imm)})`,
  shamt: ({ imm }) => `imm is ${imm}`,
  upper: ({ imm }) => `imm is ${hex(BigInt.asUintN(64, BigInt(imm)))}`,
  target: ({ imm }, address) =>
    `the target is ${hex(BigInt.asUintN(64, address + BigInt(imm)))}, ${Math.abs(imm)} bytes ${imm < 0 ? 'back' : 'ahead'}`,
  csr: ({ imm }) => {
    const csr = csrByNumber(imm);
    if (csr !== undefined) return `${csr.name}: ${csr.summary}`;
    const name = csrName(imm);
    return name === undefined ? `CSR ${hexOf(imm)} does not exist` : `this machine has no CSR ${name} (${hexOf(imm)})`;
  },
  zimm: ({ rs1 }) => `the constant is ${rs1}`,
  pred: ({ imm }) => `earlier accesses: ${accesses(imm >> 4)}`,
  succ: ({ imm }) => `later accesses: ${accesses(imm)}`,
};

const accessKinds = ['device input', 'device output', 'memory reads', 'memory writes'];

const accesses = (set: number): string => accessKinds.filter((_, i) => (set & (8 >> i)) !== 0).join(', ') || 'none';

const operandKinds = (syntax: string): OperandKind[] =>
  syntaxParts(syntax).flatMap((part) => ('operand' in part ? [part.operand] : []));

/**
 * What the instruction at an address does: its text (and that of its expansion, if it is a 16-bit one), one sentence, a
 * formula, and each operand.
 */
export function instructionHover(decoded: Decoded, address: bigint, options: DisassemblyOptions = {}): string {
  const { instruction, compressed } = decoded;
  const { text } = disassemble(decoded, address, options);
  const plain = disassemble(decoded, address, { ...options, aliases: false }).text;
  const expansion = disassemble({ ...decoded, compressed: undefined }, address, { ...options, aliases: false }).text;
  const names = [...new Set(compressed === undefined ? [text, plain] : [text, plain, expansion])];
  const effect = formula(instruction.action);
  return [
    names.join(' = '),
    instruction.summary,
    ...(effect === undefined ? [] : [effect]),
    ...operandKinds(formatSyntax[instruction.format]).map((kind) => operandTexts[kind](decoded, address)),
  ].join('\n');
}

const withOperands = (name: string, syntax: string): string => (syntax === '' ? name : `${name} ${syntax}`);

function entryHover(title: string, { extension, action, summary }: Instruction): string {
  const effect = formula(action);
  return [`${title} (${extension})`, summary, ...(effect === undefined ? [] : [effect])].join('\n');
}

function compressedHover({ name, syntax, expandsTo }: CompressedInstruction): string {
  return entryHover(`${withOperands(name, syntax)}: 16-bit form of ${expandsTo.name}`, expandsTo);
}

/** What an instruction of this name does, without operands: for a source text. Undefined when there is none. */
export function mnemonicHover(mnemonic: string): string | undefined {
  const compressed = compressedInstructions.find(({ name }) => name === mnemonic);
  if (compressed !== undefined) {
    return compressedHover(compressed);
  }
  for (const { suffix, bits } of orderings) {
    const base = mnemonic.endsWith(suffix)
      ? instructionByName.get(mnemonic.slice(0, mnemonic.length - suffix.length))
      : undefined;
    if (base !== undefined && (bits === 0 || base.format === 'amo' || base.format === 'lr')) {
      return entryHover(withOperands(mnemonic, formatSyntax[base.format]), base);
    }
  }
  const alias = aliasesNamed(mnemonic).find(({ of }) => instructionByName.has(of));
  const of = alias && instructionByName.get(alias.of);
  if (alias === undefined || of === undefined) {
    return undefined;
  }
  const fixed = Object.entries(alias.fixed).map(([operand, value]) =>
    operand === 'imm' ? `imm = ${value}` : `${operand} = ${registerNames[value]}`,
  );
  const where = fixed.length === 0 ? '' : ` with ${fixed.join(', ')}`;
  return entryHover(`${withOperands(mnemonic, alias.syntax)}: another name of ${of.name}${where}`, of);
}

const privilegeNames = { 0: 'user', 1: 'supervisor', 3: 'machine' } as const;

const bitsText = (high: number, low: number): string => (high === low ? `bit ${low}` : `bits ${high}:${low}`);

/** What a CSR is and holds; with a value, what each field's value means. */
export function csrHover(csr: CsrDescription, value?: bigint): string {
  const kind = `${privilegeNames[csr.privilege]} CSR ${hexOf(csr.number)}${csr.readOnly ? ', read-only' : ''}`;
  const shown = value === undefined ? '' : ` = ${hex(BigInt.asUintN(64, value))}`;
  const fields =
    value === undefined
      ? csr.fields.map((field) => `${field.name} (${bitsText(field.high, field.low)}): ${field.summary}`)
      : decodeFields(csr, value).map(({ field, text }) => `${field.name} = ${text}: ${field.summary}`);
  return [`${csr.name}${shown} (${kind})`, csr.summary, ...fields].join('\n');
}
