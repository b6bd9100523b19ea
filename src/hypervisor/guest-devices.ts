/** The devices that a guest sees, all emulated: a serial port, an interrupt controller, and the finisher. */
import { Bus } from '../machine/bus';
import { Finisher } from '../machine/devices/finisher';
import type { Finish } from '../machine/devices/finisher';
import { Plic } from '../machine/devices/plic';
import { Uart } from '../machine/devices/uart';
import { VIRT } from '../machine/devices/virt-map';
import type { TreeDevice } from '../machine/device-tree';

/** What the guest's device tree shows of them. A CLINT is M-mode's affair: the guest's SBI stands for it. */
export const GUEST_TREE_DEVICES: readonly TreeDevice[] = ['uart', 'finisher', 'plic'];

export interface GuestDeviceEvents {
  onOutput(bytes: Uint8Array): void;
  onFinish(end: Finish): void;
  /** The external interrupt line of a vCPU changed. */
  onExternal(vcpu: number, pending: boolean): void;
}

export class GuestDevices {
  /** At guest physical addresses. */
  readonly bus = new Bus();
  readonly uart = new Uart();
  readonly plic: Plic;
  readonly finisher = new Finisher();

  constructor(vcpus: number, events: GuestDeviceEvents) {
    this.plic = new Plic({ harts: vcpus });
    for (const device of [this.uart, this.plic, this.finisher]) this.bus.add(device);
    this.uart.onOutput = (bytes) => events.onOutput(bytes);
    this.uart.onInterrupt = (level) => this.plic.setLine(VIRT.uart.irq, level);
    this.finisher.onFinish = (end) => events.onFinish(end);
    // Odd contexts are those of S-mode; nobody is in M-mode.
    this.plic.onContext = (context, pending) => {
      if (context % 2 === 1) events.onExternal((context - 1) / 2, pending);
    };
  }
}
