/** The header of a flat RISC-V Linux `Image` (Linux, Documentation/arch/riscv/boot-image-header.rst). */

export interface LinuxImage {
  /** Where the image wants to stand, in bytes from the start of RAM (0x200000 on RV64). */
  readonly textOffset: bigint;
  /** Bytes in memory, `.bss` included. */
  readonly imageSize: bigint;
  readonly isBigEndian: boolean;
  readonly versionMajor: number;
  readonly versionMinor: number;
}

const HEADER_SIZE = 64;
/** "RSC\x05", the field `magic2`. */
const MAGIC2 = 0x05435352;

/** The header's fields when `bytes` start with one, else undefined. */
export function recognizeLinuxImage(bytes: Uint8Array): LinuxImage | undefined {
  if (bytes.length < HEADER_SIZE) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0x38, true) !== MAGIC2) return undefined;
  const version = view.getUint32(0x20, true);
  return {
    textOffset: view.getBigUint64(0x08, true),
    imageSize: view.getBigUint64(0x10, true),
    isBigEndian: (view.getBigUint64(0x18, true) & 1n) !== 0n,
    versionMajor: version >>> 16,
    versionMinor: version & 0xffff,
  };
}
