/** The bus: finds the device behind a physical address and splits what no device takes whole. */
import type { Device, Width } from './devices/device';

/**
 * Accesses outside RAM. Misaligned ones behave as in QEMU's software MMU: a load is put together from the two aligned
 * loads that cover it, a store is done byte by byte; where one part finds nothing, the whole is an access fault.
 */
export class Bus {
  private readonly list: Device[] = [];

  get devices(): readonly Device[] {
    return this.list;
  }

  /** Adds a device; an overlap with one that is there already is a mistake of the caller and throws. */
  add(device: Device): void {
    const clash = this.list.find((d) => device.base < d.base + d.size && d.base < device.base + device.size);
    if (clash) throw new Error(`device ${device.name} overlaps ${clash.name} on the bus`);
    this.list.push(device);
  }

  /** The device that answers at the physical address, if any. */
  deviceAt(address: number): Device | undefined {
    for (const device of this.list) {
      if (address >= device.base && address < device.base + device.size) return device;
    }
    return undefined;
  }

  /** The unsigned value of `width` bytes at a physical address; undefined: access fault. */
  read(address: number, width: Width): bigint | undefined {
    const skew = address % width;
    if (skew === 0) return this.readAligned(address, width);
    const low = this.readAligned(address - skew, width);
    if (low === undefined) return undefined;
    const high = this.readAligned(address - skew + width, width);
    if (high === undefined) return undefined;
    const shift = BigInt(8 * skew);
    return BigInt.asUintN(8 * width, (low >> shift) | (high << (BigInt(8 * width) - shift)));
  }

  /** Writes the low `width` bytes of `value` at a physical address; false: access fault. */
  write(address: number, width: Width, value: bigint): boolean {
    if (address % width === 0) return this.writeAligned(address, width, value);
    for (let i = 0; i < width; i++) {
      if (!this.writeAligned(address + i, 1, (value >> BigInt(8 * i)) & 0xffn)) return false;
    }
    return true;
  }

  private readAligned(address: number, width: Width): bigint | undefined {
    const device = this.deviceAt(address);
    const offset = address - (device?.base ?? 0);
    return device?.accepts(offset, width) ? device.read(offset, width) : undefined;
  }

  private writeAligned(address: number, width: Width, value: bigint): boolean {
    const device = this.deviceAt(address);
    const offset = address - (device?.base ?? 0);
    if (!device?.accepts(offset, width)) return false;
    device.write(offset, width, BigInt.asUintN(8 * width, value));
    return true;
  }
}
