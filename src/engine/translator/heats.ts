/** How often records are jumped to, before and while regions begin there. */
import * as at from '../layout';

/** A record that is not to be translated: it would have to be jumped to this often again. */
const COLD = -0x8000_0000;
/** A record that waits for its translation has this heat, and counts on from there; it is never reached by counting. */
const WAITING = -0x4000_0000;
/** What a waiting record counts up to at most: more jumps than a translation can take. */
const WAITING_END = -0x2000_0000;

export class Heats {
  private readonly words: Int32Array;
  /** What a record's heat is before it was ever jumped to. */
  private readonly initial: number;

  /** @param threshold jumps to a record before a region begins there */
  constructor(
    buffer: ArrayBuffer,
    private readonly threshold: number,
  ) {
    this.words = new Int32Array(buffer);
    this.initial = -threshold;
  }

  /** How often the record was jumped to; undefined when that is not known. */
  jumps(record: number): number | undefined {
    if (record === 0) return undefined;
    const heat = this.get(record);
    if (heat >= WAITING && heat < WAITING_END) return this.threshold;
    return heat > 0 || heat < this.initial ? undefined : heat - this.initial;
  }

  /** The index of the region that begins at the record; 0: none. */
  region(record: number): number {
    return Math.max(0, this.get(record));
  }

  setRegion(record: number, index: number): void {
    this.set(record, index);
  }

  /** As if it had never been jumped to. */
  reset(record: number): void {
    this.set(record, this.initial);
  }

  /** The next jump asks for a translation. */
  ask(record: number): void {
    this.set(record, 0);
  }

  /** No jump asks for a translation. */
  freeze(record: number): void {
    this.set(record, COLD);
  }

  /** A translation is on its way. */
  wait(record: number): void {
    this.set(record, WAITING);
  }

  /** Other regions hold the record's code, so that one shall begin there only if it is jumped to much more often still. */
  cool(record: number): void {
    const jumps = this.jumps(record);
    if (jumps !== undefined && !this.isWaiting(record)) this.set(record, this.initial + (jumps >> 1));
  }

  /** A region with the record's code came first: the same as `cool` for one that waits. */
  coolWaiting(record: number): void {
    this.set(record, this.initial + (this.threshold >> 1));
  }

  /** How often a record that waits was jumped to since. */
  jumpsWhileWaiting(record: number): number {
    return this.get(record) - WAITING;
  }

  isWaiting(record: number): boolean {
    const heat = this.get(record);
    return heat >= WAITING && heat < WAITING_END;
  }

  private get(record: number): number {
    return this.words[(record / 4 + at.HEAT_OFFSET) / 4];
  }

  private set(record: number, heat: number): void {
    this.words[(record / 4 + at.HEAT_OFFSET) / 4] = heat;
  }
}
