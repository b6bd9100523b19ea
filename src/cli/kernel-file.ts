/** Reads a kernel and its companions from files, with errors a user can act on. */
import { readFileSync } from 'node:fs';
import type { BootProgram } from '../machine/boot';
import { flatProgram, MACHINE_OFFSET, SUPERVISOR_OFFSET } from '../machine/boot-image';
import { DRAM_BASE } from '../engine/physical-memory';
import { parseElf } from '../symbols/elf';

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

const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];

/**
 * A kernel as the loader takes it: the load segments of an ELF file, or a flat image (a Linux `Image`, or with
 * `machineMode` plain bytes for the start of DRAM).
 * @throws FileError, ElfError or BootError in a user's words
 */
export function readKernel(path: string, machineMode: boolean): BootProgram {
  const bytes = readUserFile(path, 'kernel');
  const isElf = ELF_MAGIC.every((byte, i) => bytes[i] === byte);
  const isFlat = !isElf && (machineMode || hasLinuxHeader(bytes));
  if (isFlat) {
    return flatProgram(bytes, { memoryBase: DRAM_BASE, offset: machineMode ? MACHINE_OFFSET : SUPERVISOR_OFFSET });
  }
  const elf = parseElf(bytes);
  const segments = elf.segments
    .filter(({ type, memorySize }) => type === 'load' && memorySize > 0n)
    .map(({ physicalAddress, virtualAddress, data, memorySize }) => ({
      address: Number(physicalAddress),
      virtualAddress,
      data,
      memorySize: Number(memorySize),
    }));
  return { entry: elf.entry, segments };
}

function hasLinuxHeader(bytes: Uint8Array): boolean {
  const magic = 0x38;
  return bytes.length >= 64 && new TextDecoder('latin1').decode(bytes.subarray(magic, magic + 3)) === 'RSC';
}
