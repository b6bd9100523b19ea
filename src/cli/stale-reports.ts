/** Tells of stale translations on the terminal. What that needs is loaded when there is one. */
import type { ExitRecord, ExitRecordOf } from '../hypervisor/exit-record';
import type { System } from '../debugger/systems/system';
import type { StaleOption } from './option-values';

export class StaleReports {
  /** Told so far, and being told. */
  private done: Promise<unknown> = Promise.resolve();
  private part: Promise<(record: ExitRecordOf<'staleTranslation'>) => void> | undefined;
  private readonly seen = new Set<string>();
  /** The run was ended because of one. */
  hasStopped = false;

  constructor(
    private readonly mode: StaleOption,
    private readonly kernel: string,
  ) {}

  /** Looks at the system from now on. */
  watch(system: System): void {
    if (this.mode === 'ignore') return;
    system.watcher = {
      exitKinds: new Set(['staleTranslation']),
      onExit: (_target, record) => this.judge(record),
    };
  }

  /** To be awaited before the process ends. */
  async flush(): Promise<void> {
    await this.done;
  }

  private judge(record: ExitRecord): 'go' | 'stop' {
    if (record.kind !== 'staleTranslation') return 'go';
    // The same is told once; the part that tells it counts how many it tells.
    const key = `${record.pc} ${record.writerPc}`;
    if (!this.seen.has(key) && this.seen.size < MOST_SEEN) {
      this.seen.add(key);
      this.part ??= import('./statistics').then(({ staleTeller }) => staleTeller(this.kernel));
      const { part } = this;
      this.done = this.done.then(() => part).then((tell) => tell(record));
    }
    this.hasStopped = this.mode === 'stop';
    return this.mode === 'stop' ? 'stop' : 'go';
  }
}

const MOST_SEEN = 1000;
