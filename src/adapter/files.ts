/** Reads the files and opens the ports that a launch configuration names. */
import { readFile } from 'node:fs/promises';
import type { GuestInput, InputFile, SessionOptions } from '../debugger/session-options';
import type { NetworkInput } from '../debugger/systems/device-input';
import type { SharedFolder } from '../machine/devices/virtio/9p/file-system';
import type { Storage } from '../machine/devices/virtio/storage';
import { StorageError } from '../machine/devices/virtio/storage';
import { ConfigurationError } from '../protocol/fields';
import type { GuestLaunch, Launch } from '../protocol/launch-configuration';
import type { NetworkLaunch } from '../protocol/network';
import { openDisk } from './disk-file';
import type { HostSockets } from './host-sockets';
import { HostPortError } from './host-sockets';
import { openSharedFolder, ShareError } from './shared-folder';
import { hostTime } from './host-time';

/** From a validated launch configuration to what a session is started with. @throws ConfigurationError naming the field */
export async function readFiles(launch: Launch, sockets: HostSockets): Promise<SessionOptions> {
  const { disks = [], devices = [], share = [], network, virtio, rtc } = launch.machine;
  return {
    mode: launch.mode,
    memoryBytes: launch.machine.memory,
    extensions: launch.machine.extensions,
    clock: launch.machine.clock,
    ...launch.hypervisor,
    stopOnEntry: launch.stopOnEntry && !launch.noDebug,
    noDebug: launch.noDebug,
    devices: {
      disks: disks.map(({ file, writable }, index) => readDisk(file, writable, `machine.disks[${index}].file`)),
      devices,
      shares: share.map(({ folder, tag, writable }, index) => ({ tag, folder: readShare(folder, writable, index) })),
      ...(network && { network: await openNetwork(network, sockets) }),
      virtioVersion: virtio,
      rtcStart: rtc ?? hostTime(),
    },
    ...(launch.firmware !== undefined && { firmware: await readInput(launch.firmware, 'firmware') }),
    ...(launch.dtb !== undefined && { deviceTree: await readInput(launch.dtb, 'dtb') }),
    guests: await Promise.all(launch.guests.map((guest) => readGuest(guest))),
  };
}

async function readGuest(guest: GuestLaunch): Promise<GuestInput> {
  const { name, memory, entry, bootargs, field } = guest;
  const within = (part: string): string => (field === 'program' ? part : `${field}.${part}`);
  return {
    name,
    program: await readInput(guest.program, within('program')),
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    ...(entry === undefined ? {} : { entry }),
    ...(bootargs === undefined ? {} : { bootargs }),
    ...(guest.initrd === undefined ? {} : { initrd: await readInput(guest.initrd, within('initrd')) }),
    ...(guest.symbols === undefined
      ? {}
      : {
          symbols: await Promise.all(guest.symbols.map((path, index) => readInput(path, within(`symbols[${index}]`)))),
        }),
  };
}

function readShare(folder: string, writable: boolean, index: number): SharedFolder {
  try {
    return openSharedFolder(folder, writable);
  } catch (error) {
    if (!(error instanceof ShareError)) throw error;
    throw new ConfigurationError(`machine.share[${index}].folder`, `cannot be used. ${error.message}`);
  }
}

async function openNetwork(rules: NetworkLaunch, sockets: HostSockets): Promise<NetworkInput> {
  try {
    const [host] = await sockets.open([rules]);
    return { rules, host };
  } catch (error) {
    if (!(error instanceof HostPortError)) throw error;
    throw new ConfigurationError('machine.network.forward', `cannot be opened. ${error.message}`);
  }
}

function readDisk(file: string, writable: boolean, field: string): Storage {
  try {
    return openDisk(file, writable);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    throw new ConfigurationError(field, `cannot be used. ${error.message}`);
  }
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist; build it, or correct the path',
  EISDIR: 'is a folder; name the file in it',
  EACCES: 'may not be read; check its permissions',
  ERR_FS_FILE_TOO_LARGE: 'is too large',
};

async function readInput(path: string, field: string): Promise<InputFile> {
  try {
    return { path, bytes: await readFile(path) };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    const problem = PROBLEMS[code] ?? `cannot be read (${code || String(error)})`;
    throw new ConfigurationError(field, `names a file that ${problem}: ${path}`);
  }
}
