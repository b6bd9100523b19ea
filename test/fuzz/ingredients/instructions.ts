/** Instructions from the table with random operands: arithmetic, floating point, memory through sp, branches. */
import { writesFloat } from '../../../src/engine/record';
import { decode } from '../../../src/isa/decode';
import type { Instruction } from '../../../src/isa/instruction';
import { compressedInstructions, instructions } from '../../../src/isa/table';
import type { Random } from '../../support/random';
import type { Ingredient, Surroundings, Unit } from '../unit';
import { anyLink, anySource, anyTarget, hex, POINTER, SP, word } from '../unit';
import { atomic } from './atomics';
import type { Field } from './encode';
import { encode } from './encode';

/** Kinds of action that other ingredients make, or that would wait for ever. */
const ELSEWHERE = new Set(['system', 'load-reserved', 'store-conditional']);
/** Of a word that is zero ctzw gives 32; QEMU 7.2 counts on into the upper half. */
const usable = instructions.filter(
  ({ action, format, name }) => !ELSEWHERE.has(action.k) && format !== 'none' && name !== 'ctzw',
);
const floats = usable.filter(({ action }) => action.k === 'float');

const rdField = (random: Random): Field => [anyTarget(random), 7, 5];
const isMemory = ({ action }: Instruction): boolean =>
  ['load', 'store', 'float-load', 'float-store'].includes(action.k);

/** One instruction that computes, loads, stores, branches or jumps. */
export const anyInstruction: Ingredient = (around) => one(around.random.pick(usable), around);

export const floatInstruction: Ingredient = (around) => one(around.random.pick(floats), around);

function one(instruction: Instruction, around: Surroundings): Unit {
  const { random } = around;
  const { action, format, name } = instruction;
  const condition = (): string => `x${anySource(random)}, x${anySource(random)}`;
  if (action.k === 'branch') return [`${name} ${condition()}, skip:${1 + random.below(4)}`];
  if (action.k === 'jump') {
    const to = `skip:${1 + random.below(4)}`;
    if (format === 'J') return [`${name} x${anyLink(random)}, ${to}`];
    return [`la x${POINTER}, ${to}`, `${name} x${anyLink(random)}, ${random.below(2)}(x${POINTER})`];
  }
  if (action.k === 'atomic') return atomic(instruction, around);
  if (action.k === 'float') return float(instruction, random);
  if (isMemory(instruction)) return throughSp(instruction, around);
  if (action.k === 'compute' || action.k === 'fence') return [encode(instruction, random, [rdField(random)])];
  return [
    `addi x${POINTER}, sp, ${8 * random.below(64)}`,
    encode(instruction, random, [rdField(random), [POINTER, 15, 5]]),
  ];
}

/** A load or store through sp. Where no access may cross a page's border, it is aligned: sp is at such a border. */
function throughSp(instruction: Instruction, { random, traits }: Surroundings): Unit {
  const isStore = instruction.format === 'S';
  const offset = (random.below(4096) - 2048) & (traits.borders ? ~7 : ~0);
  const immediate: Field[] = isStore
    ? [
        [offset, 7, 5],
        [offset >> 5, 25, 7],
      ]
    : [[offset, 20, 12]];
  const rd: Field[] = isStore || writesFloat(instruction) ? [] : [rdField(random)];
  return [encode(instruction, random, [...rd, ...immediate, [SP, 15, 5]])];
}

/**
 * A floating-point instruction. Those that raise flags but write no floating-point register make mstatus.FS dirty here,
 * not in QEMU 7.2 (docs/decisions/0004): one that writes a register goes before them.
 */
function float(instruction: Instruction, random: Random): Unit {
  if (writesFloat(instruction)) return [encode(instruction, random, [])];
  const raisesFlags = !/^(fclass|fmv)\./.test(instruction.name);
  return [...(raisesFlags ? ['fsgnj.d f0, f0, f0'] : []), encode(instruction, random, [rdField(random)])];
}

/** ra, sp, the pointer, and a7 with the number of a call. */
const KEPT = new Set([1, SP, POINTER, 17]);

/** Two 16-bit instructions that leave these registers alone, and use no memory but through sp. */
export const compressedPair: Ingredient = ({ random }) => {
  const half = (): number => {
    for (;;) {
      const entry = random.pick(compressedInstructions);
      const candidate = (entry.match | (random.next() & ~entry.mask)) & 0xffff;
      const decoded = decode(candidate);
      if (decoded === undefined) continue;
      const { k } = decoded.instruction.action;
      const format = decoded.instruction.format;
      if (k === 'branch' || k === 'jump' || k === 'system') continue;
      if (k !== 'compute' && k !== 'fence' && decoded.rs1 !== SP) continue;
      if (format === 'S' || writesFloat(decoded.instruction)) return candidate;
      if (!KEPT.has(decoded.rd)) return candidate;
    }
  };
  return [word((half() << 16) | half())];
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

/** A store that changes an instruction further on, which is executed after FENCE.I or a jump. */
export const selfModification: Ingredient = ({ random }) => {
  // In straight code without either, QEMU goes on with the old one.
  const wait = random.pick([['fence.i'], ['j 1f'], ['nop', 'fence.i'], ['fence', 'j 1f']]);
  return [
    `la x${POINTER}, 1f`,
    `li x9, ${hex(addition(random, anyTarget(random)))}`,
    random.below(4) === 0 ? `sh x9, 0(x${POINTER})` : `sw x9, 0(x${POINTER})`,
    ...wait,
    '1: addi x9, x9, 1',
  ];
};

/** addi of something to a register. */
export const addition = (random: Random, rd: number): number =>
  (((random.next() & 0xfff) << 20) | (anySource(random) << 15) | (rd << 7) | 0x13) >>> 0;
