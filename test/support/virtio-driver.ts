/** A small virtio driver for tests: it sets a device up as VIRTIO 1.2, 3.1 says, and passes chains of buffers. */
import type { Width } from '../../src/machine/devices/device';
import { MEMORY_BASE } from './virtio-bench';
import type { VirtioBench } from './virtio-bench';

const BASE = 0x10001000;
/** Where each queue's rings lie, and its buffers. */
const QUEUE_SPACE = 0x20000;
const BUFFERS = 0x8000;

export const REG = {
  magic: 0x00,
  version: 0x04,
  deviceId: 0x08,
  vendor: 0x0c,
  deviceFeatures: 0x10,
  deviceFeaturesSelect: 0x14,
  driverFeatures: 0x20,
  driverFeaturesSelect: 0x24,
  guestPageSize: 0x28,
  queueSelect: 0x30,
  queueNumMax: 0x34,
  queueNum: 0x38,
  queueAlign: 0x3c,
  queuePfn: 0x40,
  queueReady: 0x44,
  queueNotify: 0x50,
  interruptStatus: 0x60,
  interruptAcknowledge: 0x64,
  status: 0x70,
  queueDesc: 0x80,
  queueAvailable: 0x90,
  queueUsed: 0xa0,
  queueReset: 0xc0,
  configGeneration: 0xfc,
  config: 0x100,
} as const;

export const DRIVER_OK = 15;

/** One buffer of a chain: bytes for the device to read, or a number of bytes for it to write. */
export type TestBuffer = Uint8Array | number;

export interface Answer {
  /** Bytes that the device says it has written. */
  readonly written: number;
  /** The contents of the buffers that it could write to. */
  readonly data: readonly Uint8Array[];
}

export interface DriverOptions {
  /** Further features to accept, beside version 1 where there is one. */
  readonly features?: bigint;
  readonly queues?: number;
  readonly queueSize?: number;
  /** Put the descriptors into an indirect table. */
  readonly indirect?: boolean;
}

interface Queue {
  readonly index: number;
  readonly descriptors: number;
  readonly available: number;
  readonly used: number;
  readonly buffers: number;
  offered: number;
  taken: number;
}

interface Sent {
  readonly queue: Queue;
  readonly inputs: readonly { address: number; length: number }[];
}

export class VirtioDriver {
  readonly queues: Queue[] = [];
  size = 8;

  private constructor(
    readonly bench: VirtioBench,
    private readonly indirect: boolean,
  ) {}

  /** Resets the device, accepts features, sets the queues up and says DRIVER_OK. */
  static async start(bench: VirtioBench, options: DriverOptions = {}): Promise<VirtioDriver> {
    const { features = 0n, queues = 1, queueSize = 8, indirect = false } = options;
    const driver = new VirtioDriver(bench, indirect);
    driver.size = queueSize;
    const legacy = (await driver.get(REG.version)) === 1;
    await driver.set(REG.status, 0);
    await driver.set(REG.status, 1);
    await driver.set(REG.status, 3);
    await driver.set(REG.driverFeaturesSelect, 0);
    await driver.set(REG.driverFeatures, Number(features & 0xffff_ffffn));
    if (legacy) {
      await driver.set(REG.guestPageSize, 4096);
    } else {
      await driver.set(REG.driverFeaturesSelect, 1);
      await driver.set(REG.driverFeatures, Number(features >> 32n) | 1);
      await driver.set(REG.status, 11);
    }
    for (let index = 0; index < queues; index++) await driver.setUp(index, legacy);
    await driver.set(REG.status, legacy ? 7 : DRIVER_OK);
    return driver;
  }

  get(register: number, width: Width = 4): Promise<number> {
    return this.bench.read(BASE + register, width);
  }

  set(register: number, value: number, width: Width = 4): Promise<void> {
    return this.bench.write(BASE + register, width, value);
  }

  /** Offers a chain, notifies the device, and waits until it comes back. */
  async send(queue: number, ...buffers: readonly TestBuffer[]): Promise<Answer> {
    const sent = await this.offer(queue, buffers);
    await this.set(REG.queueNotify, queue);
    return this.receive(sent);
  }

  /** Offers a chain without notifying. */
  async offer(index: number, buffers: readonly TestBuffer[]): Promise<Sent> {
    const queue = this.queues[index];
    const first = queue.offered % this.size;
    let at = queue.buffers + first * 0x800;
    const inputs: { address: number; length: number }[] = [];
    const table = this.indirect ? at : queue.descriptors;
    if (this.indirect) at += 16 * buffers.length;
    const place = (position: number) => (this.indirect ? position : (first + position) % this.size);
    for (const [position, buffer] of buffers.entries()) {
      const length = typeof buffer === 'number' ? buffer : buffer.length;
      const last = position === buffers.length - 1;
      const flags = (last ? 0 : 1) | (typeof buffer === 'number' ? 2 : 0);
      if (typeof buffer === 'number') inputs.push({ address: at, length });
      await this.bench.writeMemory(at, typeof buffer === 'number' ? new Uint8Array(length) : buffer);
      const descriptor = descriptorBytes(at, length, flags, last ? 0 : place(position + 1));
      await this.bench.writeMemory(table + 16 * place(position), descriptor);
      at += length;
    }
    if (this.indirect) {
      const descriptor = descriptorBytes(table, 16 * buffers.length, 4, 0);
      await this.bench.writeMemory(queue.descriptors + 16 * first, descriptor);
    }
    await this.putAvailable(index, first);
    queue.offered += this.indirect ? 0 : buffers.length - 1;
    return { queue, inputs };
  }

  /** Puts a descriptor's number into the available ring. */
  async putAvailable(index: number, head: number): Promise<void> {
    const queue = this.queues[index];
    const ring = await this.bench.readMemory(queue.available + 2, 2);
    const next = ring[0] + 256 * ring[1];
    await this.bench.writeMemory(queue.available + 4 + 2 * (next % this.size), Uint8Array.of(head, head >> 8));
    await this.bench.writeMemory(queue.available + 2, Uint8Array.of(next + 1, (next + 1) >> 8));
    queue.offered++;
  }

  /** How many chains the device has given back. */
  async usedIndex(index: number): Promise<number> {
    const [low, high] = await this.bench.readMemory(this.queues[index].used + 2, 2);
    return low + 256 * high;
  }

  /** Waits until the device gives the next chain back. */
  async receive({ queue, inputs }: Sent): Promise<Answer> {
    for (let tries = 0; (await this.usedIndex(queue.index)) === queue.taken; tries++) {
      if (tries === 1000) throw new Error('the device gives no answer');
      await this.bench.wait();
    }
    const element = queue.used + 4 + 8 * (queue.taken % this.size);
    queue.taken = (queue.taken + 1) & 0xffff;
    const used = new DataView((await this.bench.readMemory(element, 8)).buffer);
    const data: Uint8Array[] = [];
    for (const { address, length } of inputs) data.push(await this.bench.readMemory(address, length));
    return { written: used.getUint32(4, true), data };
  }

  private async setUp(index: number, legacy: boolean): Promise<void> {
    const descriptors = MEMORY_BASE + 0x1000 + index * QUEUE_SPACE;
    const available = descriptors + 16 * this.size;
    const used = Math.ceil((available + 6 + 2 * this.size) / 4096) * 4096;
    const buffers = descriptors + BUFFERS;
    this.queues[index] = { index, descriptors, available, used, buffers, offered: 0, taken: 0 };
    await this.bench.writeMemory(descriptors, new Uint8Array(BUFFERS));
    await this.set(REG.queueSelect, index);
    await this.set(REG.queueNum, this.size);
    if (legacy) {
      await this.set(REG.queueAlign, 4096);
      await this.set(REG.queuePfn, descriptors / 4096);
      return;
    }
    for (const [register, address] of [
      [REG.queueDesc, descriptors],
      [REG.queueAvailable, available],
      [REG.queueUsed, used],
    ]) {
      await this.set(register, address);
      await this.set(register + 4, 0);
    }
    await this.set(REG.queueReady, 1);
  }
}

/** A descriptor's sixteen bytes. */
export function descriptorBytes(address: number | bigint, length: number, flags: number, next: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(address), true);
  view.setUint32(8, length, true);
  view.setUint16(12, flags, true);
  view.setUint16(14, next, true);
  return bytes;
}
