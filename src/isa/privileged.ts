/** The instructions that the privileged architecture 1.12 adds (Privileged 3.3 and 4.2). */
import { masks } from './encoding';
import type { Format, Instruction } from './instruction';
import type { SystemOp } from './semantics';

const entry = (op: SystemOp, match: number, mask: number, format: Format, summary: string): Instruction => ({
  name: op,
  extension: 'Priv',
  match,
  mask,
  format,
  action: { k: 'system', op },
  summary,
});

export const privileged: readonly Instruction[] = [
  entry(
    'sret',
    0x10200073,
    masks.whole,
    'none',
    'Returns from a trap taken in S-mode: to the mode in sstatus.SPP, at the address in sepc.',
  ),
  entry(
    'mret',
    0x30200073,
    masks.whole,
    'none',
    'Returns from a trap taken in M-mode: to the mode in mstatus.MPP, at the address in mepc.',
  ),
  entry('wfi', 0x10500073, masks.whole, 'none', 'Waits until an interrupt is pending.'),
  entry(
    'sfence.vma',
    0x12000073,
    masks.funct7Rd,
    'sfence',
    'Makes page-table changes take effect: drops cached translations of the address in rs1 (all if x0) in the address space in rs2 (all if x0).',
  ),
];
