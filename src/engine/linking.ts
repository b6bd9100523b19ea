/** Two of the interpreter's calls to the slow path, done by generated code where the fetch TLB has the page. */
import type { Code } from '../wasm/code';
import type { Module } from '../wasm/module';
import * as at from './layout';
import { fetchEntry } from './operand-access';
import type { RecordFunctions } from './record-code';
import { pushPageOfSlotTable } from './record-code';
import { IMM, PC_OFFSET, TARGET } from './record';
import { slowPathTypes } from './slow-path-calls';

const PAGE = ~0xfffn;
const PAGE_SIZE = 0x1000;
const RECORD = 0;

/** As `SlowPath.link`: the record that a near branch leads to, decoded now, and noted in the branch's own record. */
export function defineLink(module: Module, { decodeTrace }: RecordFunctions, slowLink: number): number {
  return module.define(slowPathTypes.link, (code) => {
    const [pc, slots, to, target] = [code.local('i64'), code.local('i32'), code.local('i32'), code.local('i32')];
    code.i32(0).memory('i64.load', at.PC).set(pc);
    whenKnown(code, pc, slots, () => {
      code.get(RECORD).memory('i32.load16_u', PC_OFFSET).i32(-2).op('i32.and');
      code.get(RECORD).memory('i32.load', IMM).op('i32.add').set(to);
      code.get(to).i32(1).op('i32.shl').get(slots).op('i32.add').memory('i32.load').tee(target).op('i32.eqz');
      code.if(() => code.get(slots).get(to).call(decodeTrace).set(target));
      code.get(target).if(() => {
        code.get(RECORD).get(target).memory('i32.store', TARGET);
        code.i32(0).i32(0).memory('i32.load', at.BUDGET).i32(1).op('i32.sub').memory('i32.store', at.BUDGET);
        code.get(target).op('return');
      });
    });
    code.get(RECORD).call(slowLink);
  });
}

/** As `SlowPath.cross`: the record of the instruction at the end of a page, of which the second half is in the next one. */
export function defineCross(module: Module, { decodeScratch }: RecordFunctions, slowCross: number): number {
  return module.define(slowPathTypes.cross, (code) => {
    const [pc, slots, page] = [code.local('i64'), code.local('i32'), code.local('i32')];
    code.i32(0).memory('i64.load', at.PC).i64(2n).op('i64.add').set(pc);
    whenKnown(code, pc, slots, () => {
      pushPageOfSlotTable(code, slots).tee(page);
      code.if(() => {
        code.get(RECORD).memory('i32.load16_u', IMM);
        code.get(page).memory('i32.load16_u').i32(16).op('i32.shl', 'i32.or');
        code
          .i32(PAGE_SIZE - 2)
          .call(decodeScratch)
          .op('return');
      });
    });
    code.get(RECORD).call(slowCross);
  });
}

/** Does something when the fetch TLB has the page of this address; `slots` is its slot table then. */
function whenKnown(code: Code, address: number, slots: number, then: () => void): void {
  const [tlb, entry] = [code.local('i32'), code.local('i32')];
  code.i32(0).memory('i32.load', at.FETCH_TLB).set(tlb);
  fetchEntry(code, address, tlb).tee(entry).memory('i64.load').get(address).i64(PAGE).op('i64.and', 'i64.eq');
  code.if(() => {
    code.get(entry).memory('i32.load', at.SLOTS).set(slots);
    then();
  });
}
