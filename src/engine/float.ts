/** Floating point in the interpreter: a generated function for each instruction, which takes its operands from the record. */
import type { FloatKind, FloatOperation } from '../isa/float/operations';
import type { Code } from '../wasm/code';
import type { Module } from '../wasm/module';
import { emitFloat, requireUnit } from './float/emit-float';
import type { FloatSite } from './float/site';
import { boxed, pushUnboxed, Scratch } from './float/site';
import * as at from './layout';
import { dataEntry, pushRegister, registerOffset, storeOps, tagMask } from './operand-access';
import type { Operation } from './record';
import { IMM, RD, RS1, RS2 } from './record';

/** Parameters of a function: the record's address, and the data TLB's. */
const RECORD = 0;
const DATA_TLB = 1;

const valueTypes = { x: 'i64', s: 'f32', d: 'f64' } as const;
const MODE_MASK = 7;
/** The immediate holds the rounding mode in three bits and above it the number of rs3, which is eight times as much: its offset. */
const RS3_OFFSET = ~MODE_MASK;

/** (record, dataTlb) -> done. Undefined for other operations. */
export function defineFloat(
  module: Module,
  operation: Operation,
  helpers: ReadonlyMap<string, number>,
): number | undefined {
  if ('marker' in operation) return undefined;
  const { action } = operation.instruction;
  if (action.k !== 'float' && action.k !== 'float-load' && action.k !== 'float-store') return undefined;
  return module.define({ parameters: ['i32', 'i32'], results: ['i32'] }, (code) => {
    if (action.k === 'float') compute(code, action.operation, helpers);
    else access(code, action.k === 'float-load', action.width);
    code.i32(1);
  });
}

function compute(code: Code, operation: FloatOperation, helpers: ReadonlyMap<string, number>): void {
  const operands = operation.operands.map((kind, i) => loadOperand(code, kind, i));
  const site: FloatSite = {
    code,
    scratch: new Scratch(code),
    push: (i) => code.get(operands[i]),
    write: (value) =>
      writeRd(code, () => {
        value();
        if (operation.result === 's') boxed(code);
        else if (operation.result === 'd') code.op('i64.reinterpret_f64');
      }),
    mode: () => code.get(RECORD).memory('i32.load', IMM).i32(MODE_MASK).op('i32.and'),
    giveUp: () => giveUp(code),
    helper: (name) => helpers.get(name)!,
    // So that the module is the same on every host; regions use what the host has.
    fused: false,
  };
  emitFloat(site, operation);
}

/** A new local with an operand's value. */
function loadOperand(code: Code, kind: FloatKind, index: number): number {
  const local = code.local(valueTypes[kind]);
  if (kind === 'x') {
    pushRegister(code, RECORD, RS1);
  } else if (kind === 'd') {
    pushFloatRegister(code, index).op('f64.reinterpret_i64');
  } else {
    const bits = code.local('i64');
    pushFloatRegister(code, index).set(bits);
    pushUnboxed(code, bits);
  }
  code.set(local);
  return local;
}

/** Pushes the bits of rs1, rs2 or rs3 (0, 1, 2). */
function pushFloatRegister(code: Code, index: number): Code {
  if (index < 2) registerOffset(code, RECORD, index === 0 ? RS1 : RS2);
  else code.get(RECORD).memory('i32.load', IMM).i32(RS3_OFFSET).op('i32.and');
  return code.memory('i64.load', at.F_REGISTERS);
}

/** A load or store, if the TLB has the page. */
function access(code: Code, isLoad: boolean, width: 4 | 8): void {
  const [address, entry] = [code.local('i64'), code.local('i32')];
  requireUnit({ code, giveUp: () => giveUp(code) }, isLoad);
  pushRegister(code, RECORD, RS1).get(RECORD).memory('i64.load32_s', IMM).op('i64.add').set(address);
  dataEntry(code, address, DATA_TLB)
    .tee(entry)
    .memory('i64.load', isLoad ? at.LOAD_TAG : at.STORE_TAG);
  code.get(address).i64(tagMask(width)).op('i64.and', 'i64.ne');
  code.if(() => giveUp(code));
  const pushHost = () => code.get(address).op('i32.wrap_i64').get(entry).memory('i32.load', at.ADDEND).op('i32.add');
  if (isLoad) {
    writeRd(code, () => {
      pushHost();
      if (width === 8) code.memory('i64.load');
      else boxed(code.memory('f32.load'));
    });
  } else {
    pushHost();
    pushFloatRegister(code, 1).memory(storeOps[width]);
  }
}

/** Writes an i64; the record says where, be it an integer or a floating-point register. */
function writeRd(code: Code, value: () => void): void {
  registerOffset(code, RECORD, RD);
  value();
  code.memory('i64.store', at.X_REGISTERS);
}

function giveUp(code: Code): void {
  code.i32(0).op('return');
}
