/** From a program file to what the machine boots and what the debugger knows of it. */
import { DRAM_BASE } from '../engine/physical-memory';
import type { Contents } from '../engine/physical-memory';
import type { BootProgram } from '../machine/boot';
import { flatProgram, MACHINE_OFFSET, SUPERVISOR_OFFSET } from '../machine/boot-image';
import { parseElf } from '../symbols/elf';
import type { ElfFile } from '../symbols/elf';
import { recognizeLinuxImage } from '../symbols/linux-image';

const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];

const isElf = (bytes: Uint8Array): boolean => ELF_MAGIC.every((byte, index) => bytes[index] === byte);

export interface LoadedProgram {
  readonly boot: BootProgram;
  /** Undefined for a flat image. */
  readonly elf: ElfFile | undefined;
}

/**
 * Reads a kernel: an ELF file, or a flat Linux Image.
 * @param entry physical address to start at instead of the program's own
 * @throws Error in a user's words when it is neither
 */
export function readProgram(bytes: Uint8Array, entry?: bigint): LoadedProgram {
  const image = readLinuxImage(bytes, bytes);
  if (image) return { boot: entry === undefined ? image : { ...image, entry }, elf: undefined };
  const elf = parseElf(bytes);
  const segments = elf.segments
    .filter((segment) => segment.type === 'load')
    .map(({ physicalAddress, virtualAddress, data, memorySize }) => ({
      address: Number(physicalAddress),
      virtualAddress,
      data,
      memorySize: Number(memorySize),
    }));
  return { boot: { entry: entry ?? elf.entry, segments }, elf };
}

/**
 * A flat Linux Image, of which only the beginning need be there; undefined when it is none.
 * @param head its first 64 bytes at least
 * @throws BootError when it cannot be run
 */
export function readLinuxImage(head: Uint8Array, data: Uint8Array | Contents): BootProgram | undefined {
  if (!recognizeLinuxImage(head)) return undefined;
  return flatProgram(head, { memoryBase: DRAM_BASE, offset: SUPERVISOR_OFFSET }, data);
}

/**
 * Reads a program for M-mode: an ELF file, or the bytes for the start of DRAM.
 * @throws Error in a user's words when it cannot be run
 */
export function readMachineProgram(bytes: Uint8Array): LoadedProgram {
  if (isElf(bytes)) return readProgram(bytes);
  return { boot: flatProgram(bytes, { memoryBase: DRAM_BASE, offset: MACHINE_OFFSET }), elf: undefined };
}
