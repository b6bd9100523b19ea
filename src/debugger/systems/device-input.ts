/** What a user wants the machine to have beside its fixed devices, and the devices that come of it. */
import { VirtioBlock } from '../../machine/devices/virtio/block';
import { VirtioConsole } from '../../machine/devices/virtio/console';
import { VirtioEntropy } from '../../machine/devices/virtio/entropy';
import { VirtioNetwork } from '../../machine/devices/virtio/network';
import type { Storage } from '../../machine/devices/virtio/storage';
import type { VirtioDevice } from '../../machine/devices/virtio/virtio-device';
import type { DeviceOptions, VirtioVersion } from '../../machine/extra-devices';
import { Gateway } from '../../machine/network/gateway';

/** Devices that need nothing but to be there. */
export const PLAIN_DEVICES = ['entropy', 'console', 'network'] as const;
export type PlainDevice = (typeof PLAIN_DEVICES)[number];

export interface DeviceInput {
  /** In the first virtio slots. */
  readonly disks?: readonly Storage[];
  /** In the slots after the disks. */
  readonly devices?: readonly PlainDevice[];
  readonly virtioVersion?: VirtioVersion;
  /** What the real-time clock starts from, in nanoseconds since 1970. */
  readonly rtcStart?: bigint;
}

const MAKERS: Readonly<Record<PlainDevice, () => VirtioDevice>> = {
  entropy: () => new VirtioEntropy(),
  console: () => new VirtioConsole({ resizable: true }),
  network: () => new VirtioNetwork(new Gateway()),
};

/**
 * The devices of one machine.
 * @param onProblem hears, in a sentence for the user, why the guest was told of an I/O error
 */
export function makeDevices(input: DeviceInput, onProblem: (message: string) => void): DeviceOptions {
  const { disks = [], devices = [], virtioVersion, rtcStart } = input;
  const virtio = [
    ...disks.map((storage, index) => new VirtioBlock({ storage, serial: `disk${index}`, onProblem })),
    ...devices.map((name) => MAKERS[name]()),
  ];
  return { virtio, ...(virtioVersion && { virtioVersion }), ...(rtcStart !== undefined && { rtcStart }) };
}
