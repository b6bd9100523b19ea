/** Zifencei: the instruction-fetch fence (Unprivileged 3). Its reserved fields are ignored. */
import { fields, masks, opcodes } from './encoding';
import type { Instruction } from './instruction';

export const zifencei: readonly Instruction[] = [
  {
    name: 'fence.i',
    extension: 'Zifencei',
    match: fields(opcodes.miscMem, 1),
    mask: masks.funct3,
    format: 'none',
    // Stale code is dropped as soon as its memory is written.
    action: { k: 'fence' },
    summary: 'Makes earlier stores to instruction memory visible to the instruction fetches of this hart.',
  },
];
