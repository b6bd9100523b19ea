/**
 * Programs without ELF headers: a Linux `Image`, or bytes that simply go to an address.
 * Specification of the header: Linux, Documentation/arch/riscv/boot-image-header.rst.
 */
import type { Contents } from '../engine/physical-memory';
import { BootError } from './boot';
import type { BootProgram } from './boot';

const HEADER_SIZE = 64;
const TEXT_OFFSET = 0x08;
const IMAGE_SIZE = 0x10;
const FLAGS = 0x18;
const MAGIC2 = 0x38;
/** "RSC\x05" in the field `magic2`. */
const LINUX_MAGIC2 = 0x05435352;
const FLAG_BIG_ENDIAN = 1n;
const GZIP_MAGIC = [0x1f, 0x8b];

export interface FlatOptions {
  /** Physical address of the first byte of RAM. */
  readonly memoryBase: number;
  /** Where bytes without a header go and start: an offset from the start of RAM. */
  readonly offset: number;
}

/** The usual offset of an S-mode kernel: after the firmware. */
export const SUPERVISOR_OFFSET = 0x200000;
/** The usual offset of an M-mode program: the start of RAM, where the hart comes out of reset. */
export const MACHINE_OFFSET = 0;

/**
 * The program in a flat file; a Linux header decides about place and size. Throws a BootError for what cannot run.
 * @param bytes the file's, or its first ones, of which there must be 64
 * @param data the whole file
 */
export function flatProgram(bytes: Uint8Array, options: FlatOptions, data: Uint8Array | Contents = bytes): BootProgram {
  if (bytes[0] === GZIP_MAGIC[0] && bytes[1] === GZIP_MAGIC[1]) {
    throw new BootError('The program is compressed with gzip; unpack it first (gunzip).');
  }
  const header = readLinuxHeader(bytes);
  const address = options.memoryBase + (header?.textOffset ?? options.offset);
  const memorySize = Math.max(header?.imageSize ?? 0, data.length);
  return { entry: BigInt(address), segments: [{ address, data, memorySize }] };
}

function readLinuxHeader(bytes: Uint8Array): { textOffset: number; imageSize: number } | undefined {
  if (bytes.length < HEADER_SIZE) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(MAGIC2, true) !== LINUX_MAGIC2) return undefined;
  if (view.getBigUint64(FLAGS, true) & FLAG_BIG_ENDIAN) {
    throw new BootError('The kernel image is big-endian; build it for little-endian RISC-V.');
  }
  return {
    textOffset: Number(view.getBigUint64(TEXT_OFFSET, true)),
    imageSize: Number(view.getBigUint64(IMAGE_SIZE, true)),
  };
}
