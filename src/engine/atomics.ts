/** LR, SC and AMO: a generated function each, for the case that the TLB has the page. */
import type { Module } from '../wasm/module';
import type { Arithmetic } from './expression';
import { compileExpr } from './expression';
import * as at from './layout';
import { dataEntry, loadOps, pushRegister, registerOffset, storeOps, tagMask } from './operand-access';
import type { Operation } from './record';
import { RD, RS1, RS2 } from './record';

/**
 * One function per atomic instruction, (record, dataTlb) -> done: it does the instruction if the TLB has the page for
 * it, and otherwise leaves it to the slow path. Undefined for other operations.
 */
export function defineAtomic(module: Module, operation: Operation, arithmetic: Arithmetic): number | undefined {
  if ('marker' in operation) return undefined;
  const { action } = operation.instruction;
  if (action.k !== 'atomic' && action.k !== 'load-reserved' && action.k !== 'store-conditional') return undefined;
  return module.define({ parameters: ['i32', 'i32'], results: ['i32'] }, (code) => {
    const [record, dataTlb] = [0, 1];
    const [address, old, entry, host] = [code.local('i64'), code.local('i64'), code.local('i32'), code.local('i32')];
    const tag = action.k === 'load-reserved' ? at.LOAD_TAG : at.STORE_TAG;
    const load = loadOps[action.width][0];
    const writeRd = (value: () => void) => {
      registerOffset(code, record, RD);
      value();
      code.memory('i64.store', at.X_REGISTERS);
    };
    pushRegister(code, record, RS1).set(address);
    dataEntry(code, address, dataTlb).tee(entry).memory('i64.load', tag);
    code.get(address).i64(tagMask(action.width)).op('i64.and', 'i64.ne');
    code.if(() => code.i32(0).op('return'));
    code.get(address).op('i32.wrap_i64').get(entry).memory('i32.load', at.ADDEND).op('i32.add').set(host);
    if (action.k === 'load-reserved') {
      code.i32(0).get(host).memory('i32.store', at.RESERVATION);
      code.i32(0).get(host).memory(load).tee(old).memory('i64.store', at.RESERVED_VALUE);
      writeRd(() => code.get(old));
    } else if (action.k === 'store-conditional') {
      code.i32(0).memory('i32.load', at.RESERVATION).get(host).op('i32.eq');
      code.get(host).memory(load).i32(0).memory(load, at.RESERVED_VALUE).op('i64.eq', 'i32.and');
      code.if(
        () => {
          code.get(host);
          pushRegister(code, record, RS2).memory(storeOps[action.width]);
          writeRd(() => code.i64(0n));
        },
        () => writeRd(() => code.i64(1n)),
      );
      code.i32(0).i32(-1).memory('i32.store', at.RESERVATION);
    } else {
      code.get(host).memory(load).set(old);
      code.get(host);
      compileExpr(
        code,
        action.result,
        {
          x: (operand) => pushRegister(code, record, operand === 'rs1' ? RS1 : RS2),
          old: () => code.get(old),
          imm: unused,
          pc: unused,
        },
        arithmetic,
      );
      code.memory(storeOps[action.width]);
      writeRd(() => code.get(old));
    }
    code.i32(1);
  });
}

function unused(): never {
  throw new Error('an atomic operation uses neither pc nor an immediate');
}
