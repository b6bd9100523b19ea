/** LR, SC and AMO for the case that the TLB has the page: in the interpreter a generated function each, in regions inline. */
import type { Action } from '../isa/semantics';
import type { Code } from '../wasm/code';
import type { Module } from '../wasm/module';
import type { Arithmetic } from './expression';
import { compileExpr } from './expression';
import * as at from './layout';
import { dataEntry, loadOps, pushRegister, registerOffset, storeOps, tagMask } from './operand-access';
import type { Operation } from './record';
import { RD, RS1, RS2 } from './record';

export type AtomicAction = Action & { readonly k: 'atomic' | 'load-reserved' | 'store-conditional' };

export function isAtomic(action: Action): action is AtomicAction {
  return action.k === 'atomic' || action.k === 'load-reserved' || action.k === 'store-conditional';
}

/** How an atomic instruction gets at its operands. */
export interface AtomicOperands {
  /** Pushes rs1 or rs2. */
  x(operand: 'rs1' | 'rs2'): void;
  /** Writes the value that `value` pushes. */
  writeRd(value: () => void): void;
  /** The local that holds the data TLB's address. */
  readonly dataTlb: number;
  /** Leaves when the i32 on the stack is not zero, which says that the TLB has not the page, or the address is misaligned. */
  leaveIf(address: number): void;
}

/** Writes an atomic instruction's code. */
export function emitAtomic(code: Code, action: AtomicAction, operands: AtomicOperands, arithmetic: Arithmetic): void {
  const [address, old, entry, host] = [code.local('i64'), code.local('i64'), code.local('i32'), code.local('i32')];
  const tag = action.k === 'load-reserved' ? at.LOAD_TAG : at.STORE_TAG;
  const load = loadOps[action.width][0];
  operands.x('rs1');
  code.set(address);
  dataEntry(code, address, operands.dataTlb).tee(entry).memory('i64.load', tag);
  code.get(address).i64(tagMask(action.width)).op('i64.and', 'i64.ne');
  operands.leaveIf(address);
  code.get(address).op('i32.wrap_i64').get(entry).memory('i32.load', at.ADDEND).op('i32.add').set(host);
  if (action.k === 'load-reserved') {
    code.i32(0).get(host).memory('i32.store', at.RESERVATION);
    code.i32(0).get(host).memory(load).tee(old).memory('i64.store', at.RESERVED_VALUE);
    operands.writeRd(() => code.get(old));
  } else if (action.k === 'store-conditional') {
    code.i32(0).memory('i32.load', at.RESERVATION).get(host).op('i32.eq');
    code.get(host).memory(load).i32(0).memory(load, at.RESERVED_VALUE).op('i64.eq', 'i32.and').tee(entry);
    code.if(() => {
      code.get(host);
      operands.x('rs2');
      code.memory(storeOps[action.width]);
    });
    code.i32(0).i32(-1).memory('i32.store', at.RESERVATION);
    operands.writeRd(() => code.get(entry).op('i32.eqz', 'i64.extend_i32_u'));
  } else {
    code.get(host).memory(load).set(old);
    code.get(host);
    const source = { x: operands.x.bind(operands), old: () => code.get(old), imm: unused, pc: unused };
    compileExpr(code, action.result, source, arithmetic);
    code.memory(storeOps[action.width]);
    operands.writeRd(() => code.get(old));
  }
}

/**
 * One function per atomic instruction, (record, dataTlb) -> done: it does the instruction if the TLB has the page for
 * it, or the walk finds it, and otherwise leaves it to the slow path. Undefined for other operations.
 * @param walk the function of `defineDataWalk`
 */
export function defineAtomic(
  module: Module,
  operation: Operation,
  arithmetic: Arithmetic,
  walk: number,
): number | undefined {
  if ('marker' in operation) return undefined;
  const { action } = operation.instruction;
  if (!isAtomic(action)) return undefined;
  return module.define({ parameters: ['i32', 'i32'], results: ['i32'] }, (code) => {
    const [record, dataTlb] = [0, 1];
    const operands: AtomicOperands = {
      x: (operand) => pushRegister(code, record, operand === 'rs1' ? RS1 : RS2),
      writeRd: (value) => {
        registerOffset(code, record, RD);
        value();
        code.memory('i64.store', at.X_REGISTERS);
      },
      dataTlb,
      leaveIf: (address) =>
        code.if(() => {
          const giveUp = () => code.i32(0).op('return');
          code
            .get(address)
            .op('i32.wrap_i64')
            .i32(action.width - 1)
            .op('i32.and')
            .if(giveUp);
          code
            .get(address)
            .get(dataTlb)
            .i32(action.k === 'load-reserved' ? 0 : 1)
            .call(walk)
            .op('i32.eqz')
            .if(giveUp);
        }),
    };
    emitAtomic(code, action, operands, arithmetic);
    code.i32(1);
  });
}

function unused(): never {
  throw new Error('an atomic operation uses neither pc nor an immediate');
}
