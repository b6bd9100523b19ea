/** Instructions from the table with random operands: arithmetic, memory through sp, branches, atomics. */
import { decode } from '../../../src/isa/decode';
import type { Instruction } from '../../../src/isa/instruction';
import { compressedInstructions, instructions } from '../../../src/isa/table';
import type { Random } from '../../support/random';
import type { Ingredient, Unit } from '../unit';
import { anySource, anyTarget, POINTER, SP, word } from '../unit';

const field = (value: number, low: number, bits: number): number => (value & (2 ** bits - 1)) << low;

/** The instruction with these fields (where they are not part of its encoding) and all others random. */
function encode(
  instruction: Instruction,
  random: Random,
  fields: [value: number, low: number, bits: number][],
): string {
  let encoded = (instruction.match | (random.next() & ~instruction.mask)) >>> 0;
  for (const [value, low, bits] of fields) {
    const mask = field(-1, low, bits) & ~instruction.mask;
    encoded = (encoded & ~mask) | (field(value, low, bits) & mask);
  }
  return word(encoded);
}

/** Kinds of action that other ingredients make, or that would wait for ever. */
const ELSEWHERE = new Set(['system', 'load-reserved', 'store-conditional']);
/** Of a word that is zero ctzw gives 32; QEMU 7.2 counts on into the upper half. */
const usable = instructions.filter(
  ({ action, format, name }) => !ELSEWHERE.has(action.k) && format !== 'none' && name !== 'ctzw',
);
const atomics = instructions.filter(({ action }) => action.k === 'atomic');

const rdField = (random: Random): [number, number, number] => [anyTarget(random), 7, 5];

/** One instruction that computes, loads, stores, branches or jumps. */
export const anyInstruction: Ingredient = ({ random }) => {
  const instruction = random.pick(usable);
  const { action, format, name } = instruction;
  const condition = (): string => `x${anySource(random)}, x${anySource(random)}`;
  if (action.k === 'branch') return [`${name} ${condition()}, skip:${1 + random.below(4)}`];
  if (action.k === 'jump') {
    const to = `skip:${1 + random.below(4)}`;
    if (format === 'J') return [`${name} x${anyTarget(random)}, ${to}`];
    return [`la x${POINTER}, ${to}`, `${name} x${anyTarget(random)}, ${random.below(2)}(x${POINTER})`];
  }
  if (action.k === 'atomic') return atomic(instruction, random);
  if (format === 'load') return [encode(instruction, random, [rdField(random), [SP, 15, 5]])];
  if (format === 'S') return [encode(instruction, random, [[SP, 15, 5]])];
  const computes = action.k === 'compute' || action.k === 'fence';
  if (computes) return [encode(instruction, random, [rdField(random)])];
  return [
    `addi x${POINTER}, sp, ${8 * random.below(64)}`,
    encode(instruction, random, [rdField(random), [POINTER, 15, 5]]),
  ];
};

function atomic(instruction: Instruction, random: Random): Unit {
  const { action } = instruction;
  const width = action.k === 'atomic' ? action.width : 8;
  const misaligned = random.below(16) === 0 ? 1 + random.below(width - 1) : 0;
  const offset = width * (random.below(256) - 128) + misaligned;
  return [`addi x${POINTER}, sp, ${offset}`, encode(instruction, random, [rdField(random), [POINTER, 15, 5]])];
}

export const anyAtomic: Ingredient = ({ random }) => atomic(random.pick(atomics), random);

/**
 * LR, something, SC. They are left out when an AMO shows that the address may not be read and written: without a
 * reservation QEMU 7.2 does not look.
 */
export const reservation: Ingredient = ({ random, reservedWidth }) => {
  const letter = reservedWidth === 4 ? 'w' : 'd';
  const offset = reservedWidth * random.below(64);
  const between = random.pick([
    [],
    [`s${letter} x${anySource(random)}, ${random.below(64)}(x${POINTER})`],
    ['ebreak'],
    [`sb x5, ${reservedWidth + 8}(x${POINTER})`],
    [`amoadd.${letter} x5, x6, (x${POINTER})`],
  ]);
  return [
    `addi x${POINTER}, sp, ${offset}`,
    'li x9, 0x5a5a5a5a5a5a5a5a',
    'mv x7, x9',
    `amoor.${letter} x9, x0, (x${POINTER})`,
    'beq x7, x9, skip:1',
    `lr.${letter} x9, (x${POINTER})`,
    ...between,
    `sc.${letter} x${random.pick([0, 5, 6])}, x${anySource(random)}, (x${POINTER})`,
  ];
};

/** Two 16-bit instructions that leave sp and x8 alone, and use no memory but through sp. */
export const compressedPair: Ingredient = ({ random }) => {
  const one = (): number => {
    for (;;) {
      const entry = random.pick(compressedInstructions);
      const candidate = (entry.match | (random.next() & ~entry.mask)) & 0xffff;
      const decoded = decode(candidate);
      if (decoded === undefined) continue;
      const { k } = decoded.instruction.action;
      const format = decoded.instruction.format;
      if (k === 'branch' || k === 'jump' || k === 'system') continue;
      if (k !== 'compute' && k !== 'fence' && decoded.rs1 !== SP) continue;
      if (format === 'S' || !(decoded.rd === SP || decoded.rd === POINTER || decoded.rd === 17)) return candidate;
    }
  };
  return [word((one() << 16) | one())];
};

/** Any 32 bits that no table entry matches, mostly in the opcodes that are in use: illegal in both, or a difference. */
export const reservedEncoding: Ingredient = ({ random }) => {
  for (;;) {
    const near = random.pick(instructions);
    const flipped = (near.match | (random.next() & ~near.mask)) ^ (1 << (7 + random.below(25)));
    if (decode(flipped >>> 0) === undefined && (flipped & 0x7f) !== 0x0f && !UNSURE.has(flipped & 0x7f)) {
      return [word(flipped)];
    }
  }
};

/** Opcodes in which QEMU may know extensions that the machine lacks: SYSTEM (CSRs, hypervisor, debugging), custom ones. */
const UNSURE = new Set([0x73, 0x0b, 0x2b, 0x5b, 0x7b]);
