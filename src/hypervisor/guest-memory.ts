/** A guest's memory: the one place where a GPA becomes an HPA, and where it is checked to be inside. */
import type { Contents, PhysicalMemory } from '../engine/physical-memory';
import type { EntrySource } from '../machine/walk';
import type { Gpa, Hpa } from './addresses';
import { GUEST_MEMORY_BASE } from './layout';

export class GuestMemory {
  readonly gpaBase: Gpa = GUEST_MEMORY_BASE;
  /** HPA minus GPA, the same for all of the guest's memory. */
  readonly offset: number;
  /** Bytes were written by others than the guest's instructions: by devices, its SBI, or the debugger. */
  onWrite: (hpa: Hpa, length: number) => void = () => {};
  /** A and D bits are being set for an access of the guest: what is written now is no change that it made. */
  isSettingBits = false;

  /** The guest's memory is the `size` bytes of DRAM from `hpaBase`. */
  constructor(
    private readonly dram: PhysicalMemory,
    readonly hpaBase: Hpa,
    readonly size: number,
  ) {
    this.offset = hpaBase - this.gpaBase;
  }

  /** Whether `length` bytes from `gpa` are all memory of this guest. */
  contains(gpa: Gpa, length: number): boolean {
    return gpa >= this.gpaBase && gpa + length <= this.gpaBase + this.size;
  }

  /** Whether `length` bytes from `hpa` are all memory of this guest. */
  containsHpa(hpa: Hpa, length: number): boolean {
    return hpa >= this.hpaBase && hpa + length <= this.hpaBase + this.size;
  }

  /** Where a byte of this guest lies in the machine; undefined outside its memory. */
  toHpa(gpa: Gpa): Hpa | undefined {
    return this.contains(gpa, 1) ? gpa + this.offset : undefined;
  }

  toGpa(hpa: Hpa): Gpa | undefined {
    return this.containsHpa(hpa, 1) ? hpa - this.offset : undefined;
  }

  /** A copy of `length` bytes; undefined unless all are the guest's. */
  read(gpa: Gpa, length: number): Uint8Array | undefined {
    return this.contains(gpa, length) ? this.dram.bytes(gpa + this.offset, length).slice() : undefined;
  }

  /** Whether all of `bytes` could be written: none are when some lie outside. */
  write(gpa: Gpa, bytes: Uint8Array | Contents): boolean {
    if (!this.contains(gpa, bytes.length)) return false;
    this.dram.load(gpa + this.offset, bytes);
    this.onWrite(gpa + this.offset, bytes.length);
    return true;
  }

  /** The page-table entry at `gpa`, unsigned; undefined outside. */
  readEntry(gpa: Gpa): bigint | undefined {
    return this.contains(gpa, 8) ? this.dram.read64(gpa + this.offset) : undefined;
  }

  /** The low half of the page-table entry (8 bytes) at `gpa`; undefined when it is outside. */
  readEntryLow(gpa: Gpa): number | undefined {
    return this.contains(gpa, 8) ? this.dram.read32(gpa + this.offset) : undefined;
  }

  /** Sets bits in the low half of the page-table entry at `gpa`, which is known to be inside. */
  setEntryBits(gpa: Gpa, bits: number): void {
    const hpa = gpa + this.offset;
    this.isSettingBits = true;
    this.dram.write32(hpa, (this.dram.read32(hpa) | bits) >>> 0);
    this.isSettingBits = false;
  }

  /** For walking the guest's own page tables. */
  entrySource(): EntrySource {
    const { dram, offset } = this;
    const isInside = (gpa: Gpa) => this.contains(gpa, 8);
    return {
      low: 0,
      high: 0,
      read(gpa: Gpa) {
        if (!isInside(gpa)) return 'entry-unreadable';
        this.low = dram.read32(gpa + offset);
        this.high = dram.read32(gpa + offset + 4);
        return 'ok';
      },
    };
  }
}
