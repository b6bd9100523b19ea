/** A device's way to memory. Whoever owns the machine may lead it elsewhere, as an IOMMU does: to the memory of one guest. */
import type { DmaMemory } from './dma-memory';

export class DmaPort implements DmaMemory {
  /** @param target where the device's addresses lead */
  constructor(public target: DmaMemory) {}

  contains(address: number, length: number): boolean {
    return this.target.contains(address, length);
  }

  read16(address: number): number {
    return this.target.read16(address);
  }

  read32(address: number): number {
    return this.target.read32(address);
  }

  read64(address: number): bigint {
    return this.target.read64(address);
  }

  write16(address: number, value: number): void {
    this.target.write16(address, value);
  }

  write32(address: number, value: number): void {
    this.target.write32(address, value);
  }

  bytes(address: number, length: number): Uint8Array {
    return this.target.bytes(address, length);
  }

  load(address: number, bytes: Uint8Array): void {
    this.target.load(address, bytes);
  }
}
