/**
 * SFENCE.VMA and SINVAL.VMA for one address in generated code: kernels do so with each page that they map. All else, as an address in a
 * superpage, is for the slow path.
 */
import type { Code } from '../wasm/code';
import type { Module } from '../wasm/module';
import * as at from './layout';
import { pushRegister } from './operand-access';
import type { Operation } from './record';
import { PC_OFFSET, RS1 } from './record';
import { JUMP, NEXT } from './slow-path-calls';

const S_MODE = 1;
/** mstatus.TVM, which makes it trap in S-mode (Privileged 3.1.6.5). */
const TVM = 1 << 20;
const STATUS = at.CSR_VALUES + 8 * 0x300;
const PAGE_BITS = 12n;

export function isFence(operation: Operation): boolean {
  if ('marker' in operation) return false;
  const { action } = operation.instruction;
  return action.k === 'system' && (action.op === 'sfence.vma' || action.op === 'sinval.vma');
}

/** As a function of the slow path, (record) -> status. @param mayHave that of `superpages.ts` @param slow the slow path's own */
export function defineFence(module: Module, mayHave: number, slow: number): number {
  return module.define({ parameters: ['i32'], results: ['i32'] }, (code) => {
    const record = 0;
    const [va, entry, left] = [code.local('i64'), code.local('i32'), code.local('i32')];
    const giveUp = () => code.get(record).call(slow).op('return');
    code.get(record).memory('i32.load8_u', RS1).op('i32.eqz').if(giveUp);
    const pushPrivilege = () => code.i32(0).memory('i32.load', at.PRIVILEGE);
    pushPrivilege().op('i32.eqz').if(giveUp);
    code.i32(0).memory('i32.load', STATUS).i32(TVM).op('i32.and', 'i32.eqz', 'i32.eqz');
    pushPrivilege().i32(S_MODE).op('i32.eq', 'i32.and').if(giveUp);
    pushRegister(code, record, RS1).tee(va).call(mayHave).if(giveUp);
    code.i32(0).i32(0).memory('i32.load', at.TLB_DROPS).i32(1).op('i32.add').memory('i32.store', at.TLB_DROPS);
    /** Drops the page from all TLBs of a kind that are in use; of all harts, which may be more than need be. */
    const drop = (tlbs: number, size: number, entries: number, entrySize: number, inUse: number) => {
      code.get(va).i64(PAGE_BITS).op('i64.shr_u', 'i32.wrap_i64');
      code
        .i32(entries - 1)
        .op('i32.and')
        .i32(entrySize)
        .op('i32.mul')
        .set(entry);
      code.i32(0).memory('i32.load', inUse).set(left);
      code.loop((next) => {
        code.get(entry).i64(-1n).memory('i64.store', tlbs);
        code
          .get(entry)
          .i64(-1n)
          .memory('i64.store', tlbs + 8);
        code.get(entry).i32(size).op('i32.add').set(entry);
        code.get(left).i32(1).op('i32.sub').tee(left).brIf(next);
      });
    };
    drop(at.DATA_TLBS, at.DATA_TLB_SIZE, at.DATA_ENTRIES, at.DATA_ENTRY_SIZE, at.DATA_TLBS_USED);
    drop(at.FETCH_TLBS, at.FETCH_TLB_SIZE, at.FETCH_ENTRIES, at.FETCH_ENTRY_SIZE, at.FETCH_TLBS_USED);
    // The interpreter keeps the record of the page that it is in.
    code.get(va).i32(0).memory('i64.load', at.PC).op('i64.xor').i64(PAGE_BITS).op('i64.shr_u', 'i64.eqz');
    code.if(() => {
      goOn(code, record);
      code.i32(JUMP).op('return');
    });
    code.i32(NEXT);
  });
}

/** Moves pc behind the record's instruction, and counts it. */
export function goOn(code: Code, record: number): void {
  code.i32(0).i32(0).memory('i64.load', at.PC).i64(4n);
  // Bit 0 of the offset is set for a 2-byte instruction.
  code.get(record).memory('i64.load16_u', PC_OFFSET).i64(1n).op('i64.and').i64(1n).op('i64.shl', 'i64.sub', 'i64.add');
  code.memory('i64.store', at.PC);
  countDone(code);
}

/** Counts an instruction. */
export function countDone(code: Code): void {
  code.i32(0).i32(0).memory('i32.load', at.BUDGET).i32(1).op('i32.sub').memory('i32.store', at.BUDGET);
}
