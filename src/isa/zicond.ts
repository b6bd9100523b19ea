/** Zicond: conditional operations (Unprivileged, chapter "Zicond"). */
import { fields, masks, opcodes } from './encoding';
import type { ExtensionEntry } from './extension-table';
import { extensionTable } from './extension-table';
import type { CompareOp } from './semantics';
import { compare, constant, rs1, rs2, select } from './semantics';

const entry = (name: string, funct3: number, zeroWhen: CompareOp, summary: string): ExtensionEntry => ({
  name,
  match: fields(opcodes.op, funct3, 0x07),
  mask: masks.funct7,
  format: 'R',
  action: { k: 'compute', value: select(compare(zeroWhen, rs2, constant(0)), constant(0), rs1) },
  summary,
});

export const zicond = extensionTable('Zicond', { onByDefault: false }, [
  entry('czero.eqz', 5, 'eq', 'Sets rd to 0 if rs2 is zero, else to rs1.'),
  entry('czero.nez', 7, 'ne', 'Sets rd to 0 if rs2 is not zero, else to rs1.'),
]);
