/**
 * The devices that a guest sees, all emulated: a serial port, an interrupt controller, the finisher, a real-time clock, and
 * virtio devices in their slots.
 */
import { Bus } from '../machine/bus';
import { Finisher } from '../machine/devices/finisher';
import type { Finish } from '../machine/devices/finisher';
import { Plic } from '../machine/devices/plic';
import { Uart } from '../machine/devices/uart';
import { VIRT } from '../machine/devices/virt-map';
import type { DeviceOptions, DeviceSurroundings } from '../machine/extra-devices';
import { ExtraDevices } from '../machine/extra-devices';
import type { TreeDevice } from '../machine/device-tree';

/** What the guest's device tree shows of them. A CLINT is M-mode's affair: the guest's SBI stands for it. */
export const GUEST_TREE_DEVICES: readonly TreeDevice[] = ['uart', 'finisher', 'plic', 'rtc', 'virtio'];

export interface GuestDeviceEvents {
  onOutput(bytes: Uint8Array): void;
  onFinish(end: Finish): void;
  /** A driver broke the rules; one sentence for whoever debugs it. */
  onProblem(message: string): void;
  /** The external interrupt line of a vCPU changed. */
  onExternal(vcpu: number, pending: boolean): void;
}

export class GuestDevices {
  /** At guest physical addresses. */
  readonly bus = new Bus();
  readonly uart = new Uart();
  readonly plic: Plic;
  readonly finisher = new Finisher();

  readonly extra: ExtraDevices;

  /**
   * @param options what is in the virtio slots, and what the clock starts from
   * @param memory the guest's, for virtio devices
   * @throws RangeError for more devices than there are slots
   */
  constructor(
    vcpus: number,
    events: GuestDeviceEvents,
    options: DeviceOptions,
    { memory, clock }: Pick<DeviceSurroundings, 'memory' | 'clock'>,
  ) {
    this.plic = new Plic({ harts: vcpus });
    for (const device of [this.uart, this.plic, this.finisher]) this.bus.add(device);
    const { bus, plic } = this;
    this.extra = new ExtraDevices(options, { bus, plic, memory, clock });
    this.extra.onProblem = (message) => events.onProblem(message);
    this.uart.onOutput = (bytes) => events.onOutput(bytes);
    this.uart.onInterrupt = (level) => this.plic.setLine(VIRT.uart.irq, level);
    this.finisher.onFinish = (end) => events.onFinish(end);
    // Odd contexts are those of S-mode; nobody is in M-mode.
    this.plic.onContext = (context, pending) => {
      if (context % 2 === 1) events.onExternal((context - 1) / 2, pending);
    };
  }
}
