/** Reads a kernel and its companions from files, with errors a user can act on. */
import { readFileSync } from 'node:fs';
import type { BootProgram } from '../machine/boot';
import type { HtifAddresses } from '../machine/htif';
import { readMachineProgram, readProgram } from '../debugger/program';

/** A file that cannot be used; the message names it. */
export class FileError extends Error {
  override readonly name = 'FileError';
}

/** The bytes of a file that the user named. @throws FileError */
export function readUserFile(path: string, what: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT'
        ? 'there is no such file; check the path'
        : code === 'EISDIR'
          ? 'this is a folder; name a file in it'
          : code === 'EACCES'
            ? 'reading it is not permitted'
            : (error as Error).message;
    throw new FileError(`The ${what} ${path} cannot be read: ${reason}.`, { cause: error });
  }
}

export interface Kernel {
  readonly program: BootProgram;
  /** Addresses of the symbols `tohost` and `fromhost`, through which test programs for M-mode end and print. */
  readonly htif?: HtifAddresses;
}

/**
 * A kernel as the loader takes it: an ELF file, a Linux `Image`, or with `machineMode` also plain bytes for the start of
 * DRAM.
 * @throws FileError, ElfError or BootError in a user's words
 */
export function readKernel(path: string, machineMode: boolean): Kernel {
  const bytes = readUserFile(path, 'kernel');
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
