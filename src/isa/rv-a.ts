/** A: load-reserved, store-conditional and atomic read-modify-write (Unprivileged 14). `aq` and `rl` are in the word. */
import { masks, fields, opcodes } from './encoding';
import type { Format, Instruction } from './instruction';
import type { Action, Expr } from './semantics';
import { binary, compare, old, rs2, select, sext32, zext32 } from './semantics';

type AtomicWidth = 4 | 8;

const bits = (width: AtomicWidth): string => (width === 4 ? '32-bit' : '64-bit');

const entry = (
  name: string,
  width: AtomicWidth,
  funct5: number,
  mask: number,
  format: Format,
  action: Action,
  summary: string,
): Instruction => ({
  name: `${name}.${width === 4 ? 'w' : 'd'}`,
  extension: 'A',
  match: fields(opcodes.amo, width === 4 ? 2 : 3, funct5 << 2),
  mask,
  format,
  action,
  summary,
});

/** What an AMO leaves in memory, given rs2 as the operand of its width, signed and unsigned, and the old value likewise. */
interface AmoOperands {
  readonly signed: Expr;
  readonly unsigned: Expr;
  readonly oldUnsigned: Expr;
}

const amoOperands = (width: AtomicWidth): AmoOperands =>
  width === 4
    ? { signed: sext32(rs2), unsigned: zext32(rs2), oldUnsigned: zext32(old) }
    : { signed: rs2, unsigned: rs2, oldUnsigned: old };

function atomics(width: AtomicWidth): Instruction[] {
  const { signed, unsigned, oldUnsigned } = amoOperands(width);
  const amo = (name: string, funct5: number, result: Expr, effect: string): Instruction =>
    entry(
      name,
      width,
      funct5,
      masks.funct5,
      'amo',
      { k: 'atomic', width, result },
      `Atomically ${effect} the ${bits(width)} value in memory at rs1; rd receives the old value.`,
    );
  return [
    entry(
      'lr',
      width,
      0x02,
      masks.funct5Rs2,
      'lr',
      { k: 'load-reserved', width },
      `Loads the ${bits(width)} value at rs1 into rd and reserves its address for a store-conditional.`,
    ),
    entry(
      'sc',
      width,
      0x03,
      masks.funct5,
      'amo',
      { k: 'store-conditional', width },
      `Stores the ${bits(width)} value of rs2 at rs1 if the reservation still holds; rd is 0 on success, else 1.`,
    ),
    amo('amoswap', 0x01, rs2, 'replaces with rs2'),
    amo('amoadd', 0x00, binary('add', old, rs2), 'adds rs2 to'),
    amo('amoxor', 0x04, binary('xor', old, rs2), 'exclusive-ors rs2 into'),
    amo('amoand', 0x0c, binary('and', old, rs2), 'ands rs2 into'),
    amo('amoor', 0x08, binary('or', old, rs2), 'ors rs2 into'),
    amo('amomin', 0x10, select(compare('lt', signed, old), rs2, old), 'stores the signed minimum of rs2 and'),
    amo('amomax', 0x14, select(compare('lt', old, signed), rs2, old), 'stores the signed maximum of rs2 and'),
    amo(
      'amominu',
      0x18,
      select(compare('ltu', unsigned, oldUnsigned), rs2, old),
      'stores the unsigned minimum of rs2 and',
    ),
    amo(
      'amomaxu',
      0x1c,
      select(compare('ltu', oldUnsigned, unsigned), rs2, old),
      'stores the unsigned maximum of rs2 and',
    ),
  ];
}

export const rvA: readonly Instruction[] = [...atomics(4), ...atomics(8)];
