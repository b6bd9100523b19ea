/**
 * The boot ROM: where a hart comes out of reset, and what firmware is told.
 * As QEMU has it: hw/riscv/boot.c (`riscv_setup_rom_reset_vec`) and include/hw/riscv/boot_opensbi.h; the record is OpenSBI's
 * (include/sbi/fw_dynamic.h), which RustSBI reads, too.
 */
import type { StateTransfer } from '../engine/state-transfer';
import type { Device, Width } from './devices/device';
import { VIRT } from './devices/virt-map';

/** "OSBI". */
const DYNAMIC_MAGIC = 0x4942534fn;
const DYNAMIC_VERSION = 2n;
const NEXT_MODE_SUPERVISOR = 1n;

/** `a0`: the hart, `a1`: the device tree, `a2`: the record for firmware; then to the start address. */
const RESET_VECTOR = [
  0x00000297, // auipc t0, 0
  0x02828613, // addi  a2, t0, 40
  0xf1402573, // csrr  a0, mhartid
  0x0202b583, // ld    a1, 32(t0)
  0x0182b283, // ld    t0, 24(t0)
  0x00028067, // jr    t0
];
const START_ADDRESS = 24;
const TREE_ADDRESS = 32;
/** Offset of the record that says what firmware is to start. */
export const DYNAMIC_RECORD = 40;

export interface BootAddresses {
  /** Physical address that the ROM jumps to: firmware, or a program in M-mode. */
  readonly start: bigint;
  /** Physical address of the device tree. */
  readonly tree: bigint;
  /** Physical address of what firmware is to start in S-mode; 0 when there is nothing. */
  readonly next: bigint;
}

export class BootRom implements Device {
  readonly name = 'rom';
  readonly base = VIRT.rom.base;
  readonly size = VIRT.rom.size;
  private readonly bytes = new Uint8Array(0x80);
  private readonly contents = new DataView(this.bytes.buffer);

  /** What the ROM says from now on. */
  fill({ start, tree, next }: BootAddresses): void {
    const { contents } = this;
    RESET_VECTOR.forEach((word, index) => contents.setUint32(4 * index, word, true));
    contents.setBigUint64(START_ADDRESS, start, true);
    contents.setBigUint64(TREE_ADDRESS, tree, true);
    const [options, bootHart] = [0n, 0n];
    [DYNAMIC_MAGIC, DYNAMIC_VERSION, next, NEXT_MODE_SUPERVISOR, options, bootHart].forEach((value, index) =>
      contents.setBigUint64(DYNAMIC_RECORD + 8 * index, value, true),
    );
  }

  /** The halfword at a physical address, for instruction fetch; undefined outside. */
  halfword(address: number): number | undefined {
    const offset = address - this.base;
    return offset >= 0 && offset < this.size ? Number(this.read(offset, 2)) : undefined;
  }

  transferState(state: StateTransfer): void {
    state.fill(this.bytes);
  }

  accepts(): boolean {
    return true;
  }

  read(offset: number, width: Width): bigint {
    let value = 0n;
    for (let i = width - 1; i >= 0; i--) {
      const byte = offset + i < this.contents.byteLength ? this.contents.getUint8(offset + i) : 0;
      value = (value << 8n) | BigInt(byte);
    }
    return value;
  }

  /** It is read-only: QEMU lets stores pass without effect, too. */
  write(): void {}
}
