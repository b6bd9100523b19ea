/** The cases that every instruction is tried with: which registers and constants its word names, and what they hold. */
import { instructionByName } from '../../src/isa/table';
import type { CompressedInstruction, Instruction as Entry } from '../../src/isa/instruction';
import type { Fields, Pattern } from './bit-patterns';
import { noFields, place } from './bit-patterns';
import type { CompressedEncoding } from './encodings';
import { expanded, wordPatterns } from './encodings';
import { csrs } from './expected/system';
import type { Variant } from './operand-values';
import { DYNAMIC, statesFor } from './operand-values';
import type { HartImage, Instruction } from './reference-hart';

export interface Case {
  readonly program: readonly Instruction[];
  readonly state: HartImage;
}

const registerNames = ['d', 's', 't', 'u'] as const;

/** Registers to try: all different, x0 in each place, the same one in several, and the highest. */
const registerChoices: readonly Partial<Fields>[] = [
  { d: 10, s: 11, t: 12, u: 13 },
  { d: 0, s: 11, t: 12, u: 13 },
  { d: 10, s: 0, t: 12, u: 13 },
  { d: 10, s: 11, t: 0, u: 13 },
  { d: 0, s: 0, t: 0, u: 0 },
  { d: 10, s: 10, t: 12, u: 13 },
  { d: 10, s: 11, t: 10, u: 13 },
  { d: 10, s: 11, t: 12, u: 10 },
  { d: 10, s: 11, t: 11, u: 11 },
  { d: 10, s: 10, t: 10, u: 10 },
  { d: 31, s: 1, t: 2, u: 3 },
  { d: 2, s: 31, t: 30, u: 31 },
  { d: 8, s: 15, t: 9, u: 8 },
  { d: 15, s: 8, t: 8, u: 8 },
  { d: 9, s: 9, t: 15, u: 8 },
];

const has = (pattern: Pattern, field: keyof Fields): boolean => pattern.pieces.some((piece) => piece.field === field);

/** The register choices that differ in, and fit, the pattern's fields. */
function registersOf(pattern: Pattern): Fields[] {
  const fits = (fields: Partial<Fields>) =>
    pattern.pieces.every(({ field, base: lowest, width }) => {
      const value = fields[field];
      return field === 'i' || field === 'r' || value === undefined || (value >= lowest && value < lowest + 2 ** width);
    });
  const chosen = registerChoices.filter(fits).map((choice) => {
    const fields = { ...noFields };
    for (const name of registerNames) if (has(pattern, name)) fields[name] = choice[name] ?? 0;
    return fields;
  });
  return [...new Map(chosen.map((fields) => [JSON.stringify(fields), fields])).values()];
}

/** The immediates of a pattern: none set, all, the highest and the others, and each bit alone; and small ones. */
function immediatesOf(pattern: Pattern, sign: number | undefined): { extremes: number[]; bits: number[] } {
  const bits = pattern.pieces
    .filter(({ field }) => field === 'i')
    .flatMap(({ from, width }) => Array.from({ length: width }, (_, i) => 1 << (from + i)));
  const all = bits.reduce((sum, bit) => sum | bit, 0);
  if (bits.length === 0) return { extremes: [0], bits: [] };
  const signed = (value: number) => (sign === undefined ? value : (value << (31 - sign)) >> (31 - sign));
  const top = sign === undefined ? 0 : 1 << sign;
  const lowest = all & -all;
  const extremes = [...new Set([lowest, 0, all, all & ~top, top].map(signed))];
  return { extremes, bits: bits.map(signed).filter((bit) => !extremes.includes(bit)) };
}

/** The sign's place in each format's immediate; the others are unsigned. */
const signs: Partial<Record<Entry['format'], number>> = {
  I: 11,
  load: 11,
  S: 11,
  'float-load': 11,
  'float-store': 11,
  B: 12,
  U: 31,
  J: 20,
};

/** CSRs that the formulas know, one that does not exist, and one with no register behind it. */
const csrNumbers = [csrs.mscratch, csrs.sscratch, csrs.fflags, csrs.frm, csrs.fcsr, csrs.mhartid, 0x8ff, 0xfff];

function wordImmediates(entry: Entry): { extremes: number[]; bits: number[] } {
  const { format } = entry;
  if (format === 'csr' || format === 'csri') return { extremes: csrNumbers, bits: [] };
  if (format === 'shift64' || format === 'shift32') {
    const all = Array.from({ length: format === 'shift64' ? 64 : 32 }, (_, i) => i);
    const extremes = [1, 0, all.length / 2 - 1, all.length / 2, all.length - 1];
    return { extremes, bits: all.filter((i) => !extremes.includes(i)) };
  }
  // The orderings of an atomic, aq and rl.
  if (format === 'amo' || format === 'lr') return { extremes: [0], bits: [1, 2, 3] };
  return immediatesOf(wordPatterns[format], signs[format]);
}

const instructionOf = (
  { name, length, word }: { name: string; length: 2 | 4; word: number },
  { d, s, t, u, r, i }: Fields,
): Instruction => ({ name, length, word, rd: d, rs1: s, rs2: t, rs3: u, rm: r, imm: BigInt(i) });

const wordInstruction = (entry: Entry, fields: Fields): Instruction =>
  instructionOf(
    { name: entry.name, length: 4, word: (entry.match | place(wordPatterns[entry.format], fields)) >>> 0 },
    fields,
  );

/** Every combination of registers with the extreme immediates, and the first one with all others. */
function combinations(
  registers: readonly Fields[],
  { extremes, bits }: { extremes: number[]; bits: number[] },
): Fields[] {
  return [
    ...registers.flatMap((fields) => extremes.map((i) => ({ ...fields, i }))),
    ...bits.map((i) => ({ ...registers[0], i })),
  ];
}

function wordVariants(entry: Entry): Variant[] {
  const pattern = wordPatterns[entry.format];
  const registers = registersOf(pattern);
  if (has(pattern, 'r')) {
    const modes = [0, 1, 2, 3, 4, DYNAMIC];
    return [
      ...modes.map((r) => ({ ...registers[0], r })),
      ...registers.slice(1).map((fields, n) => ({ ...fields, r: modes[n % modes.length] })),
    ].map((fields, n) => ({ instruction: wordInstruction(entry, fields), thorough: n < modes.length }));
  }
  const immediates = wordImmediates(entry);
  const thorough = entry.format.startsWith('csr') ? immediates.extremes.length : 1;
  return combinations(registers, immediates).map((fields, n) => ({
    instruction: wordInstruction(entry, fields),
    thorough: n < thorough,
  }));
}

function compressedVariants(encoding: CompressedEncoding): Variant[] {
  const { pattern, sign, stands, isReserved } = encoding;
  return combinations(registersOf(pattern), immediatesOf(pattern, undefined))
    .filter((fields) => !isReserved?.(fields))
    .map((fields, n) => ({
      instruction: instructionOf(
        { name: stands, length: 2, word: place(pattern, fields) },
        expanded({ ...encoding, sign }, fields),
      ),
      thorough: n === 0,
    }));
}

/** A program around the instruction: of SC also with the LR that it needs, and the other way round. */
function programs({ instruction }: Variant): (readonly Instruction[])[] {
  const { name, rd, rs1 } = instruction;
  const [kind, width] = name.split('.');
  const partner = (other: string, fields: Partial<Fields>): Instruction => {
    const entry = instructionByName.get(`${other}.${width}`);
    if (entry === undefined) throw new Error(`The table lacks ${other}.${width}.`);
    return wordInstruction(entry, { ...noFields, ...fields });
  };
  if (kind === 'sc') {
    const reserve = partner('lr', { s: rs1 });
    return [[instruction], [reserve, instruction], [reserve, partner('sc', { s: rs1, d: 7 }), instruction]];
  }
  if (kind === 'lr' && rd !== rs1) return [[instruction], [instruction, partner('sc', { s: rs1, t: 6, d: 7 })]];
  return [[instruction]];
}

function* cases(entry: Entry, variants: readonly Variant[]): Generator<Case> {
  const states = statesFor(entry);
  for (const variant of variants) {
    for (const program of programs(variant)) {
      for (const state of states(variant)) yield { program, state };
    }
  }
}

export const casesOf = (entry: Entry): Generator<Case> => cases(entry, wordVariants(entry));

export const compressedCasesOf = (entry: CompressedInstruction, encoding: CompressedEncoding): Generator<Case> =>
  cases(entry.expandsTo, compressedVariants(encoding));
