/** What registers, memory and CSRs hold when an instruction is tried: values at the edges of what it works on. */
import type { Instruction as Entry } from '../../src/isa/instruction';
import { double, single } from './expected/exact-float';
import type { StatusField } from './expected/system';
import { csrs, withField } from './expected/system';
import { edges, u64 } from './expected/words';
import { floatEdges } from './float-edges';
import type { HartImage, Instruction, Privilege } from './reference-hart';
import { CODE, PAGE_BORDER, RAM, WINDOW } from './reference-hart';

/** An instruction with operand fields chosen. */
export interface Variant {
  readonly instruction: Instruction;
  /** All combinations of values are tried; else only some. */
  readonly thorough: boolean;
}

const DIRTY = 3;
/** The rounding mode that means: the one in fcsr. */
export const DYNAMIC = 7;

/** Every register holds something that no operation is likely to give. */
const canaries = (base: bigint): BigUint64Array =>
  BigUint64Array.from({ length: 32 }, (_, i) => base + BigInt(i) * 0x0101_0101_0101_0101n);
const xCanaries = canaries(0x4a00_b100_c200_d301n);
xCanaries[0] = 0n;
const fCanaries = canaries(0x3b00_a100_9200_8301n);
const windowBytes = Uint8Array.from({ length: WINDOW.size }, (_, i) => (i * 0x9d + 0x83) & 0xff);
const noCsrs: ReadonlyMap<number, bigint> = new Map();

export const plainState: HartImage = {
  x: xCanaries,
  f: fCanaries,
  fcsr: 0,
  floatState: DIRTY,
  privilege: 3,
  pc: CODE,
  window: windowBytes,
  csrs: noCsrs,
};

/** Arrays of the states that are made one after the other: each state is valid until the next. */
const scratch = { x: new BigUint64Array(32), f: new BigUint64Array(32), window: new Uint8Array(WINDOW.size) };

/** Floating-point registers with values in some of them. */
function floatRegisters(values: readonly (readonly [number, bigint])[]): BigUint64Array {
  const { f } = scratch;
  f.set(fCanaries);
  for (const [register, value] of values) f[register] = value;
  return f;
}

/** The plain state with these values in registers; of two values for one register the last one counts. */
function withRegisters(values: readonly (readonly [number, bigint])[], more: Partial<HartImage> = {}): HartImage {
  const { x } = scratch;
  x.set(xCanaries);
  for (const [register, value] of values) if (register !== 0) x[register] = value;
  return { ...plainState, x, ...more };
}

function windowWith(at: bigint, width: number, value: bigint): Uint8Array {
  const { window } = scratch;
  window.set(windowBytes);
  const offset = Number(at - WINDOW.start);
  for (let i = 0; i < width; i++) window[offset + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return window;
}

/** All pairs, or each value once on either side. */
function pairs(values: readonly bigint[], all: boolean): (readonly [bigint, bigint])[] {
  if (all) return values.flatMap((a) => values.map((b) => [a, b] as const));
  return values.map((a, i) => [a, values[(7 * i + 3) % values.length]] as const);
}

function* integerStates({ instruction, thorough }: Variant): Generator<HartImage> {
  const { rs1, rs2 } = instruction;
  for (const [a, b] of pairs(edges, thorough)) {
    yield withRegisters([
      [rs2, b],
      [rs1, a],
    ]);
  }
}

function* singleStates({ instruction: { rs1 } }: Variant): Generator<HartImage> {
  for (const a of edges) yield withRegisters([[rs1, a]]);
}

/** Where jalr may lead: into memory, odd addresses, and everywhere else. */
function* jumpStates({ instruction: { rs1, imm } }: Variant): Generator<HartImage> {
  for (const to of [CODE + 0x1000n, CODE + 0x1001n, CODE + 0xffen, CODE - 2n, RAM.end, ...edges]) {
    yield withRegisters([[rs1, to - imm]]);
  }
}

const near = Array.from({ length: 25 }, (_, i) => PAGE_BORDER + BigInt(i - 16));
const outside = [0n, -8n, 2n ** 63n, RAM.start - 8n, RAM.start - 1n, RAM.end, 2n ** 40n];

/** Addresses within the window, on both sides of a page border, and outside of memory; then values at one address. */
function* accessStates({ instruction, thorough }: Variant): Generator<HartImage> {
  const { name, rs1, rs2, imm } = instruction;
  const isByte = name.startsWith('lb') || name === 'sb';
  for (const at of [...near, ...outside, ...(isByte ? [] : [RAM.end - 1n])]) {
    for (const value of thorough ? [0n, -1n, 0x123456789abcdef0n, -0x123456789abcdef0n] : [-0x123456789abcdef0n]) {
      const f = floatRegisters([[rs2, value]]);
      yield withRegisters(
        [
          [rs2, value],
          [rs1, at - imm],
        ],
        { f },
      );
    }
  }
  if (!thorough) return;
  const at = PAGE_BORDER + 16n;
  for (const value of edges) yield withRegisters([[rs1, at - imm]], { window: windowWith(at, 8, value) });
}

function* floatAccessStates(variant: Variant): Generator<HartImage> {
  for (const state of accessStates(variant)) yield state;
  for (const floatState of [0, 1, 2]) {
    yield withRegisters([[variant.instruction.rs1, PAGE_BORDER - variant.instruction.imm]], { floatState });
  }
}

/** Old values in memory with operands, and all kinds of addresses. */
function* atomicStates({ instruction, thorough }: Variant): Generator<HartImage> {
  const { name, rs1, rs2 } = instruction;
  for (const at of [...near, ...outside]) {
    yield withRegisters([
      [rs2, -5n],
      [rs1, at],
    ]);
  }
  for (const at of [PAGE_BORDER - 8n, PAGE_BORDER + 16n]) {
    for (const [old, value] of pairs(edges, thorough && name.startsWith('amo') && at > PAGE_BORDER)) {
      yield withRegisters(
        [
          [rs2, value],
          [rs1, at],
        ],
        { window: windowWith(at, 8, old) },
      );
    }
  }
}

const MSTATUS = (1n << 63n) | (2n << 34n) | (2n << 32n) | (3n << 13n);
const privileges: readonly Privilege[] = [3, 1, 0];

const statusWith = (fields: Partial<Record<StatusField, number>>): bigint =>
  Object.entries(fields).reduce((value, [name, to]) => withField(value, name as StatusField, to), MSTATUS);

/** System instructions: every mode with every field of mstatus that they look at, and the gates of cache-block operations. */
function* systemStates({ instruction: { rs1, rs2 } }: Variant): Generator<HartImage> {
  const returns: Partial<Record<StatusField, number>>[] = [0, 1, 3].flatMap((MPP) =>
    [0, 1].flatMap((bit) => [
      { MPP, SPP: bit, MPIE: bit, SPIE: 1 - bit, MPRV: bit },
      { MPP, SPP: bit, MIE: bit, SIE: bit, MPRV: 1 - bit },
    ]),
  );
  const statuses = [...returns, { TVM: 1 }, { TW: 1 }, { TSR: 1 }, { TVM: 1, TW: 1, TSR: 1 }];
  const gates = [0n, 0x10n, 0x40n, 0x80n, 0xf0n];
  const settings = [
    ...statuses.map((fields) => ({ fields, menvcfg: 0n, senvcfg: 0n })),
    ...gates.flatMap((menvcfg) => gates.map((senvcfg) => ({ fields: {}, menvcfg, senvcfg }))),
  ];
  for (const privilege of privileges) {
    for (const { fields, menvcfg, senvcfg } of settings) {
      yield withRegisters(
        [
          [rs2, 1n],
          [rs1, PAGE_BORDER + 5n],
        ],
        {
          privilege,
          csrs: new Map([
            [csrs.mstatus, statusWith(fields)],
            [csrs.mepc, CODE + 0x1000n],
            [csrs.sepc, CODE - 0x1002n],
            [csrs.menvcfg, menvcfg],
            [csrs.senvcfg, senvcfg],
          ]),
        },
      );
    }
  }
}

function* csrStates({ instruction: { rs1 }, thorough }: Variant): Generator<HartImage> {
  for (const privilege of privileges) {
    for (const [value, old] of pairs(thorough ? edges : edges.slice(-4), false)) {
      for (const floatState of thorough ? [DIRTY, 2, 0] : [DIRTY]) {
        yield withRegisters([[rs1, value]], {
          privilege,
          floatState,
          fcsr: Number(old & 0xffn),
          csrs: new Map([
            [csrs.mscratch, u64(old)],
            [csrs.sscratch, u64(-old)],
          ]),
        });
      }
    }
  }
}

const floats = { single: floatEdges(single), double: floatEdges(double) };

/** Rounding modes and flags of fcsr before: the inexact flag matters to fast ways. */
function fcsrsFor({ rm }: Instruction, index: number, few: boolean): number[] {
  const frm = rm === DYNAMIC ? index % 8 : (index + 1) % 5;
  const flags = [1, 0, 31][index % 3];
  const control = frm << 5;
  return rm === 0 && !few ? [control | 1, control] : [control | flags];
}

function floatOperands(entry: Entry, thorough: boolean): (readonly bigint[])[] {
  const { one, two, three } = entry.name.endsWith('.d') ? floats.double : floats.single;
  if (entry.format === 'fused') {
    if (!thorough)
      return three.map((a, i) => [a, three[(5 * i + 1) % three.length], three[(7 * i + 2) % three.length]]);
    return three.flatMap((a) => three.flatMap((b) => three.map((c) => [a, b, c])));
  }
  return entry.format.includes('=ff') ? pairs(two, thorough) : one.map((a) => [a]);
}

const floatStates = (entry: Entry) =>
  function* ({ instruction, thorough }: Variant): Generator<HartImage> {
    const sources = [instruction.rs1, instruction.rs2, instruction.rs3];
    let index = 0;
    for (const values of floatOperands(entry, thorough)) {
      for (const fcsr of fcsrsFor(instruction, index++, entry.format === 'fused')) {
        const f = floatRegisters(values.map((value, i) => [sources[i], value] as const));
        yield { ...plainState, f, fcsr, floatState: thorough ? DIRTY : index % 4 };
      }
    }
  };

function* fromIntegerStates({ instruction, thorough }: Variant): Generator<HartImage> {
  const halves = edges.flatMap((a) => [
    a,
    (1n << 53n) + a,
    (1n << 24n) + a,
    (a << 11n) + 0x400n,
    (a << 40n) + (1n << 39n),
  ]);
  let index = 0;
  for (const a of halves) {
    for (const fcsr of fcsrsFor(instruction, index++, false)) {
      yield withRegisters([[instruction.rs1, a]], { fcsr, floatState: thorough ? DIRTY : index % 4 });
    }
  }
}

/** Which values to try with an instruction of this entry. */
export function statesFor(entry: Entry): (variant: Variant) => Iterable<HartImage> {
  const { format, action } = entry;
  if (entry.name === 'jalr') return jumpStates;
  if (action.k === 'system') return format === 'csr' || format === 'csri' ? csrStates : systemStates;
  switch (format) {
    case 'R':
    case 'B':
      return integerStates;
    case 'load':
    case 'S':
      return accessStates;
    case 'float-load':
    case 'float-store':
      return floatAccessStates;
    case 'amo':
    case 'lr':
      return atomicStates;
    case 'f=x':
    case 'f=x-round':
    case 'f=x-exact':
      return fromIntegerStates;
    case 'fused':
    case 'f=f':
    case 'f=ff':
    case 'f=ff-round':
    case 'f=f-round':
    case 'f=f-exact':
    case 'x=f':
    case 'x=ff':
    case 'x=f-round':
      return floatStates(entry);
    default:
      return singleStates;
  }
}
