/** Misaligned loads and stores in generated code: those within a page that the data TLB has. */
import type { Action, Width } from '../isa/semantics';
import type { Module } from '../wasm/module';
import * as at from './layout';
import { dataEntry, loadOps, registerOffset, storeOps } from './operand-access';
import type { Operation } from './record';
import { OP, operations, RD } from './record';

const WIDTH = 0x0f;
const SIGNED = 0x10;

/** The operations' kinds of access, a byte each: bytes, and whether a load extends the sign; 0 for those without. */
export function accessKinds(): Uint8Array {
  return Uint8Array.from(operations, kindOf);
}

function kindOf(operation: Operation): number {
  if ('marker' in operation) return 0;
  const { action }: { action: Action } = operation.instruction;
  if (action.k === 'load') return action.width | (action.signed ? SIGNED : 0);
  return action.k === 'store' ? action.width : 0;
}

const [RECORD, VA, TLB, IS_STORE] = [0, 1, 2, 3];
const OFFSET = 0xfffn;
const PAGE_SIZE = 0x1000;

/** (record, va, dataTlb, isStore) -> whether the access is done; a store's value lies in EXCHANGE. */
export function defineMisaligned(module: Module): number {
  return module.define({ parameters: ['i32', 'i64', 'i32', 'i32'], results: ['i32'] }, (code) => {
    const [kind, entry, host] = [code.local('i32'), code.local('i32'), code.local('i32')];
    const giveUp = () => code.i32(0).op('return');
    code.get(RECORD).memory('i32.load16_u', OP).memory('i32.load8_u', at.ACCESS_KINDS).set(kind);
    code.get(VA).op('i32.wrap_i64').i32(Number(OFFSET)).op('i32.and').get(kind).i32(WIDTH).op('i32.and', 'i32.add');
    code.i32(PAGE_SIZE).op('i32.gt_u').if(giveUp);
    dataEntry(code, VA, TLB).tee(entry).get(IS_STORE).i32(Math.log2(at.STORE_TAG)).op('i32.shl', 'i32.add');
    code.memory('i64.load', at.LOAD_TAG).get(VA).i64(~OFFSET).op('i64.and', 'i64.ne').if(giveUp);
    code.get(VA).op('i32.wrap_i64').get(entry).memory('i32.load', at.ADDEND).op('i32.add').set(host);
    const each = (access: (width: Width, signed: 0 | 1) => void) => {
      for (const width of [2, 4, 8] as const) {
        for (const signed of [0, 1] as const) {
          code
            .get(kind)
            .i32(width | (signed ? SIGNED : 0))
            .op('i32.eq');
          code.if(() => {
            access(width, signed);
            code.i32(1).op('return');
          });
        }
      }
    };
    code.get(IS_STORE).if(
      () =>
        each((width, signed) => {
          if (signed) return;
          code.get(host).i32(0).memory('i64.load', at.EXCHANGE).memory(storeOps[width]);
        }),
      () =>
        each((width, signed) => {
          registerOffset(code, RECORD, RD)
            .get(host)
            .memory(loadOps[width][signed ? 0 : 1]);
          code.memory('i64.store', at.X_REGISTERS);
        }),
    );
    code.i32(0);
  });
}
