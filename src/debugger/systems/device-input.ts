/** What a user wants the machine to have beside its fixed devices, and the devices that come of it. */
import type { SharedFolder } from '../../machine/devices/virtio/9p/file-system';
import { Virtio9p } from '../../machine/devices/virtio/9p/virtio-9p';
import { VirtioBlock } from '../../machine/devices/virtio/block';
import { VirtioConsole } from '../../machine/devices/virtio/console';
import { VirtioEntropy } from '../../machine/devices/virtio/entropy';
import { DEFAULT_MAC, VirtioNetwork } from '../../machine/devices/virtio/network';
import type { Storage } from '../../machine/devices/virtio/storage';
import type { VirtioDevice } from '../../machine/devices/virtio/virtio-device';
import type { DeviceOptions, VirtioVersion } from '../../machine/extra-devices';
import { CLIENT } from '../../machine/network/addresses';
import { Gateway } from '../../machine/network/gateway';
import type { HostLink, NetworkRules } from '../../machine/network/host-link';
import { Lan } from '../../machine/network/lan';

/** Devices that need nothing but to be there. */
export const PLAIN_DEVICES = ['entropy', 'console', 'network'] as const;
export type PlainDevice = (typeof PLAIN_DEVICES)[number];

/** What the network leads to beyond the gateway. */
export interface NetworkInput {
  readonly rules: NetworkRules;
  readonly host: HostLink;
  /** Name of the network between guests that the card is on; without it the guest is alone with its gateway. */
  readonly lan?: string;
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
  /** What the first network card leads to; there is one even where `devices` names none. */
  readonly network?: NetworkInput;
  readonly virtioVersion?: VirtioVersion;
  /** What the real-time clock starts from, in nanoseconds since 1970. */
  readonly rtcStart?: bigint;
}

/** How far a guest's second card is from the first, so that no guest's is alike. */
const LATER_CARDS = 16;

const MAKERS: Readonly<Record<Exclude<PlainDevice, 'network'>, () => VirtioDevice>> = {
  entropy: () => new VirtioEntropy(),
  console: () => new VirtioConsole({ resizable: true }),
};

/** The devices that a machine or a guest is made with, and what comes in from outside through them. */
export interface Devices {
  readonly options: DeviceOptions;
  readonly gateways: readonly Gateway[];
  readonly consoles: readonly VirtioConsole[];
}

/** What sets a guest's devices apart from those of others. */
export interface DeviceOwner {
  /** Counts guests: each has a network address of its own. */
  readonly index: number;
  /** Networks between guests, by name; one that is not there yet is added. */
  readonly lans: Map<string, Lan>;
}

const FIRST_ADDRESS = CLIENT[3];

/**
 * @param onProblem hears, in a sentence for the user, why the guest was told of an I/O error
 * @param owner of the devices; without it there is one only
 */
export function makeDevices(
  input: DeviceInput,
  onProblem: (message: string) => void,
  { index, lans }: DeviceOwner = { index: 0, lans: new Map() },
): Devices {
  const { disks = [], devices = [], shares = [], network, virtioVersion, rtcStart } = input;
  const lan = network?.lan === undefined ? undefined : (lans.get(network.lan) ?? new Lan());
  if (lan && network?.lan !== undefined) lans.set(network.lan, lan);
  const gateways: Gateway[] = [];
  const makeCard = () => {
    const first = gateways.length === 0;
    const address = index + (first ? 0 : LATER_CARDS * gateways.length);
    const client = [CLIENT[0], CLIENT[1], CLIENT[2], FIRST_ADDRESS + address] as const;
    const { rules, host } = network ?? {};
    const isOpen = first && rules && host;
    const gateway = new Gateway({ client, ...(isOpen && { rules, host }), ...(first && lan && { lan }) });
    gateways.push(gateway);
    return new VirtioNetwork(gateway, [...DEFAULT_MAC.slice(0, 5), DEFAULT_MAC[5] + address]);
  };
  const names = network && !devices.includes('network') ? ([...devices, 'network'] as const) : devices;
  const virtio = [
    ...disks.map((storage, number) => new VirtioBlock({ storage, serial: `disk${number}`, onProblem })),
    ...names.map((name) => (name === 'network' ? makeCard() : MAKERS[name]())),
    ...shares.map(({ folder, tag }) => new Virtio9p(folder, tag)),
  ];
  const options = { virtio, ...(virtioVersion && { virtioVersion }), ...(rtcStart !== undefined && { rtcStart }) };
  return { options, gateways, consoles: virtio.filter((device) => device instanceof VirtioConsole) };
}
