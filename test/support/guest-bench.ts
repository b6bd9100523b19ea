/** A virtio driver in a guest of the hypervisor: on the guest's slots, by addresses of the guest. */
import type { PhysicalMemory } from '../../src/engine/physical-memory';
import type { Gpa } from '../../src/hypervisor/addresses';
import type { Guest } from '../../src/hypervisor/guest';
import { GuestDma } from '../../src/hypervisor/guest-dma';
import type { Width } from '../../src/machine/devices/device';
import type { VirtioBench } from './virtio-bench';

/** A guest's slots and memory, as its kernel reaches them. */
export class GuestBench implements VirtioBench {
  readonly dma: GuestDma;

  /** @param slot of the guest, which the driver takes for the first */
  constructor(
    private readonly guest: Guest,
    dram: PhysicalMemory,
    private readonly slot = 0,
  ) {
    this.dma = new GuestDma(guest.memory, dram);
  }

  read(address: number, width: Width): Promise<number> {
    return Promise.resolve(Number(this.guest.devices.bus.read(address + 0x1000 * this.slot, width) ?? 0n));
  }

  write(address: number, width: Width, value: number): Promise<void> {
    this.guest.devices.bus.write(address + 0x1000 * this.slot, width, BigInt(value));
    return Promise.resolve();
  }

  readMemory(address: Gpa, length: number): Promise<Uint8Array> {
    return Promise.resolve(this.dma.bytes(address, length).slice());
  }

  writeMemory(address: Gpa, bytes: Uint8Array): Promise<void> {
    this.dma.load(address, bytes);
    return Promise.resolve();
  }

  wait(): Promise<void> {
    return Promise.reject(new Error('the device gives no answer'));
  }
}
