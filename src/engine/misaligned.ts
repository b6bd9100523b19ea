/** Misaligned loads and stores in generated code: those in pages that the data TLB has, or a walk finds. */
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

/**
 * (record, va, dataTlb, isStore) -> whether the access is done; a store's value lies in EXCHANGE.
 * @param walk the function of `defineDataWalk`, for the second page; the first one's is made before
 */
export function defineMisaligned(module: Module, walk: number): number {
  return module.define({ parameters: ['i32', 'i64', 'i32', 'i32'], results: ['i32'] }, (code) => {
    const [kind, width, entry, host] = [code.local('i32'), code.local('i32'), code.local('i32'), code.local('i32')];
    const [inFirst, second] = [code.local('i32'), code.local('i32')];
    const [next, done, byte] = [code.local('i64'), code.local('i32'), code.local('i32')];
    const giveUp = () => code.i32(0).op('return');
    code.get(RECORD).memory('i32.load16_u', OP).memory('i32.load8_u', at.ACCESS_KINDS).set(kind);
    /** Pushes whether the TLB has not the page of an address for this access; its entry is in `entry` then. */
    const pushMisses = (va: number) => {
      dataEntry(code, va, TLB).tee(entry).get(IS_STORE).i32(Math.log2(at.STORE_TAG)).op('i32.shl', 'i32.add');
      return code.memory('i64.load', at.LOAD_TAG).get(va).i64(~OFFSET).op('i64.and', 'i64.ne');
    };
    const pushHost = (va: number) =>
      code.get(va).op('i32.wrap_i64').get(entry).memory('i32.load', at.ADDEND).op('i32.add');
    pushMisses(VA).if(giveUp);
    pushHost(VA).set(host);
    code.i32(PAGE_SIZE).get(VA).op('i32.wrap_i64').i32(Number(OFFSET)).op('i32.and', 'i32.sub').tee(inFirst);
    code.get(kind).i32(WIDTH).op('i32.and').tee(width).op('i32.lt_u');
    code.if(() => {
      code.get(VA).i64(~OFFSET).op('i64.and').i64(BigInt(PAGE_SIZE)).op('i64.add').set(next);
      pushMisses(next).if(() => code.get(next).get(TLB).get(IS_STORE).call(walk).op('i32.eqz').if(giveUp));
      pushHost(next).get(inFirst).op('i32.sub').set(second);
      code.loop((more) => {
        // One byte, between its place and that in EXCHANGE.
        code.get(host).get(second).get(done).get(inFirst).op('i32.lt_u', 'select').get(done).op('i32.add').set(byte);
        code.get(IS_STORE).if(
          () => code.get(byte).get(done).memory('i32.load8_u', at.EXCHANGE).memory('i32.store8'),
          () => code.get(done).get(byte).memory('i32.load8_u').memory('i32.store8', at.EXCHANGE),
        );
        code.get(done).i32(1).op('i32.add').tee(done).get(width).op('i32.lt_u').brIf(more);
      });
      code.get(IS_STORE).if(() => code.i32(1).op('return'));
      code.i32(at.EXCHANGE).set(host);
    });
    const each = (access: (width: Width, signed: 0 | 1) => void) => {
      for (const width of [8, 4, 2] as const) {
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
