/** What to do about uses of stale translations: stop, tell each once, or nothing. */
import { explainStale } from './explain/explain-stale';
import type { StaleRecord } from './explain/explain-stale';
import type { SymbolSpace } from './symbol-space';

export type StaleMode = 'stop' | 'log' | 'ignore';

/** Different ones that are told: a kernel with more has a mistake that one of them shows. */
const MOST_TOLD = 50;

export class StaleWatch {
  private readonly told = new Set<string>();

  constructor(
    readonly mode: StaleMode,
    private readonly tell: (text: string) => void,
  ) {}

  /** A use, which is not done yet. */
  judge(record: StaleRecord, symbols: () => SymbolSpace): 'go' | 'stop' {
    if (this.mode === 'stop') return 'stop';
    const key = `${record.pc} ${record.writerPc} ${record.access}`;
    if (this.mode === 'ignore' || this.told.has(key) || this.told.size > MOST_TOLD) return 'go';
    this.told.add(key);
    const isLast = this.told.size > MOST_TOLD;
    this.tell(isLast ? 'Further stale translations are not told.' : explainStale(record, symbols()));
    return 'go';
  }
}
