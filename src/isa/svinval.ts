/** Svinval: SFENCE.VMA in parts, so that many can be under way at once (Privileged, chapter "Svinval"). */
import { masks } from './encoding';
import type { ExtensionEntry } from './extension-table';
import { extensionTable } from './extension-table';
import type { Format } from './instruction';
import type { SystemOp } from './semantics';

const entry = (op: SystemOp, match: number, mask: number, format: Format, summary: string): ExtensionEntry => ({
  name: op,
  match,
  mask,
  format,
  action: { k: 'system', op },
  summary,
});

export const svinval = extensionTable('Svinval', { onByDefault: false }, [
  entry(
    'sinval.vma',
    0x16000073,
    masks.funct7Rd,
    'sfence',
    'Drops cached translations of the address in rs1 (all if x0) in the address space in rs2 (all if x0), between sfence.w.inval and sfence.inval.ir.',
  ),
  entry(
    'sfence.w.inval',
    0x18000073,
    masks.whole,
    'none',
    'Orders earlier stores to page tables before the sinval.vma that follow.',
  ),
  entry(
    'sfence.inval.ir',
    0x18100073,
    masks.whole,
    'none',
    'Orders earlier sinval.vma before the memory accesses and fetches that follow.',
  ),
]);
