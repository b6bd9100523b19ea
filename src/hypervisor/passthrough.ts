/**
 * Devices of the machine that guests drive themselves. A guest's accesses to the slot go to the machine's own registers; the
 * device's addresses lead to the guest's memory and nowhere else (the machine's slots have an IOMMU for that); and its
 * interrupt, which the hypervisor takes from the machine's interrupt controller, goes to the guest's.
 */
import type { Bus } from '../machine/bus';
import type { Device, Width } from '../machine/devices/device';
import type { Plic } from '../machine/devices/plic';
import { VIRT } from '../machine/devices/virt-map';
import type { Machine } from '../machine/machine';
import type { Guest } from './guest';
import { GuestDma } from './guest-dma';

/** Registers of the machine's interrupt controller (RISC-V PLIC 1.0.0). */
const PLIC = { enable: 0x2000, enableStride: 0x80, context: 0x20_0000, contextStride: 0x1000, claim: 4 } as const;

/** The machine's interrupt controller, as the hypervisor programs it: through its registers, in S-mode's contexts. */
class HostPlic {
  constructor(private readonly bus: Bus) {}

  /** Lets a source interrupt the S-mode of a hart. */
  enable(source: number, hart: number): void {
    const word = VIRT.plic.base + PLIC.enable + this.context(hart) * PLIC.enableStride + 4 * (source >>> 5);
    this.bus.write(VIRT.plic.base + 4 * source, 4, 1n);
    this.bus.write(word, 4, (this.bus.read(word, 4) ?? 0n) | (1n << BigInt(source & 31)));
    // OpenSBI leaves a threshold that nothing exceeds.
    this.bus.write(this.contextRegisters(hart), 4, 0n);
  }

  /** @returns the source that interrupts; 0: none */
  claim(hart: number): number {
    return Number(this.bus.read(this.claimRegister(hart), 4) ?? 0n);
  }

  complete(source: number, hart: number): void {
    this.bus.write(this.claimRegister(hart), 4, BigInt(source));
  }

  private claimRegister(hart: number): number {
    return this.contextRegisters(hart) + PLIC.claim;
  }

  /** The threshold comes first. */
  private contextRegisters(hart: number): number {
    return VIRT.plic.base + PLIC.context + this.context(hart) * PLIC.contextStride;
  }

  private context(hart: number): number {
    return 2 * hart + 1;
  }
}

/** A slot of a guest's that is one of the machine's. */
class PassedSlot implements Device {
  readonly name: string;
  readonly base: number;
  readonly size = VIRT.virtio.size;

  /**
   * @param slot of the machine
   * @param at slot of the guest
   */
  constructor(
    readonly slot: number,
    private readonly at: number,
    private readonly hart: number,
    private readonly bus: Bus,
    private readonly hostPlic: HostPlic,
    private readonly guestPlic: Plic,
  ) {
    this.name = `virtio_mmio ${at} (the machine's ${slot})`;
    this.base = VIRT.virtio.base + at * VIRT.virtio.stride;
  }

  /** From now on its interrupts come. */
  start(): void {
    this.hostPlic.enable(this.source, this.hart);
  }

  get source(): number {
    return VIRT.virtio.irq + this.slot;
  }

  accepts(): boolean {
    return true;
  }

  read(offset: number, width: Width): bigint {
    return this.bus.read(this.hostAddress(offset), width) ?? 0n;
  }

  write(offset: number, width: Width, value: bigint): void {
    this.bus.write(this.hostAddress(offset), width, value);
  }

  transferState(): void {
    // All there is to keep is the machine's and the guest's interrupt controller's.
  }

  /** The machine's interrupt came for this slot. It pends again when the device has another reason, there and so here. */
  interrupt(): void {
    this.guestPlic.setLine(VIRT.virtio.irq + this.at, true);
  }

  private hostAddress(offset: number): number {
    return VIRT.virtio.base + this.slot * VIRT.virtio.stride + offset;
  }
}

export class Passthrough {
  private readonly slots: PassedSlot[] = [];
  private readonly hostPlic: HostPlic;

  constructor(private readonly machine: Machine) {
    this.hostPlic = new HostPlic(machine.bus);
  }

  /**
   * Gives a guest some of the machine's slots, as the last of its own.
   * @param hart that takes their interrupts
   * @throws Error in a user's words when a slot is empty, or another guest's already
   */
  give(guest: Guest, slots: readonly number[], hart: number): void {
    const { bus, devices, memory } = this.machine;
    const first = VIRT.virtio.slots - slots.length;
    for (const [index, slot] of slots.entries()) {
      if (bus.read(VIRT.virtio.base + slot * VIRT.virtio.stride + 8, 4) === 0n) {
        throw new Error(
          `Guest ${guest.name} is to get virtio${slot} of the machine, where there is no device; give the machine one.`,
        );
      }
      if (this.slots.some((other) => other.slot === slot)) {
        throw new Error(
          `Guest ${guest.name} is to get virtio${slot} of the machine, which another guest has; give it to one.`,
        );
      }
      devices.ports[slot].target = new GuestDma(guest.memory, memory);
      const passed = new PassedSlot(slot, first + index, hart, bus, this.hostPlic, guest.devices.plic);
      this.slots.push(passed);
      guest.devices.bus.add(passed);
    }
  }

  /** When firmware has set the interrupt controller up. */
  start(): void {
    for (const slot of this.slots) slot.start();
  }

  /** The machine's interrupt controller interrupted a hart: whose device it is gets to know. */
  takeInterrupts(hart: number): void {
    for (let source = this.hostPlic.claim(hart); source !== 0; source = this.hostPlic.claim(hart)) {
      const slot = this.slots.find((candidate) => candidate.source === source);
      slot?.interrupt();
      this.hostPlic.complete(source, hart);
    }
  }
}
