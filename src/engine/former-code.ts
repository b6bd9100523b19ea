/**
 * Pages that were decoded and are data now. Each store to a page of code takes the slow path, also where it hits no instruction: memory
 * that a kernel has freed and used anew would stay slow for ever. So a page that is stored to again and again, but where nothing
 * is decoded, is put to sleep: its code is dropped, stores are free, and it wakes when it is executed again. A page of code and
 * data falls asleep less and less often.
 */

/** Stores that hit no code before a page falls asleep for the first time; each time it takes twice as many. */
const FIRST_STORES = 16;

export class FormerCode {
  /** HPAs of pages that sleep. */
  private readonly asleep = new Set<number>();
  /** By the HPA of a page: the stores that it still bears, and those that it bears next time. */
  private readonly patience = new Map<number, { left: number; next: number }>();

  isAsleep(hpaPage: number): boolean {
    return this.asleep.has(hpaPage);
  }

  /** A store to the page hit no code. @returns whether the page falls asleep */
  fallsAsleep(hpaPage: number): boolean {
    let patience = this.patience.get(hpaPage);
    if (!patience) this.patience.set(hpaPage, (patience = { left: FIRST_STORES, next: 2 * FIRST_STORES }));
    if (--patience.left > 0) return false;
    patience.left = patience.next;
    patience.next *= 2;
    this.asleep.add(hpaPage);
    return true;
  }

  /** The page is executed. @returns whether it was asleep */
  wake(hpaPage: number): boolean {
    return this.asleep.delete(hpaPage);
  }

  /** No page is code any more. */
  clear(): void {
    this.asleep.clear();
    this.patience.clear();
  }
}
