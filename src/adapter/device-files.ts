/** Opens what devices need of the host: disk images, shared folders, ports. */
import type { DeviceInput, NetworkInput } from '../debugger/systems/device-input';
import { StorageError } from '../machine/devices/virtio/storage';
import type { VirtioVersion } from '../machine/extra-devices';
import type { DevicesLaunch } from '../protocol/devices';
import { ConfigurationError } from '../protocol/fields';
import { openDisk, refuseSharedDisks } from './disk-file';
import type { HostSockets } from './host-sockets';
import { HostPortError } from './host-sockets';
import { hostTime } from './host-time';
import { openSharedFolder, ShareError } from './shared-folder';

/** What all of a machine's devices have in common. */
export interface CommonDevices {
  readonly virtio?: VirtioVersion | undefined;
  /** What real-time clocks start from, in nanoseconds since 1970; the host's time without it. */
  readonly rtc?: bigint | undefined;
}

/**
 * The devices of a machine and its guests.
 * @param owners with the field that each was written in, for messages
 * @throws ConfigurationError naming the field
 */
export async function readDevices(
  owners: readonly (DevicesLaunch & { readonly field: string })[],
  { virtio, rtc = hostTime() }: CommonDevices,
  sockets: HostSockets,
): Promise<DeviceInput[]> {
  atField(`${owners.find(({ disks }) => disks)?.field ?? 'machine'}.disks`, () =>
    refuseSharedDisks(owners.flatMap(({ disks = [] }) => disks)),
  );
  const networks = await openNetworks(owners, sockets);
  return owners.map(({ disks = [], devices = [], share = [], field }, index) => ({
    disks: disks.map(({ file, writable }, number) =>
      atField(`${field}.disks[${number}].file`, () => openDisk(file, writable)),
    ),
    devices,
    shares: share.map(({ folder, tag, writable }, number) => ({
      tag,
      folder: atField(`${field}.share[${number}].folder`, () => openSharedFolder(folder, writable)),
    })),
    ...(networks[index] && { network: networks[index] }),
    ...(virtio && { virtioVersion: virtio }),
    rtcStart: rtc,
  }));
}

async function openNetworks(
  owners: readonly (DevicesLaunch & { readonly field: string })[],
  sockets: HostSockets,
): Promise<(NetworkInput | undefined)[]> {
  const asked = owners.flatMap(({ network }) => network ?? []);
  try {
    const links = await sockets.open(asked);
    return owners.map(({ network }) => {
      if (!network) return undefined;
      const { lan, forward, reach } = network;
      return { rules: { forward, reach }, host: links[asked.indexOf(network)], ...(lan !== undefined && { lan }) };
    });
  } catch (error) {
    if (!(error instanceof HostPortError)) throw error;
    const { message, port } = error;
    const owner = owners.find(({ network }) => network?.forward.some(({ host }) => host === port));
    throw new ConfigurationError(`${owner?.field ?? 'machine'}.network.forward`, `cannot be opened. ${message}`);
  }
}

function atField<T>(field: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof StorageError || error instanceof ShareError)) throw error;
    throw new ConfigurationError(field, `cannot be used. ${error.message}`);
  }
}
