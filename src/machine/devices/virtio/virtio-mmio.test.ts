// The registers of a virtio slot, the queues, and what happens to drivers that break the rules.
import assert from 'node:assert/strict';
import { MEMORY_BASE, OwnBench } from '../../../../test/support/virtio-bench';
import { descriptorBytes, DRIVER_OK, REG, VirtioDriver } from '../../../../test/support/virtio-driver';
import type { Width } from '../device';
import type { VirtioDevice, VirtioHost } from './virtio-device';
import { FEATURE } from './virtio-device';

/** Gives back what it is sent, in capitals; the chains of queue 1 it keeps. */
class Shouter implements VirtioDevice {
  readonly id = 42;
  readonly name = 'The shouter';
  readonly queueSizes = [16, 4];
  readonly features = 1n << 3n;
  readonly legacyFeatures = 1n << 7n;
  readonly config = Uint8Array.of(1, 2, 3, 4, 5);
  host!: VirtioHost;
  resets = 0;

  connect(host: VirtioHost): void {
    this.host = host;
  }

  writeConfig(offset: number, width: Width, value: number): void {
    for (let i = 0; i < width; i++) this.config[offset + i] = value >>> (8 * i);
  }

  notify(queue: number): void {
    for (let chain = this.host.queues[queue].pop(); chain; chain = this.host.queues[queue].pop()) {
      if (queue === 1) continue;
      const text = new TextDecoder().decode(chain.readable.read(0, 1000));
      this.host.finish(queue, chain, chain.writable.write(0, new TextEncoder().encode(text.toUpperCase())));
    }
  }

  started(): void {}

  reset(): void {
    this.resets++;
  }

  transferState(): void {
    // Nobody takes snapshots of it.
  }
}

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (parts: readonly Uint8Array[]) => Buffer.concat(parts).toString().replaceAll('\0', '');
const BASE = 0x10001000;

async function setUp(legacy = false, options: Parameters<typeof VirtioDriver.start>[1] = {}) {
  const device = new Shouter();
  const bench = new OwnBench(device, legacy);
  const driver = await VirtioDriver.start(bench, { queues: 2, ...options });
  return { device, bench, driver };
}

describe('VirtioMmio', () => {
  for (const legacy of [false, true]) {
    for (const indirect of [false, true]) {
      it(`passes chains, ${legacy ? 'legacy' : 'modern'}, ${indirect ? 'indirect' : 'direct'}`, async () => {
        const features = FEATURE.indirectDescriptors;
        const { bench, driver } = await setUp(legacy, { indirect, features });
        for (let round = 0; round < 40; round++) {
          const answer = await driver.send(0, bytes(`hello, `), bytes(`round ${round}`), 3, 100);
          assert.equal(textOf(answer.data), `HELLO, ROUND ${round}`);
          assert.equal(answer.written, `HELLO, ROUND ${round}`.length);
        }
        assert.equal(await driver.get(REG.interruptStatus), 1);
        assert.ok(bench.lines.length > 0 && bench.lines.every((level) => level));
        await driver.set(REG.interruptAcknowledge, 1);
        assert.equal(bench.lines.at(-1), false);
        assert.deepEqual(bench.problems, []);
      });
    }
  }

  it('interrupts by event index where that is negotiated', async () => {
    const { bench, driver } = await setUp(false, { features: FEATURE.eventIndex });
    const wantsEvent = (index: number) =>
      bench.writeMemory(driver.queues[0].available + 4 + 2 * driver.size, Uint8Array.of(index, index >> 8));
    const interrupts: number[] = [];
    await wantsEvent(2);
    for (let round = 0; round < 5; round++) {
      await driver.send(0, bytes('a'), 1);
      interrupts.push(await driver.get(REG.interruptStatus));
      await driver.set(REG.interruptAcknowledge, 1);
      const event = await bench.readMemory(driver.queues[0].used + 4 + 8 * driver.size, 2);
      assert.deepEqual([...event], [round + 1, 0]);
    }
    assert.deepEqual(interrupts, [1, 0, 1, 0, 0], 'the first is always told');
  });

  it('does not interrupt a driver that says so', async () => {
    const { bench, driver } = await setUp();
    await bench.writeMemory(driver.queues[0].available, Uint8Array.of(1));
    await driver.send(0, bytes('a'), 1);
    assert.equal(await driver.get(REG.interruptStatus), 0);
  });

  it('offers and accepts features', async () => {
    const { device, driver } = await setUp(false, { features: 0xffff_ffff_ffff_ffffn });
    const offered: number[] = [];
    for (const select of [0, 1, 2]) {
      await driver.set(REG.deviceFeaturesSelect, select);
      offered.push(await driver.get(REG.deviceFeatures));
    }
    assert.deepEqual(offered, [0x3000_0008, 0x101, 0x101]);
    assert.equal(device.host.has(1n << 3n), true);
    assert.equal(device.host.has(1n << 4n), false);
    assert.equal(device.host.has(1n << 7n), false);
    assert.equal(device.host.isDriverReady, true);
  });

  it('tells of changes of the configuration, and takes writes to it', async () => {
    const { device, bench, driver } = await setUp();
    assert.equal(await driver.get(REG.config + 1, 2), 0x0302);
    assert.equal(await driver.get(REG.config + 4), 0xffff_ffff, 'partly beyond its end');
    await driver.set(REG.config + 2, 0x99, 1);
    await driver.set(REG.config + 4, 0x99);
    assert.deepEqual([...device.config], [1, 2, 0x99, 4, 5]);
    assert.equal(await driver.get(REG.configGeneration), 0);
    device.host.configChanged();
    assert.equal(await driver.get(REG.configGeneration), 1);
    assert.equal(await driver.get(REG.interruptStatus), 3);
    assert.deepEqual(bench.lines, [true]);
  });

  it('resets the device, and a queue', async () => {
    const { device, bench, driver } = await setUp(false, { features: FEATURE.ringReset });
    await driver.send(0, bytes('a'), 1);
    await driver.set(REG.queueSelect, 0);
    assert.equal(await driver.get(REG.queueReady), 1);
    await driver.set(REG.queueReset, 1);
    assert.equal(await driver.get(REG.queueReady), 0);
    assert.equal(await driver.get(REG.queueReset), 0);
    const before = device.resets;
    await driver.set(REG.status, 0);
    assert.equal(device.resets, before + 1);
    assert.equal(await driver.get(REG.status), 0);
    assert.deepEqual(bench.lines, [true, false]);
    assert.equal(device.host.has(FEATURE.version1), false);
  });

  it('takes a legacy page number of 0 for a reset', async () => {
    const { driver } = await setUp(true);
    await driver.set(REG.queueSelect, 1);
    assert.equal(await driver.get(REG.queuePfn), (MEMORY_BASE + 0x21000) / 4096);
    await driver.set(REG.queuePfn, 0);
    assert.equal(await driver.get(REG.status), 0);
  });

  it('shows an empty slot by its device number 0', async () => {
    const bench = new OwnBench(undefined, true);
    const get = (offset: number) => bench.read(BASE + offset, 4);
    assert.deepEqual(
      [await get(REG.magic), await get(REG.version), await get(REG.deviceId), await get(REG.vendor)],
      [0x74726976, 1, 0, 0x554d4551],
    );
    await bench.write(BASE + REG.status, 4, 15);
    assert.equal(await get(REG.status), 0);
    assert.equal(await get(REG.config), 0);
  });

  const OUTSIDE = MEMORY_BASE + 2 ** 20;
  const violations: Record<string, (driver: VirtioDriver) => Promise<unknown>> = {
    'a loop': async (driver) => {
      const { descriptors } = driver.queues[0];
      await driver.bench.writeMemory(descriptors, descriptorBytes(MEMORY_BASE, 1, 1, 1));
      await driver.bench.writeMemory(descriptors + 16, descriptorBytes(MEMORY_BASE, 1, 1, 0));
      await driver.putAvailable(0, 0);
    },
    'is not in memory': async (driver) => {
      await driver.bench.writeMemory(driver.queues[0].descriptors, descriptorBytes(OUTSIDE - 1, 2, 2, 0));
      await driver.putAvailable(0, 0);
    },
    'of 4294967295 bytes': async (driver) => {
      await driver.bench.writeMemory(driver.queues[0].descriptors, descriptorBytes(MEMORY_BASE, 0xffff_ffff, 2, 0));
      await driver.putAvailable(0, 0);
    },
    'at 0xfffffffffffffff0': async (driver) => {
      const address = 0xffff_ffff_ffff_fff0n;
      await driver.bench.writeMemory(driver.queues[0].descriptors, descriptorBytes(address, 0x20, 2, 0));
      await driver.putAvailable(0, 0);
    },
    'has no bytes': async (driver) => {
      await driver.bench.writeMemory(driver.queues[0].descriptors, descriptorBytes(MEMORY_BASE, 0, 0, 0));
      await driver.putAvailable(0, 0);
    },
    'follows one to write': async (driver) => {
      const { descriptors } = driver.queues[0];
      await driver.bench.writeMemory(descriptors, descriptorBytes(MEMORY_BASE, 1, 3, 1));
      await driver.bench.writeMemory(descriptors + 16, descriptorBytes(MEMORY_BASE, 1, 0, 0));
      await driver.putAvailable(0, 0);
    },
    'followed by number 8 of 8': async (driver) => {
      await driver.bench.writeMemory(driver.queues[0].descriptors, descriptorBytes(MEMORY_BASE, 1, 1, 8));
      await driver.putAvailable(0, 0);
    },
    'offers descriptor 8 of 8': (driver) => driver.putAvailable(0, 8),
    'offers 9 chains in a queue of 8': (driver) =>
      driver.bench.writeMemory(driver.queues[0].available + 2, Uint8Array.of(9)),
    'no multiple of 16': async (driver) => {
      await driver.bench.writeMemory(driver.queues[0].descriptors, descriptorBytes(MEMORY_BASE, 17, 4, 0));
      await driver.putAvailable(0, 0);
    },
    'indirect table is not in memory': async (driver) => {
      await driver.bench.writeMemory(driver.queues[0].descriptors, descriptorBytes(OUTSIDE - 16, 32, 4, 0));
      await driver.putAvailable(0, 0);
    },
    'holds an indirect descriptor': async (driver) => {
      const { descriptors, buffers } = driver.queues[0];
      await driver.bench.writeMemory(descriptors, descriptorBytes(buffers, 16, 4, 0));
      await driver.bench.writeMemory(buffers, descriptorBytes(buffers, 16, 4, 0));
      await driver.putAvailable(0, 0);
    },
    'rings of a queue are not in memory': async (driver) => {
      await driver.set(REG.queueSelect, 0);
      await driver.set(REG.queueUsed, OUTSIDE - 8);
      await driver.set(REG.queueReady, 1);
      await driver.putAvailable(0, 0);
    },
  };

  for (const [problem, violate] of Object.entries(violations)) {
    it(`says what is wrong, and waits for a reset: ${problem}`, async () => {
      const { bench, driver } = await setUp();
      await violate(driver);
      await driver.set(REG.queueNotify, 0);
      assert.equal(bench.problems.length, 1);
      assert.ok(bench.problems[0].includes(problem), bench.problems[0]);
      assert.equal(await driver.get(REG.status), DRIVER_OK | 64);
      assert.equal(await driver.get(REG.interruptStatus), 3);
      await driver.set(REG.queueNotify, 0);
      assert.equal(bench.problems.length, 1, 'nothing more is done');
      const again = await VirtioDriver.start(bench);
      assert.equal(textOf((await again.send(0, bytes('back'), 9)).data), 'BACK');
    });
  }

  it('ignores queues that are not there or not set up', async () => {
    const { bench, driver } = await setUp(false, { queues: 1 });
    for (const queue of [1, 2, 5000, 0xffff_ffff]) await driver.set(REG.queueNotify, queue);
    await driver.set(REG.queueSelect, 2);
    assert.equal(await driver.get(REG.queueNumMax), 0);
    await driver.set(REG.queueReady, 1);
    assert.equal(await driver.get(REG.queueReady), 0);
    assert.deepEqual(bench.problems, []);
  });
});
