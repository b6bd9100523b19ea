/** The hypervisor's page allocator: 4 KiB pages of its own part of DRAM. */
import type { PhysicalMemory } from '../engine/physical-memory';
import type { Hpa } from './addresses';
import { PAGE_SIZE } from './addresses';

export class PagePool {
  private readonly freed: Hpa[] = [];
  private next: Hpa;

  /** Gives out the pages of [start, end), both multiples of 4 KiB. */
  constructor(
    readonly memory: PhysicalMemory,
    readonly start: Hpa,
    readonly end: Hpa,
  ) {
    this.next = start;
  }

  /** Pages that can still be allocated. */
  get available(): number {
    return this.freed.length + (this.end - this.next) / PAGE_SIZE;
  }

  /** A page of zeros. Throws when there is none left: callers keep to a quota that they were given. */
  allocate(): Hpa {
    let page = this.freed.pop();
    if (page === undefined) {
      if (this.next >= this.end) throw new Error('The hypervisor has no page left.');
      page = this.next;
      this.next += PAGE_SIZE;
    }
    this.memory.fill(page, PAGE_SIZE, 0);
    return page;
  }

  /** Takes back a page that `allocate` gave. */
  free(page: Hpa): void {
    this.freed.push(page);
  }
}
