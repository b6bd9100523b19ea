/** How instructions are encoded: written from the specification, to check the product's own encodings against. */
import type { Format } from '../../src/isa/instruction';
import type { Fields, Pattern } from './bit-patterns';
import { noFields, parsePattern } from './bit-patterns';

const whole = (text: string): Pattern => parsePattern(text, 32);

const load = whole('i11:0 s x3 d x7');
const store = whole('i11:5 t s x3 i4:0 x7');
const two = whole('x7 t s x3 d x7');
const twoRounded = whole('x7 t s r d x7');
const one = whole('x12 s x3 d x7');
const oneRounded = whole('x12 s r d x7');

/** 32-bit words by format (Unprivileged 2.2, 2.3 and the chapters of the extensions). */
export const wordPatterns: Readonly<Record<Format, Pattern>> = {
  R: two,
  I: load,
  load,
  shift64: whole('x6 i5:0 s x3 d x7'),
  shift32: whole('x7 i4:0 s x3 d x7'),
  S: store,
  B: whole('i12|10:5 t s x3 i4:1|11 x7'),
  U: whole('i31:12 d x7'),
  J: whole('i20|10:1|11|19:12 d x7'),
  // The immediate is aq and rl.
  amo: whole('x5 i1:0 t s x3 d x7'),
  lr: whole('x5 i1:0 x5 s x3 d x7'),
  csr: load,
  csri: load,
  fence: load,
  sfence: whole('x7 t s x3 x5 x7'),
  unary: one,
  block: whole('x12 s x3 x5 x7'),
  'float-load': load,
  'float-store': store,
  fused: whole('u x2 t s r d x7'),
  'f=ff': two,
  'f=ff-round': twoRounded,
  'f=f': one,
  'f=f-round': oneRounded,
  'f=f-exact': oneRounded,
  'f=x': one,
  'f=x-round': oneRounded,
  'f=x-exact': oneRounded,
  'x=ff': two,
  'x=f': one,
  'x=f-round': oneRounded,
  none: whole('x32'),
};

/** A 16-bit instruction: its pattern and the 32-bit instruction that it stands for. */
export interface CompressedEncoding {
  readonly pattern: Pattern;
  readonly stands: string;
  /** The fields of the 32-bit instruction. */
  readonly expand: (fields: Fields) => Partial<Fields>;
  /** The immediate's sign bit; it is unsigned where there is none. */
  readonly sign?: number;
  readonly isReserved?: (fields: Fields) => boolean;
}

interface Details {
  readonly sign?: number;
  readonly reserved?: (fields: Fields) => boolean;
}

const SP = 2;
const RA = 1;

const encoding = (
  pattern: string,
  stands: string,
  expand: (fields: Fields) => Partial<Fields>,
  { sign, reserved }: Details = {},
): CompressedEncoding => ({ pattern: parsePattern(pattern, 16), stands, expand, sign, isReserved: reserved });

const asWritten = (fields: Fields): Fields => fields;
/** rd is the first source, too. */
const accumulate = ({ d, t, i }: Fields) => ({ d, s: d, t, i });
const fromSp = ({ d, t, i }: Fields) => ({ d, s: SP, t, i });
const six = { sign: 5 };
const noDestination = { reserved: ({ d }: Fields) => d === 0 };
const noImmediate = { reserved: ({ i }: Fields) => i === 0 };

/** The 16-bit instructions of RV64C and RV64DC (Unprivileged 16.8), HINTs included. */
export const compressedEncodings: Readonly<Record<string, CompressedEncoding>> = {
  'c.addi4spn': encoding('000 i5:4|9:6|2|3 D 00', 'addi', fromSp, noImmediate),
  'c.fld': encoding('001 i5:3 S i7:6 D 00', 'fld', asWritten),
  'c.lw': encoding('010 i5:3 S i2|6 D 00', 'lw', asWritten),
  'c.ld': encoding('011 i5:3 S i7:6 D 00', 'ld', asWritten),
  'c.fsd': encoding('101 i5:3 S i7:6 T 00', 'fsd', asWritten),
  'c.sw': encoding('110 i5:3 S i2|6 T 00', 'sw', asWritten),
  'c.sd': encoding('111 i5:3 S i7:6 T 00', 'sd', asWritten),

  'c.addi': encoding('000 i5 d i4:0 01', 'addi', accumulate, six),
  'c.addiw': encoding('001 i5 d i4:0 01', 'addiw', accumulate, { ...six, ...noDestination }),
  'c.li': encoding('010 i5 d i4:0 01', 'addi', asWritten, six),
  'c.addi16sp': encoding('011 i9 00010 i4|6|8:7|5 01', 'addi', ({ i }) => ({ d: SP, s: SP, i }), {
    sign: 9,
    ...noImmediate,
  }),
  'c.lui': encoding('011 i17 d i16:12 01', 'lui', asWritten, { sign: 17, reserved: ({ d, i }) => i === 0 || d === SP }),
  'c.srli': encoding('100 i5 00 D i4:0 01', 'srli', accumulate),
  'c.srai': encoding('100 i5 01 D i4:0 01', 'srai', accumulate),
  'c.andi': encoding('100 i5 10 D i4:0 01', 'andi', accumulate, six),
  'c.sub': encoding('100 0 11 D 00 T 01', 'sub', accumulate),
  'c.xor': encoding('100 0 11 D 01 T 01', 'xor', accumulate),
  'c.or': encoding('100 0 11 D 10 T 01', 'or', accumulate),
  'c.and': encoding('100 0 11 D 11 T 01', 'and', accumulate),
  'c.subw': encoding('100 1 11 D 00 T 01', 'subw', accumulate),
  'c.addw': encoding('100 1 11 D 01 T 01', 'addw', accumulate),
  'c.j': encoding('101 i11|4|9:8|10|6|7|3:1|5 01', 'jal', asWritten, { sign: 11 }),
  'c.beqz': encoding('110 i8|4:3 S i7:6|2:1|5 01', 'beq', asWritten, { sign: 8 }),
  'c.bnez': encoding('111 i8|4:3 S i7:6|2:1|5 01', 'bne', asWritten, { sign: 8 }),

  'c.slli': encoding('000 i5 d i4:0 10', 'slli', accumulate),
  'c.fldsp': encoding('001 i5 d i4:3|8:6 10', 'fld', fromSp),
  'c.lwsp': encoding('010 i5 d i4:2|7:6 10', 'lw', fromSp, noDestination),
  'c.ldsp': encoding('011 i5 d i4:3|8:6 10', 'ld', fromSp, noDestination),
  'c.jr': encoding('100 0 s 00000 10', 'jalr', asWritten, { reserved: ({ s }) => s === 0 }),
  'c.mv': encoding('100 0 d t 10', 'add', asWritten, { reserved: ({ t }) => t === 0 }),
  'c.ebreak': encoding('100 1 00000 00000 10', 'ebreak', asWritten),
  'c.jalr': encoding('100 1 s 00000 10', 'jalr', ({ s }) => ({ d: RA, s }), { reserved: ({ s }) => s === 0 }),
  'c.add': encoding('100 1 d t 10', 'add', accumulate, { reserved: ({ t }) => t === 0 }),
  'c.fsdsp': encoding('101 i5:3|8:6 t 10', 'fsd', fromSp),
  'c.swsp': encoding('110 i5:2|7:6 t 10', 'sw', fromSp),
  'c.sdsp': encoding('111 i5:3|8:6 t 10', 'sd', fromSp),
};

/** The 32-bit instruction's fields; the immediate is signed where it has a sign. */
export function expanded({ expand, sign }: CompressedEncoding, fields: Fields): Fields {
  const i = sign === undefined ? fields.i : (fields.i << (31 - sign)) >> (31 - sign);
  return { ...noFields, ...expand({ ...fields, i }) };
}
