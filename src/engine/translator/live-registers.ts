/** Integer registers whose values a region's code still reads. */
import { successors } from './edges';
import type { Block } from './region';
import { integerUse } from './registers';

/** For each block, the registers that it or those behind it read before they write them; as bits. @param order those that can be reached */
export function findLiveRegisters(blocks: readonly Block[], order: readonly number[]): number[] {
  const live = blocks.map(() => 0);
  for (let changed = true; changed;) {
    changed = false;
    for (const node of [...order].reverse()) {
      const after = successors(blocks[node]).reduce((set, to) => set | live[to], 0);
      const before = blocks[node].steps.reduceRight((set, { decoded }) => {
        const { reads, writes } = integerUse(decoded.instruction, decoded);
        return (set & ~writes) | reads;
      }, after);
      if (before === live[node]) continue;
      live[node] = before;
      changed = true;
    }
  }
  return live;
}
