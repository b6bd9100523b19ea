/** Makes the system that a session's options describe, with the symbols of its programs. */
import { recognizeLinuxImage } from '../../symbols/linux-image';
import { SymbolFile } from '../../symbols/program';
import type { BootProgram } from '../../machine/boot';
import type { MachineOptions } from '../../machine/machine';
import { FirmwareError } from '../../hypervisor/start-up';
import { DebuggerError, FileError } from '../errors';
import { readMachineProgram, readProgram } from '../program';
import type { GuestInput, InputFile, SessionOptions } from '../session-options';
import { SymbolSpace } from '../symbol-space';
import type { SymbolModule } from '../symbol-space';
import { BareSystem } from './bare-system';
import { HypervisedSystem } from './hypervised-system';
import type { System } from './system';

const GRANULE = 0x1_0000;
const MOST_HARTS = 8;

/** VM exits that are kept unless said otherwise. */
const EXIT_LOG = 200;

/** The host's time, for a system. */
export interface HostTime {
  /** In milliseconds, as fine as it is: for what VM exits cost. */
  readonly hostClock?: () => number;
  /** What the machine's time follows, if it is not virtual; in ticks of 100 ns. */
  readonly ticks?: () => number;
}

/** @throws DebuggerError: one sentence naming the file or the guest that is wrong, and how */
export function createSystem(options: SessionOptions, { hostClock: clock, ticks: hostTicks }: HostTime = {}): System {
  const { exitLog: logSize = EXIT_LOG, staleTranslations = 'log' } = options;
  const machine: MachineOptions = {
    memoryBytes: Math.ceil(options.memoryBytes / GRANULE) * GRANULE,
    harts: options.harts ?? hartsFor(options),
    ...(options.extensions && { extensions: options.extensions }),
    ...(options.translation && { translation: options.translation }),
    ...(hostTicks && { hostTicks }),
  };
  const guests = options.guests.map((guest) => ({ guest, boot: programOf(guest, options.mode) }));
  try {
    if (options.mode === 'hypervisor') {
      const { synchronization = 'sfence', firmware, timeSlice, guestTime } = options;
      return new HypervisedSystem(
        machine,
        {
          guests: guests.map(({ guest, boot }) => ({
            name: guest.name,
            program: boot,
            ...optionsOf(guest),
            ...sizeOf(guest),
            ...(guest.devices && { devices: guest.devices }),
            ...(guest.passthrough && { passthrough: guest.passthrough }),
          })),
          ...(options.devices && { devices: options.devices }),
          synchronization,
          findsStaleTranslations: staleTranslations !== 'ignore',
          ...(timeSlice !== undefined && { timeSlice }),
          stopsGuestTime: guestTime === 'stops',
          ...(firmware && { firmware: firmwareOf(firmware) }),
        },
        logSize > 0 ? { logSize, ...(clock && { clock }) } : undefined,
      );
    }
    const [first] = guests;
    if (!first) throw new DebuggerError('There is no program to run.');
    const mode = options.mode === 'machine' ? 'machine' : 'supervisor';
    const { firmware, deviceTree } = options;
    const boot = {
      program: first.boot,
      mode,
      ...optionsOf(first.guest),
      ...(firmware && { firmware: firmwareOf(firmware) }),
      ...(deviceTree && { deviceTree: deviceTree.bytes }),
    } as const;
    return new BareSystem(machine, first.guest.name, boot, options.devices);
  } catch (error) {
    if (error instanceof FirmwareError) throw asDebuggerError(error, options.firmware?.path);
    throw asDebuggerError(error, options.guests.length === 1 ? options.guests[0]!.program.path : undefined);
  }
}

function programOf(guest: GuestInput, mode: SessionOptions['mode']): BootProgram {
  const { bytes } = guest.program;
  try {
    const isMachineCode = mode === 'machine' && guest.entry === undefined && bytes.length > 0;
    return (isMachineCode ? readMachineProgram(bytes) : readProgram(bytes, guest.entry)).boot;
  } catch (error) {
    throw asDebuggerError(error, guest.program.path);
  }
}

function firmwareOf({ path, bytes }: InputFile): BootProgram {
  try {
    return readMachineProgram(bytes).boot;
  } catch (error) {
    throw asDebuggerError(error, path);
  }
}

function optionsOf({ bootargs, initrd }: GuestInput): { bootargs?: string; initrd?: Uint8Array } {
  return { ...(bootargs === undefined ? {} : { bootargs }), ...(initrd ? { initrd: initrd.bytes } : {}) };
}

function sizeOf({ memoryBytes, vcpus }: GuestInput): { memoryBytes?: number; vcpus?: number } {
  return { ...(memoryBytes === undefined ? {} : { memoryBytes }), ...(vcpus === undefined ? {} : { vcpus }) };
}

/** The hypervisor's machine has a hart for each vCPU, as far as a machine can. */
function hartsFor({ mode, guests }: SessionOptions): number {
  if (mode !== 'hypervisor') return 1;
  return Math.min(
    MOST_HARTS,
    guests.reduce((sum, { vcpus = 1 }) => sum + vcpus, 0),
  );
}

/** The symbols of all programs of the guests, kernels first. @throws DebuggerError naming the file that cannot be read */
export function openSymbols(guests: readonly GuestInput[]): SymbolSpace {
  const others = guests.flatMap(({ symbols }) => (symbols ?? []).map(moduleOf));
  const kernels = guests.flatMap(({ program }) =>
    recognizeLinuxImage(program.bytes) ? imageOf(program, others) : moduleOf(program),
  );
  return new SymbolSpace([...kernels, ...others]);
}

function moduleOf({ path, bytes }: InputFile): SymbolModule {
  try {
    return { name: nameOf(path), path, file: SymbolFile.open(bytes) };
  } catch (error) {
    throw asDebuggerError(error, path);
  }
}

/** The symbols that a flat image brings; none where a file of its symbols is named, which has more. */
function imageOf({ path, bytes }: InputFile, others: readonly SymbolModule[]): SymbolModule[] {
  const file = SymbolFile.openLinux(bytes);
  const isNamed = others.some((other) => file && other.file.symbolAt(file.elf.entry));
  return !file || isNamed ? [] : [{ name: nameOf(path), path, file }];
}

const nameOf = (path: string): string => path.split(/[\\/]/).pop() ?? path;

/** Everything that is thrown below on bad input is an Error with a sentence for the user. */
function asDebuggerError(error: unknown, path: string | undefined): DebuggerError {
  if (error instanceof DebuggerError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return path === undefined ? new DebuggerError(message) : new FileError(path, message);
}
