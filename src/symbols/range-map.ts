/** Finds by binary search what belongs to an address. */
import type { AddressRange } from './model';

interface Item<T> {
  readonly low: bigint;
  readonly high: bigint;
  readonly value: T;
}

/**
 * Values by address range. Ranges may nest or, in bad input, overlap: the innermost (last starting) one that holds the
 * address wins.
 */
export class RangeMap<T> {
  private readonly items: Item<T>[] = [];
  /** For each item the nearest earlier one that reaches beyond its start: the next candidate; -1 for none. */
  private enclosing: Int32Array | undefined;

  add(range: AddressRange, value: T): void {
    this.items.push({ low: range.low, high: range.high, value });
    this.enclosing = undefined;
  }

  find(address: bigint): T | undefined {
    return this.findRange(address)?.value;
  }

  /** The range that holds the address, with its value. */
  findRange(address: bigint): Item<T> | undefined {
    const enclosing = this.prepared();
    let low = 0;
    let high = this.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.items[middle]!.low <= address) low = middle + 1;
      else high = middle;
    }
    for (let index = low - 1; index >= 0; index = enclosing[index]!) {
      const item = this.items[index]!;
      if (address < item.high) return item;
    }
    return undefined;
  }

  /** All values, by ascending start. */
  *values(): IterableIterator<T> {
    this.prepared();
    for (const { value } of this.items) yield value;
  }

  private prepared(): Int32Array {
    if (this.enclosing) return this.enclosing;
    // Of equal starts the longest comes first, so that the shortest is found first.
    this.items.sort((a, b) =>
      a.low < b.low ? -1 : a.low > b.low ? 1 : a.high > b.high ? -1 : a.high < b.high ? 1 : 0,
    );
    const enclosing = new Int32Array(this.items.length).fill(-1);
    const open: number[] = [];
    this.items.forEach((item, index) => {
      while (open.length > 0 && this.items[open[open.length - 1]!]!.high <= item.low) open.pop();
      enclosing[index] = open[open.length - 1] ?? -1;
      open.push(index);
    });
    return (this.enclosing = enclosing);
  }
}
