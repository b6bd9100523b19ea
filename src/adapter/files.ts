/** Reads the files and opens the ports that a launch configuration names. */
import { readFile } from 'node:fs/promises';
import type { GuestInput, InputFile, SessionOptions } from '../debugger/session-options';
import { ConfigurationError } from '../protocol/fields';
import type { GuestLaunch, Launch } from '../protocol/launch-configuration';
import { readDevices } from './device-files';
import type { HostSockets } from './host-sockets';
import { translationThread } from './translation-thread';

/** From a validated launch configuration to what a session is started with. @throws ConfigurationError naming the field */
export async function readFiles(launch: Launch, sockets: HostSockets): Promise<SessionOptions> {
  const { machine } = launch;
  const parts = [{ ...machine, field: 'machine' }, ...launch.guests];
  const [ofMachine, ...ofGuests] = await readDevices(parts, { virtio: machine.virtio, rtc: machine.rtc }, sockets);
  const translation = translationThread();
  if (launch.guests.some(({ initrd }) => initrd !== undefined)) translation?.prepare();
  return {
    mode: launch.mode,
    memoryBytes: launch.machine.memory,
    ...(launch.machine.harts !== undefined && { harts: launch.machine.harts }),
    extensions: launch.machine.extensions,
    clock: launch.machine.clock,
    ...(translation && { translation }),
    ...launch.hypervisor,
    stopOnEntry: launch.stopOnEntry && !launch.noDebug,
    noDebug: launch.noDebug,
    devices: ofMachine,
    ...(launch.firmware !== undefined && { firmware: await readInput(launch.firmware, 'firmware') }),
    ...(launch.dtb !== undefined && { deviceTree: await readInput(launch.dtb, 'dtb') }),
    guests: await Promise.all(
      launch.guests.map(async (guest, index) => ({ ...(await readGuest(guest)), devices: ofGuests[index] })),
    ),
  };
}

async function readGuest(guest: GuestLaunch): Promise<Omit<GuestInput, 'devices'>> {
  const { name, memory, entry, bootargs, field, passthrough } = guest;
  const within = (part: string): string => (field === 'program' ? part : `${field}.${part}`);
  return {
    name,
    program: await readInput(guest.program, within('program')),
    ...(guest.vcpus === undefined ? {} : { vcpus: guest.vcpus }),
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    ...(entry === undefined ? {} : { entry }),
    ...(passthrough && { passthrough: passthrough.map((slot) => Number(slot.slice('virtio'.length))) }),
    ...(bootargs === undefined ? {} : { bootargs }),
    ...(guest.initrd === undefined ? {} : { initrd: await readInput(guest.initrd, within('initrd')) }),
    ...(guest.symbols === undefined
      ? {}
      : {
          symbols: await Promise.all(guest.symbols.map((path, index) => readInput(path, within(`symbols[${index}]`)))),
        }),
  };
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
