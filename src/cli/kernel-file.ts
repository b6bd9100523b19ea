/** Reads a kernel and its firmware from files. */
import type { BootProgram } from '../machine/boot';
import type { HtifAddresses } from '../machine/htif';
import { readLinuxImage, readMachineProgram, readProgram } from '../debugger/program';
import { readUserFile, UserFile } from './user-file';

export interface Kernel {
  readonly program: BootProgram;
  /** Addresses of the symbols `tohost` and `fromhost`, through which test programs for M-mode end and print. */
  readonly htif?: HtifAddresses;
}

/**
 * A kernel as the loader takes it: an ELF file, a Linux `Image`, or with `machineMode` also plain bytes for the start of
 * DRAM.
 * @param atOnce all of it is read now, instead of into the guest's memory
 * @throws FileError, ElfError or BootError in a user's words
 */
export function readKernel(path: string, machineMode: boolean, atOnce: boolean): Kernel {
  const file = new UserFile(path, 'kernel');
  const image = machineMode ? undefined : readLinuxImage(file.head, atOnce ? file.bytes() : file);
  if (image) return { program: image };
  const bytes = file.bytes();
  const { boot, elf } = machineMode && bytes.length > 0 ? readMachineProgram(bytes) : readProgram(bytes);
  if (!machineMode) return { program: boot };
  const symbols = elf?.symbols();
  const addressOf = (symbol: string) => symbols?.find(({ name }) => name === symbol)?.address;
  const [tohost, fromhost] = [addressOf('tohost'), addressOf('fromhost')];
  if (tohost === undefined) return { program: boot };
  const htif = { tohost: Number(tohost), ...(fromhost !== undefined && { fromhost: Number(fromhost) }) };
  return { program: boot, htif };
}

/** M-mode code that starts a kernel: an ELF file, or the bytes for the start of DRAM. @throws FileError, ElfError or BootError */
export function readFirmware(path: string): BootProgram {
  return readMachineProgram(readUserFile(path, 'firmware')).boot;
}
