/** The memory map: what lies where in the machine's DRAM, and where each guest's memory goes. */
import { DRAM_BASE } from '../engine/physical-memory';
import type { Gpa, Hpa, Hva } from './addresses';
import { PAGE_SIZE } from './addresses';

/** The SBI firmware's part of DRAM: from 0x80000000 up to the hypervisor. */
export const HYPERVISOR_BASE: Hpa = 0x8020_0000;
export const HYPERVISOR_END: Hpa = 0x8800_0000;

/** A guest's memory begins at a multiple of this from the start of DRAM. */
export const GUEST_SLOT = 0x0800_0000;

/** Where every guest sees its memory. */
export const GUEST_MEMORY_BASE: Gpa = 0x8000_0000;

/** Reserved in the hypervisor's own address space: its trap entry, and the trap context of the hart's vCPU. */
export const TRAMPOLINE: Hva = 0xffff_ffff_ffff_f000n;
export const TRAP_CONTEXT: Hva = 0xffff_ffff_ffff_e000n;

/** The first page of the hypervisor's part is the trampoline; the others are given out as page tables and trap contexts. */
export const TRAMPOLINE_PAGE: Hpa = HYPERVISOR_BASE;
export const POOL_START: Hpa = HYPERVISOR_BASE + PAGE_SIZE;
export const POOL_END: Hpa = HYPERVISOR_END;

/** The least memory that a guest can be given: 64 KiB. */
const LEAST_GUEST_MEMORY = 0x1_0000;

export interface GuestRange {
  readonly base: Hpa;
  readonly size: number;
}

/**
 * Places guests of these sizes (bytes) in a machine with `dramBytes` of DRAM: guest 1 at 0x88000000, the next at the
 * following multiple of 128 MiB that is free. Throws an Error in a user's words when a size is odd or they do not fit.
 */
export function placeGuests(sizes: readonly number[], dramBytes: number): GuestRange[] {
  const ranges: GuestRange[] = [];
  let base = HYPERVISOR_END;
  for (const [index, size] of sizes.entries()) {
    if (!Number.isSafeInteger(size) || size < LEAST_GUEST_MEMORY || size % PAGE_SIZE !== 0) {
      throw new Error(
        `Guest ${index + 1} has ${size} bytes of memory; give it a multiple of 4 KiB, and at least 64 KiB.`,
      );
    }
    if (base + size > DRAM_BASE + dramBytes) {
      const available = Math.max(0, DRAM_BASE + dramBytes - base) / 0x10_0000;
      throw new Error(
        `Guest ${index + 1} with ${size / 0x10_0000} MiB does not fit: the machine has ${available} MiB left for it. ` +
          "Make the guest smaller or raise the machine's memory.",
      );
    }
    ranges.push({ base, size });
    base += Math.ceil(size / GUEST_SLOT) * GUEST_SLOT;
  }
  return ranges;
}
