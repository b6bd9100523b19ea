/** The devices beyond those that every program needs: the real-time clock, and what is in the virtio slots. */
import type { Bus } from './bus';
import type { DeviceClock } from './devices/device-clock';
import type { Plic } from './devices/plic';
import { Rtc } from './devices/rtc';
import { VIRT } from './devices/virt-map';
import { DmaPort } from './devices/virtio/dma-port';
import type { DmaMemory } from './devices/virtio/dma-memory';
import type { VirtioDevice } from './devices/virtio/virtio-device';
import { VirtioMmio } from './devices/virtio/virtio-mmio';

/** 2000-01-01 00:00 UTC: what the real-time clock starts from where nobody says what time it is. */
const DEFAULT_RTC_START = 946_684_800n * 1_000_000_000n;

/** Version 1 of the registers, which QEMU shows unless told otherwise, or version 2. */
export type VirtioVersion = 'legacy' | 'modern';

export interface DeviceOptions {
  /**
   * What the real-time clock shows when the machine starts, in nanoseconds since 1970; the beginning of 2000 unless said
   * otherwise. It goes on in virtual time.
   */
  readonly rtcStart?: bigint;
  /** What is in the virtio slots, from the first on; at most eight. A device belongs to one machine. */
  readonly virtio?: readonly (VirtioDevice | undefined)[];
  /** How many slots there are, the last of which may belong to others; eight unless said otherwise. */
  readonly slots?: number;
  /** How the slots show themselves; 'legacy' unless said otherwise. */
  readonly virtioVersion?: VirtioVersion;
}

/** What the devices are connected to. */
export interface DeviceSurroundings {
  readonly bus: Bus;
  readonly plic: Plic;
  readonly memory: DmaMemory;
  /** When what devices do later is done. */
  readonly clock: DeviceClock;
}

export class ExtraDevices {
  readonly clock: DeviceClock;
  readonly rtc: Rtc;
  readonly slots: readonly VirtioMmio[];
  /** Of each slot: where its device's addresses lead. */
  readonly ports: readonly DmaPort[];

  /** A driver broke the rules, and its device waits for a reset; one sentence for whoever debugs the driver. */
  onProblem: (message: string) => void = () => {};

  /** @throws RangeError for more devices than there are slots */
  constructor(options: DeviceOptions, { bus, plic, memory, clock }: DeviceSurroundings) {
    const { rtcStart = DEFAULT_RTC_START, virtio = [], virtioVersion = 'legacy' } = options;
    const { irq } = VIRT.virtio;
    const { slots = VIRT.virtio.slots } = options;
    if (virtio.length > slots) {
      throw new RangeError(`The machine has ${slots} virtio slots, and ${virtio.length} devices are to be in them.`);
    }
    this.clock = clock;
    this.rtc = new Rtc({ clock, start: rtcStart });
    this.rtc.onInterrupt = (level) => plic.setLine(VIRT.rtc.irq, level);
    this.ports = Array.from({ length: slots }, () => new DmaPort(memory));
    this.slots = this.ports.map((port, slot) => {
      const device = virtio[slot];
      const legacy = virtioVersion === 'legacy';
      const registers = new VirtioMmio({ slot, legacy, memory: port, clock, ...(device && { device }) });
      registers.onInterrupt = (level) => plic.setLine(irq + slot, level);
      registers.onProblem = (message) => this.onProblem(message);
      return registers;
    });
    for (const device of [this.rtc, ...this.slots]) bus.add(device);
  }
}
