/** What the tables of F and D have in common: the same instructions for two formats (Unprivileged 20 and 21). */
import { fields, masks, opcodes } from './encoding';
import { floatOperations } from './float/operations';
import type { Format, Instruction } from './instruction';
import type { Action, Width } from './semantics';
import { binary, imm, rs1 } from './semantics';

/** A floating-point format as instruction words and texts name it. */
export interface FloatTableFormat {
  /** The mnemonics' last letter. */
  readonly letter: 's' | 'd';
  readonly extension: 'F' | 'D';
  /** The two lowest bits of funct7. */
  readonly code: 0 | 1;
  readonly width: Width & (4 | 8);
  /** Of loads and stores: `w` or `d`. */
  readonly memoryLetter: 'w' | 'd';
  /** `single precision` or `double precision`. */
  readonly precision: string;
}

const address = binary('add', rs1, imm);

function operationNamed(name: string): Action {
  const operation = floatOperations.get(name);
  if (operation === undefined) {
    throw new Error(`There is no floating-point operation ${name}.`);
  }
  return { k: 'float', operation };
}

/** One instruction of the major opcode OP-FP; `selector` is what stands in rs2's place when there is one operand. */
export function floatInstruction(
  extension: 'F' | 'D',
  name: string,
  format: Format,
  place: { readonly funct7: number; readonly selector?: number; readonly funct3?: number },
  summary: string,
): Instruction {
  const { funct7, selector, funct3 } = place;
  const rounds = funct3 === undefined;
  const two = selector === undefined;
  const mask = rounds ? (two ? masks.rounded : masks.roundedRs2) : two ? masks.funct7 : masks.selected;
  return {
    name,
    extension,
    match: (fields(opcodes.opFp, funct3 ?? 0, funct7) | ((selector ?? 0) << 20)) >>> 0,
    mask,
    format,
    action: operationNamed(name),
    summary,
  };
}

/** Everything that exists for both formats alike. */
export function floatTable(f: FloatTableFormat): Instruction[] {
  const { letter, extension, code, width, memoryLetter, precision } = f;
  const adjective = precision.replace(' ', '-');
  const access = (name: string, opcode: number, format: Format, action: Action, summary: string): Instruction => ({
    name,
    extension,
    match: fields(opcode, width === 4 ? 2 : 3),
    mask: masks.funct3,
    format,
    action,
    summary,
  });
  const fused = (name: string, opcode: number, effect: string): Instruction => ({
    name: `${name}.${letter}`,
    extension,
    match: fields(opcode, 0, code),
    mask: masks.fused,
    format: 'fused',
    action: operationNamed(`${name}.${letter}`),
    summary: `Sets rd to ${effect} in ${precision}, rounded once.`,
  });
  const two = (name: string, funct5: number, format: Format, funct3: number | undefined, summary: string) =>
    floatInstruction(extension, `${name}.${letter}`, format, { funct7: (funct5 << 2) | code, funct3 }, summary);
  const one = (name: string, funct5: number, selector: number, format: Format, summary: string, funct3?: number) =>
    floatInstruction(extension, name, format, { funct7: (funct5 << 2) | code, selector, funct3 }, summary);
  const compare = (name: string, funct3: number, relation: string) =>
    two(name, 0x14, 'x=ff', funct3, `Sets rd to 1 if rs1 is ${relation} rs2 in ${precision}, else to 0.`);
  const sign = (name: string, funct3: number, what: string) =>
    two(name, 0x04, 'f=ff', funct3, `Sets rd to the ${adjective} value of rs1 with ${what}.`);

  return [
    access(
      `fl${memoryLetter}`,
      opcodes.loadFp,
      'float-load',
      { k: 'float-load', width, address },
      `Loads a ${adjective} value from memory at rs1 + imm into rd.`,
    ),
    access(
      `fs${memoryLetter}`,
      opcodes.storeFp,
      'float-store',
      { k: 'float-store', width, address },
      `Stores the ${adjective} value of rs2 to memory at rs1 + imm.`,
    ),
    fused('fmadd', opcodes.madd, 'rs1 × rs2 + rs3'),
    fused('fmsub', opcodes.msub, 'rs1 × rs2 - rs3'),
    fused('fnmsub', opcodes.nmsub, '-(rs1 × rs2) + rs3'),
    fused('fnmadd', opcodes.nmadd, '-(rs1 × rs2) - rs3'),
    two('fadd', 0x00, 'f=ff-round', undefined, `Adds rs1 and rs2 in ${precision}.`),
    two('fsub', 0x01, 'f=ff-round', undefined, `Subtracts rs2 from rs1 in ${precision}.`),
    two('fmul', 0x02, 'f=ff-round', undefined, `Multiplies rs1 and rs2 in ${precision}.`),
    two('fdiv', 0x03, 'f=ff-round', undefined, `Divides rs1 by rs2 in ${precision}.`),
    one(`fsqrt.${letter}`, 0x0b, 0, 'f=f-round', `Sets rd to the square root of rs1 in ${precision}.`),
    sign('fsgnj', 0, 'the sign of rs2'),
    sign('fsgnjn', 1, 'the opposite of the sign of rs2'),
    sign('fsgnjx', 2, 'the exclusive or of both signs'),
    two('fmin', 0x05, 'f=ff', 0, `Sets rd to the lesser of rs1 and rs2 in ${precision}; a number wins over a NaN.`),
    two('fmax', 0x05, 'f=ff', 1, `Sets rd to the greater of rs1 and rs2 in ${precision}; a number wins over a NaN.`),
    compare('feq', 2, 'equal to'),
    compare('flt', 1, 'less than'),
    compare('fle', 0, 'less than or equal to'),
    one(`fclass.${letter}`, 0x1c, 0, 'x=f', `Sets one bit of rd that tells the kind of ${adjective} value in rs1.`, 1),
    ...integerConversions(f, one),
  ];
}

const integers = [
  { suffix: 'w', what: 'signed 32-bit integer' },
  { suffix: 'wu', what: 'unsigned 32-bit integer' },
  { suffix: 'l', what: 'signed 64-bit integer' },
  { suffix: 'lu', what: 'unsigned 64-bit integer' },
];

function integerConversions(
  { letter, precision }: FloatTableFormat,
  one: (name: string, funct5: number, selector: number, format: Format, summary: string) => Instruction,
): Instruction[] {
  return integers.flatMap(({ suffix, what }, selector) => [
    one(
      `fcvt.${suffix}.${letter}`,
      0x18,
      selector,
      'x=f-round',
      `Converts the ${precision.replace(' ', '-')} value of rs1 to the ${what} in rd; what does not fit becomes the nearest that does.`,
    ),
    one(
      `fcvt.${letter}.${suffix}`,
      0x1a,
      selector,
      letter === 'd' && selector < 2 ? 'f=x-exact' : 'f=x-round',
      `Converts the ${what} in rs1 to ${precision} in rd.`,
    ),
  ]);
}
