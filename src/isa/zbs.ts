/** Zbs: single bits (Bit-Manipulation 1.4). */
import { fields, masks, opcodes } from './encoding';
import type { ExtensionEntry } from './extension-table';
import { extensionTable } from './extension-table';
import type { Expr } from './semantics';
import { binary, constant, imm, rs1, rs2 } from './semantics';

/** The instruction with the bit's number in rs2, and that with the number as a constant. */
function pair(
  name: string,
  funct3: number,
  funct7: number,
  value: (bit: Expr) => Expr,
  effect: string,
): ExtensionEntry[] {
  const action = (bit: Expr): ExtensionEntry['action'] => ({ k: 'compute', value: value(bit) });
  return [
    {
      name,
      match: fields(opcodes.op, funct3, funct7),
      mask: masks.funct7,
      format: 'R',
      action: action(rs2),
      summary: `${effect} that the low six bits of rs2 name.`,
    },
    {
      name: `${name}i`,
      match: fields(opcodes.opImm, funct3, funct7),
      mask: masks.funct6,
      format: 'shift64',
      action: action(imm),
      summary: `${effect} that a constant names.`,
    },
  ];
}

const only = (bit: Expr): Expr => binary('shl', constant(1), bit);

export const zbs = extensionTable('Zbs', { onByDefault: true }, [
  ...pair(
    'bclr',
    1,
    0x24,
    (bit) => binary('and', rs1, binary('xor', only(bit), constant(-1))),
    'Sets rd to rs1 without the bit',
  ),
  ...pair('bext', 5, 0x24, (bit) => binary('and', binary('shru', rs1, bit), constant(1)), 'Sets rd to the bit of rs1'),
  ...pair('binv', 1, 0x34, (bit) => binary('xor', rs1, only(bit)), 'Sets rd to rs1 with the opposite of the bit'),
  ...pair('bset', 1, 0x14, (bit) => binary('or', rs1, only(bit)), 'Sets rd to rs1 together with the bit'),
]);
