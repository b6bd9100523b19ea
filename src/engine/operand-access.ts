/** How generated code gets at a record's registers and at the TLBs' entries. */
import type { Width } from '../isa/semantics';
import type { Code } from '../wasm/code';
import type { MemoryOp } from '../wasm/opcodes';
import * as at from './layout';
import { RD } from './record';

export const loadOps: Record<Width, readonly [signed: MemoryOp, unsigned: MemoryOp]> = {
  1: ['i64.load8_s', 'i64.load8_u'],
  2: ['i64.load16_s', 'i64.load16_u'],
  4: ['i64.load32_s', 'i64.load32_u'],
  8: ['i64.load', 'i64.load'],
};
export const storeOps: Record<Width, MemoryOp> = {
  1: 'i64.store8',
  2: 'i64.store16',
  4: 'i64.store32',
  8: 'i64.store',
};
/** Bits of an address that must equal a TLB tag: the page, and zeros where a misaligned address has ones. */
export const tagMask = (width: Width) => ~0xfffn | BigInt(width - 1);

/** Pushes the address of a register that a record names. */
export function registerOffset(code: Code, record: number, field: number): Code {
  return code.get(record).memory(field === RD ? 'i32.load16_u' : 'i32.load8_u', field);
}

export function pushRegister(code: Code, record: number, field: number): Code {
  return registerOffset(code, record, field).memory('i64.load', at.X_REGISTERS);
}

/** Pushes the data TLB entry for the address in the local. */
export function dataEntry(code: Code, address: number, dataTlb: number): Code {
  return tlbEntry(code, address, dataTlb, at.DATA_ENTRIES, at.DATA_ENTRY_SIZE);
}

/** Pushes the fetch TLB's entry for the address in the local. */
export function fetchEntry(code: Code, address: number, fetchTlb: number): Code {
  return tlbEntry(code, address, fetchTlb, at.FETCH_ENTRIES, at.FETCH_ENTRY_SIZE);
}

function tlbEntry(code: Code, address: number, tlb: number, entries: number, size: number): Code {
  code
    .get(address)
    .op('i32.wrap_i64')
    .i32(12 - Math.log2(size))
    .op('i32.shr_u');
  return code
    .i32((entries - 1) * size)
    .op('i32.and')
    .get(tlb)
    .op('i32.add');
}
