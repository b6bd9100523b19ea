/** Devices of a machine or of a guest, as the user writes them. */
import { choice, ConfigurationError, flag, list, record, text } from './fields';
import type { Field, Parsed } from './fields';
import type { NetworkConfiguration, NetworkLaunch } from './network';
import { networkField, networkLaunch } from './network';

/** A disk as the user writes it. */
export interface DiskConfiguration {
  readonly file: string;
  readonly writable?: boolean;
}

/** A shared folder as the user writes it. */
export interface ShareConfiguration {
  readonly folder: string;
  readonly tag?: string;
  readonly writable?: boolean;
}

/** Virtio devices that need nothing but to be there. */
export type PlainDevice = 'entropy' | 'console' | 'network';

export interface DevicesConfiguration {
  readonly disks?: readonly DiskConfiguration[];
  readonly devices?: readonly PlainDevice[];
  readonly share?: readonly ShareConfiguration[];
  readonly network?: NetworkConfiguration;
}

type TableOf<T> = { readonly [K in keyof T]-?: Field<unknown, unknown> };

const DISK_FIELDS = {
  file: text<string>({ required: true, description: 'The disk image: a file with its bytes as they are (raw).' }),
  writable: flag({
    description: "The guest's writes go to the file. Without it they are kept in memory, and forgotten at the end.",
    default: false,
  }),
} satisfies TableOf<DiskConfiguration>;

const SHARE_FIELDS = {
  folder: text<string>({ required: true, description: 'The folder. The guest gets to nothing outside it.' }),
  tag: text<string>({ default: 'share', description: 'The name by which the guest mounts it.' }),
  writable: flag({ description: 'The guest may change what is in the folder.', default: false }),
} satisfies TableOf<ShareConfiguration>;

/** @param whose for descriptions: which programs see them */
export const deviceFields = (whose: string) =>
  ({
    disks: list({
      items: record({ fields: DISK_FIELDS, description: 'One disk.' }),
      description: `Disks in the first virtio slots${whose}.`,
    }),
    devices: list({
      items: choice<PlainDevice>({
        description: 'A virtio device.',
        choices: {
          entropy: 'Random numbers, the same in every run.',
          console: 'A second console, which gets a terminal of its own.',
          network: 'A network card, at a gateway that answers DHCP and pings. "network" says what is open beyond it.',
        },
      }),
      description: `Further virtio devices, in the slots after the disks${whose}.`,
    }),
    share: list({
      items: record({ fields: SHARE_FIELDS, description: 'One folder.' }),
      description: `Folders of this machine that the guest may mount (virtio, 9P2000.L), in the slots after the devices${whose}.`,
    }),
    network: networkField,
  }) satisfies TableOf<DevicesConfiguration>;

type ParsedDevices = Parsed<ReturnType<typeof deviceFields>>;

/** Devices after validation. */
export type DevicesLaunch = Omit<ParsedDevices, 'network'> & { readonly network?: NetworkLaunch };

/** Slots that there are. */
export const SLOTS = 8;

export type MachineSlot = `virtio${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7}`;

/** Names of the machine's slots, with what they are. */
export const MACHINE_SLOTS = Object.fromEntries(
  Array.from({ length: SLOTS }, (_, slot) => [`virtio${slot}`, `Device ${slot} of the machine, counted from 0.`]),
) as Record<MachineSlot, string>;

/** How many slots devices take. */
export function countDevices({ disks = [], devices = [], share = [], network }: ParsedDevices): number {
  const hasCard = network !== undefined && !devices.includes('network');
  return disks.length + devices.length + share.length + Number(hasCard);
}

/** The device fields of an object that has others too. @throws ConfigurationError for more than there is room for */
export function devicesLaunch<T extends ParsedDevices>(
  parsed: T,
  path: string,
): Omit<T, 'network'> & { readonly network?: NetworkLaunch } {
  const { network, ...others } = parsed;
  const { share = [] } = parsed;
  for (const [index, { tag }] of share.entries()) {
    if (share.findIndex((other) => other.tag === tag) === index) continue;
    throw new ConfigurationError(`${path}.share[${index}].tag`, `is "${tag}" like another folder's; choose another.`);
  }
  const count = countDevices(parsed);
  if (count > SLOTS) {
    throw new ConfigurationError(
      `${path}.disks`,
      `with "devices" and "share" name ${count} devices, and there are ${SLOTS} slots.`,
    );
  }
  return { ...others, ...(network && { network: networkLaunch(network, `${path}.network`) }) };
}

/** Which of the device fields are written. */
export function writtenDevices(parsed: ParsedDevices): (keyof DevicesConfiguration)[] {
  return (['disks', 'devices', 'share', 'network'] as const).filter((name) => parsed[name] !== undefined);
}
