// The bus: routing, refused widths, and misaligned accesses.
import assert from 'node:assert/strict';
import { Bus } from './bus';
import type { Device, Width } from './devices/device';

/** 16 bytes of registers that note each access. */
class Scratch implements Device {
  readonly name = 'scratch';
  readonly size = 16;
  readonly bytes = new Uint8Array(16);
  readonly log: string[] = [];

  constructor(
    readonly base: number,
    private readonly narrowest: Width = 1,
  ) {}

  transferState(): void {
    // Nobody takes snapshots of it.
  }

  accepts(_offset: number, width: Width): boolean {
    return width >= this.narrowest;
  }

  read(offset: number, width: Width): bigint {
    this.log.push(`r${width}@${offset}`);
    let value = 0n;
    for (let i = width - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[offset + i]);
    return value;
  }

  write(offset: number, width: Width, value: bigint): void {
    this.log.push(`w${width}@${offset}`);
    for (let i = 0; i < width; i++) this.bytes[offset + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  }
}

function busWith(...devices: Device[]): Bus {
  const bus = new Bus();
  devices.forEach((device) => bus.add(device));
  return bus;
}

describe('Bus', () => {
  it('finds the device by address, and nothing beside it', () => {
    const device = new Scratch(0x1000);
    const bus = busWith(device);
    assert.equal(bus.deviceAt(0x1000), device);
    assert.equal(bus.deviceAt(0x100f), device);
    assert.equal(bus.deviceAt(0x0fff), undefined);
    assert.equal(bus.deviceAt(0x1010), undefined);
    assert.equal(bus.read(0x1010, 4), undefined);
    assert.equal(bus.write(0x0ffc, 4, 1n), false);
  });

  it('passes aligned accesses through, values cut to the width', () => {
    const device = new Scratch(0x1000);
    const bus = busWith(device);
    assert.equal(bus.write(0x1004, 4, 0x1_2345_6789n), true);
    assert.equal(bus.read(0x1004, 4), 0x2345_6789n);
    assert.equal(bus.read(0x1000, 8), 0x2345_6789_0000_0000n);
    assert.deepEqual(device.log, ['w4@4', 'r4@4', 'r8@0']);
  });

  it('refuses widths that the device does not take', () => {
    const bus = busWith(new Scratch(0x1000, 4));
    assert.equal(bus.read(0x1000, 2), undefined);
    assert.equal(bus.write(0x1000, 1, 0n), false);
    assert.equal(bus.read(0x1000, 4), 0n);
  });

  it('puts a misaligned load together from two aligned ones, and stores byte by byte', () => {
    const device = new Scratch(0x1000);
    const bus = busWith(device);
    device.bytes.set([0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17]);
    assert.equal(bus.read(0x1001, 4), 0x14131211n);
    assert.equal(bus.read(0x1003, 2), 0x1413n);
    assert.equal(bus.write(0x1002, 4, 0xaabbccddn), true);
    assert.deepEqual([...device.bytes.subarray(1, 7)], [0x11, 0xdd, 0xcc, 0xbb, 0xaa, 0x16]);
    assert.deepEqual(device.log, ['r4@0', 'r4@4', 'r2@2', 'r2@4', 'w1@2', 'w1@3', 'w1@4', 'w1@5']);
  });

  it('faults when a part of a misaligned access finds nothing', () => {
    const bus = busWith(new Scratch(0x1000));
    assert.equal(bus.read(0x100d, 4), undefined);
    assert.equal(bus.write(0x100d, 4, 0n), false);
    assert.equal(bus.read(0x0fff, 2), undefined);
  });

  it('refuses overlapping devices', () => {
    const bus = busWith(new Scratch(0x1000));
    assert.throws(() => bus.add(new Scratch(0x100f)), /scratch overlaps scratch/);
    bus.add(new Scratch(0x1010));
    assert.equal(bus.devices.length, 2);
  });
});
