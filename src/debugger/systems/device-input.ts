/** What a user wants the machine to have beside its fixed devices, and the devices that come of it. */
import type { SharedFolder } from '../../machine/devices/virtio/9p/file-system';
import { Virtio9p } from '../../machine/devices/virtio/9p/virtio-9p';
import { VirtioBlock } from '../../machine/devices/virtio/block';
import { VirtioConsole } from '../../machine/devices/virtio/console';
import { VirtioEntropy } from '../../machine/devices/virtio/entropy';
import { VirtioNetwork } from '../../machine/devices/virtio/network';
import type { Storage } from '../../machine/devices/virtio/storage';
import type { VirtioDevice } from '../../machine/devices/virtio/virtio-device';
import type { DeviceOptions, VirtioVersion } from '../../machine/extra-devices';
import { Gateway } from '../../machine/network/gateway';
import type { HostLink, NetworkRules } from '../../machine/network/host-link';

/** Devices that need nothing but to be there. */
export const PLAIN_DEVICES = ['entropy', 'console', 'network'] as const;
export type PlainDevice = (typeof PLAIN_DEVICES)[number];

/** What the network leads to beyond the gateway. */
export interface NetworkInput {
  readonly rules: NetworkRules;
  readonly host: HostLink;
}

/** A folder of the host's, and the tag by which the guest mounts it. */
export interface ShareInput {
  readonly folder: SharedFolder;
  readonly tag: string;
}

export interface DeviceInput {
  /** In the first virtio slots. */
  readonly disks?: readonly Storage[];
  /** In the slots after the disks. */
  readonly devices?: readonly PlainDevice[];
  /** In the slots after those. */
  readonly shares?: readonly ShareInput[];
  /** What is open to the first network card and for it; there is one even where `devices` names none. */
  readonly network?: NetworkInput;
  readonly virtioVersion?: VirtioVersion;
  /** What the real-time clock starts from, in nanoseconds since 1970. */
  readonly rtcStart?: bigint;
}

const MAKERS: Readonly<Record<Exclude<PlainDevice, 'network'>, () => VirtioDevice>> = {
  entropy: () => new VirtioEntropy(),
  console: () => new VirtioConsole({ resizable: true }),
};

export interface Devices {
  readonly options: DeviceOptions;
  /** Where host input comes in from the network. */
  readonly gateways: readonly Gateway[];
}

/**
 * The devices of one machine.
 * @param onProblem hears, in a sentence for the user, why the guest was told of an I/O error
 */
export function makeDevices(input: DeviceInput, onProblem: (message: string) => void): Devices {
  const { disks = [], devices = [], shares = [], network, virtioVersion, rtcStart } = input;
  const gateways: Gateway[] = [];
  const makeCard = () => {
    const gateway = new Gateway(gateways.length === 0 ? network : undefined);
    gateways.push(gateway);
    return new VirtioNetwork(gateway);
  };
  const names = network && !devices.includes('network') ? ([...devices, 'network'] as const) : devices;
  const virtio = [
    ...disks.map((storage, index) => new VirtioBlock({ storage, serial: `disk${index}`, onProblem })),
    ...names.map((name) => (name === 'network' ? makeCard() : MAKERS[name]())),
    ...shares.map(({ folder, tag }) => new Virtio9p(folder, tag)),
  ];
  const options = { virtio, ...(virtioVersion && { virtioVersion }), ...(rtcStart !== undefined && { rtcStart }) };
  return { options, gateways };
}
