/** Zicbom and Zicboz: operations on cache blocks of 64 bytes (Cache-Block Management 2). */
import { fields, opcodes, masks } from './encoding';
import type { Instruction } from './instruction';
import type { SystemOp } from './semantics';

const entry = (op: SystemOp, extension: 'Zicbom' | 'Zicboz', selector: number, summary: string): Instruction => ({
  name: op,
  extension,
  match: (fields(opcodes.miscMem, 2) | (selector << 20)) >>> 0,
  mask: masks.blockOperation,
  format: 'block',
  action: { k: 'system', op },
  summary,
});

export const zicbo: readonly Instruction[] = [
  entry('cbo.inval', 'Zicbom', 0, 'Drops the copies of the 64-byte block at rs1 that caches hold.'),
  entry('cbo.clean', 'Zicbom', 1, 'Writes changed copies of the 64-byte block at rs1 back to memory.'),
  entry('cbo.flush', 'Zicbom', 2, 'Writes changed copies of the 64-byte block at rs1 back to memory and drops them.'),
  entry('cbo.zero', 'Zicboz', 4, 'Stores zeros to the 64-byte block that holds the address in rs1.'),
];
