/**
 * SRET in generated code (Privileged 3.1.6.1, 4.1.1): a kernel ends each trap with it. Where an interrupt pends, or the TLBs of the mode to
 * return to are not known, it is for the slow path.
 */
import type { Module } from '../wasm/module';
import { countDone } from './fence';
import * as at from './layout';
import type { Operation } from './record';
import { JUMP } from './slow-path-calls';
import { INTERRUPTS_CELL, MPRV, MXR, S_MODE, SIE, SPIE, SPP, STATUS_CELL, SUM, TSR } from './status-access';

const SEPC = at.CSR_VALUES + 8 * 0x141;
const SPP_SHIFT = Math.log2(SPP);

export function isSupervisorReturn(operation: Operation): boolean {
  if ('marker' in operation) return false;
  const { action } = operation.instruction;
  return action.k === 'system' && action.op === 'sret';
}

/** As a function of the slow path, (record) -> status. @param slow the slow path's own */
export function defineSupervisorReturn(module: Module, slow: number): number {
  return module.define({ parameters: ['i32'], results: ['i32'] }, (code) => {
    const record = 0;
    const [status, isSupervisor] = [code.local('i32'), code.local('i32')];
    const [fetch, data] = [code.local('i32'), code.local('i32')];
    const giveUp = () => code.get(record).call(slow).op('return');
    const place = (number: number) => code.i32(8 * number);
    code.i32(0).memory('i32.load', STATUS_CELL).tee(status);
    code.i32(TSR | MXR).op('i32.and');
    code.i32(0).memory('i32.load', at.PRIVILEGE).i32(S_MODE).op('i32.ne', 'i32.or');
    code.i32(0).memory('i32.load', INTERRUPTS_CELL).op('i32.or').if(giveUp);
    code.get(status).i32(SPP_SHIFT).op('i32.shr_u').i32(1).op('i32.and').set(isSupervisor);
    place(at.SUPERVISOR_TLBS);
    place(at.USER_TLBS);
    code
      .get(isSupervisor)
      .op('select')
      .memory('i32.load', at.MODE_TLBS + 4)
      .tee(fetch)
      .op('i32.eqz')
      .if(giveUp);
    place(at.SUM_TLBS);
    place(at.SUPERVISOR_TLBS);
    code.get(status).i32(SUM).op('i32.and', 'select');
    place(at.USER_TLBS);
    code.get(isSupervisor).op('select').memory('i32.load', at.MODE_TLBS).tee(data).op('i32.eqz').if(giveUp);
    code.i32(0).get(data).memory('i32.store', at.DATA_TLB);
    code.i32(0).get(fetch).memory('i32.store', at.FETCH_TLB);
    code.i32(0).get(isSupervisor).memory('i32.store', at.PRIVILEGE);
    code
      .i32(0)
      .get(status)
      .i32(~(SIE | SPP | MPRV))
      .op('i32.and')
      .i32(SPIE)
      .op('i32.or');
    code.i32(SIE).i32(0).get(status).i32(SPIE).op('i32.and', 'select', 'i32.or').memory('i32.store', STATUS_CELL);
    code.i32(0).i32(0).memory('i64.load', SEPC).i64(-2n).op('i64.and').memory('i64.store', at.PC);
    countDone(code);
    code.i32(JUMP);
  });
}
