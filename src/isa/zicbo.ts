/** Zicbom and Zicboz: operations on cache blocks of 64 bytes (Cache-Block Management 2). */
import { fields, opcodes, masks } from './encoding';
import type { ExtensionEntry } from './extension-table';
import { extensionTable } from './extension-table';
import type { SystemOp } from './semantics';

const entry = (op: SystemOp, selector: number, summary: string): ExtensionEntry => ({
  name: op,
  match: (fields(opcodes.miscMem, 2) | (selector << 20)) >>> 0,
  mask: masks.blockOperation,
  format: 'block',
  action: { k: 'system', op },
  summary,
});

export const zicbom = extensionTable('Zicbom', { onByDefault: false }, [
  entry('cbo.inval', 0, 'Drops the copies of the 64-byte block at rs1 that caches hold.'),
  entry('cbo.clean', 1, 'Writes changed copies of the 64-byte block at rs1 back to memory.'),
  entry('cbo.flush', 2, 'Writes changed copies of the 64-byte block at rs1 back to memory and drops them.'),
]);

export const zicboz = extensionTable('Zicboz', { onByDefault: false }, [
  entry('cbo.zero', 4, 'Stores zeros to the 64-byte block that holds the address in rs1.'),
]);
