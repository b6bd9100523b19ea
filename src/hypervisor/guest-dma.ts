/** A guest's memory as its devices reach it, by guest-physical addresses: nothing outside it is there. */
import type { PhysicalMemory } from '../engine/physical-memory';
import type { DmaMemory } from '../machine/devices/virtio/dma-memory';
import type { Gpa, Hpa } from './addresses';
import type { GuestMemory } from './guest-memory';

export class GuestDma implements DmaMemory {
  constructor(
    private readonly memory: GuestMemory,
    private readonly dram: PhysicalMemory,
  ) {}

  /** Whether it leads to this memory. */
  isOf(memory: GuestMemory): boolean {
    return this.memory === memory;
  }

  contains(gpa: Gpa, length: number): boolean {
    return this.memory.contains(gpa, length);
  }

  read16(gpa: Gpa): number {
    return this.dram.read16(this.toHpa(gpa, 2));
  }

  read32(gpa: Gpa): number {
    return this.dram.read32(this.toHpa(gpa, 4));
  }

  read64(gpa: Gpa): bigint {
    return this.dram.read64(this.toHpa(gpa, 8));
  }

  write16(gpa: Gpa, value: number): void {
    const hpa = this.toHpa(gpa, 2);
    this.dram.write16(hpa, value);
    this.memory.onWrite(hpa, 2);
  }

  write32(gpa: Gpa, value: number): void {
    const hpa = this.toHpa(gpa, 4);
    this.dram.write32(hpa, value);
    this.memory.onWrite(hpa, 4);
  }

  bytes(gpa: Gpa, length: number): Uint8Array {
    return this.dram.bytes(this.toHpa(gpa, length), length);
  }

  load(gpa: Gpa, bytes: Uint8Array): void {
    if (!this.memory.write(gpa, bytes)) throw outside(gpa, bytes.length);
  }

  private toHpa(gpa: Gpa, length: number): Hpa {
    if (!this.memory.contains(gpa, length)) throw outside(gpa, length);
    return gpa + this.memory.offset;
  }
}

function outside(gpa: Gpa, length: number): RangeError {
  return new RangeError(`${length} bytes at 0x${gpa.toString(16)} are not all the guest's memory`);
}
