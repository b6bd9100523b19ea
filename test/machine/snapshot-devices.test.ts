/** Snapshots while devices are at work: what they were about to do, they do after it. */
import assert from 'node:assert/strict';
import type { Width } from '../../src/machine/devices/device';
import { VirtioBlock } from '../../src/machine/devices/virtio/block';
import { VirtioConsole } from '../../src/machine/devices/virtio/console';
import { MemoryStorage, OverlayStorage } from '../../src/machine/devices/virtio/storage';
import { VirtioEntropy } from '../../src/machine/devices/virtio/entropy';
import type { VirtioDevice } from '../../src/machine/devices/virtio/virtio-device';
import { assembleSource } from '../../src/isa/assemble';
import { Machine } from '../../src/machine/machine';
import { fingerprint } from '../support/fingerprint';
import { FLAT_BASE } from '../support/flat-program';
import type { VirtioBench } from '../support/virtio-bench';
import { descriptorBytes, REG, VirtioDriver } from '../support/virtio-driver';

/** A machine that only waits, with a device in its first slot, whose driver is the test. */
class MachineBench implements VirtioBench {
  readonly machine: Machine;
  output = '';

  constructor(device: VirtioDevice) {
    this.machine = new Machine({ memoryBytes: 16 << 20, devices: { virtio: [device], virtioVersion: 'modern' } });
    if (device instanceof VirtioConsole) {
      device.onOutput = (bytes) => (this.output += Buffer.from(bytes).toString('latin1'));
    }
    const { bytes } = assembleSource('1: wfi\nj 1b', FLAT_BASE);
    const segments = [{ address: Number(FLAT_BASE), data: bytes, memorySize: bytes.length }];
    this.machine.boot({ program: { entry: FLAT_BASE, segments }, mode: 'machine' });
  }

  async read(address: number, width: Width): Promise<number> {
    return Number(this.machine.bus.read(address, width));
  }

  async write(address: number, width: Width, value: number): Promise<void> {
    this.machine.bus.write(address, width, BigInt(value));
  }

  async readMemory(address: number, length: number): Promise<Uint8Array> {
    return this.machine.memory.bytes(address, length).slice();
  }

  async writeMemory(address: number, bytes: Uint8Array): Promise<void> {
    this.machine.memory.load(address, bytes);
  }

  async wait(): Promise<void> {
    this.machine.run(1000);
  }

  /** Lets the device finish. @returns all that can be seen then */
  finish() {
    this.output = '';
    while (this.machine.run(1000).kind !== 'idle');
    const { slots } = this.machine.devices;
    return { ...fingerprint(this.machine, this.output), interrupt: slots[0].read(0x60, 4) };
  }
}

/** Offers a queue of one chain after the other, of buffers that lie on top of each other, all in the driver's place for them. */
async function offerMuch(driver: VirtioDriver, index: number, chains: number, length: number, flags: number) {
  const { descriptors, buffers } = driver.queues[index];
  for (let chain = 0; chain < chains; chain++) {
    await driver.bench.writeMemory(descriptors + 16 * chain, descriptorBytes(buffers, length, flags, 0));
    await driver.putAvailable(index, chain);
  }
  await driver.set(REG.queueNotify, index);
}

async function goesOnExactly(make: () => VirtioDevice, start: (bench: MachineBench) => Promise<void>) {
  const bench = new MachineBench(make());
  await start(bench);
  assert.notEqual(bench.machine.devices.clock.next, Infinity, 'it has more to do');
  const snapshot = bench.machine.takeSnapshot();
  const went = bench.finish();
  const fresh = new MachineBench(make());
  fresh.machine.restoreSnapshot(snapshot);
  assert.deepEqual(fresh.finish(), went);
  bench.machine.restoreSnapshot(snapshot);
  assert.deepEqual(bench.finish(), went);
}

describe('a snapshot in the middle of', () => {
  it('a text that a virtio console prints a part at a time', async () => {
    await goesOnExactly(
      () => new VirtioConsole(),
      async (bench) => {
        const driver = await VirtioDriver.start(bench, { queues: 2, queueSize: 8 });
        const text = Uint8Array.from({ length: 0x80000 }, (_, i) => 97 + (i % 26));
        await bench.writeMemory(driver.queues[1].buffers, text);
        await offerMuch(driver, 1, 5, text.length - 1, 0);
        assert.equal(bench.output.length, 2 ** 20);
      },
    );
  });

  it('random numbers for many requests', async () => {
    await goesOnExactly(
      () => new VirtioEntropy(5),
      async (bench) => {
        const driver = await VirtioDriver.start(bench, { queueSize: 64 });
        await offerMuch(driver, 0, 40, 0x10000, 2);
        const done = await driver.usedIndex(0);
        assert.ok(done > 0 && done < 40, `${done}`);
      },
    );
  });

  it('writes to a disk', async () => {
    const make = () => new VirtioBlock({ storage: new OverlayStorage(new MemoryStorage(new Uint8Array(1 << 20))) });
    const bench = new MachineBench(make());
    const driver = await VirtioDriver.start(bench);
    const write = (sector: number, byte: number) => {
      const header = new Uint8Array(16);
      header.set([1, 0, 0, 0, 0, 0, 0, 0, sector]);
      return driver.send(0, header, new Uint8Array(512).fill(byte), 1);
    };
    const readBack = async (from: VirtioDriver, sector: number) => {
      const header = new Uint8Array(16);
      header[8] = sector;
      return (await from.send(0, header, 512, 1)).data[0][511];
    };
    await write(3, 0x33);
    const snapshot = bench.machine.takeSnapshot();
    await write(3, 0x44);
    await write(200, 0x55);
    bench.machine.restoreSnapshot(snapshot);
    // The driver is not part of the machine: it begins anew.
    const again = await VirtioDriver.start(bench);
    assert.deepEqual([await readBack(again, 3), await readBack(again, 200)], [0x33, 0]);
    const fresh = new MachineBench(make());
    fresh.machine.restoreSnapshot(snapshot);
    assert.equal(await readBack(await VirtioDriver.start(fresh), 3), 0x33);
  });
});
