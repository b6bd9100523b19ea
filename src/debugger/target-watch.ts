/** Notices when targets begin or cease to be able to execute: guests that end, are held or released, processors that start. */
import type { System } from './systems/system';

export class TargetWatch {
  private known: string;

  /** @param tell called when it is not as it was */
  constructor(
    private readonly system: System,
    private readonly tell: () => void,
  ) {
    this.known = this.look();
  }

  /** To be called whenever it may have changed, such as between slices. */
  check(): void {
    const now = this.look();
    if (now === this.known) return;
    this.known = now;
    this.tell();
  }

  private look(): string {
    return this.system.targets.map(({ standstill }) => standstill ?? '').join();
  }
}
