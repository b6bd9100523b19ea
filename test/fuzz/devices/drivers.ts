/**
 * Random virtio drivers: whatever they write to registers and rings, nothing breaks, nothing outside memory is touched (which
 * would throw), and work is bounded.
 */
import assert from 'node:assert/strict';
import type { Width } from '../../../src/machine/devices/device';
import { Virtio9p } from '../../../src/machine/devices/virtio/9p/virtio-9p';
import { VirtioBlock } from '../../../src/machine/devices/virtio/block';
import { VirtioConsole } from '../../../src/machine/devices/virtio/console';
import { VirtioEntropy } from '../../../src/machine/devices/virtio/entropy';
import { VirtioNetwork } from '../../../src/machine/devices/virtio/network';
import { MemoryStorage, OverlayStorage } from '../../../src/machine/devices/virtio/storage';
import type { VirtioDevice } from '../../../src/machine/devices/virtio/virtio-device';
import { Gateway } from '../../../src/machine/network/gateway';
import { MemoryFolder } from '../../support/memory-folder';
import { Random } from '../../support/random';
import { MEMORY_BASE, OwnBench, TestMemory } from '../../support/virtio-bench';
import { descriptorBytes, REG, VirtioDriver } from '../../support/virtio-driver';

const BASE = 0x10001000;
const SIZE = 0x200;
const MEMORY_SIZE = 0x40000;
const WIDTHS: readonly Width[] = [1, 2, 4, 8];

/** A device, and what happens to it from outside while its driver is at it. */
type Maker = () => readonly [VirtioDevice, (random: Random) => void];

const MAKERS = {
  block: () => [new VirtioBlock({ storage: new OverlayStorage(new MemoryStorage(new Uint8Array(99_999))) }), () => {}],
  entropy: () => [new VirtioEntropy(7), () => {}],
  console: () => {
    const console = new VirtioConsole();
    return [console, (random) => console.receive(new Uint8Array(random.below(200)))];
  },
  network: () => {
    const rules = { forward: [], reach: [{ protocol: 'tcp', gateway: 80, host: 80 } as const] };
    const gateway = new Gateway({ rules });
    return [new VirtioNetwork(gateway), (random) => gateway.onFrame(new Uint8Array(random.below(2000)))];
  },
  '9p': () => [new Virtio9p(new MemoryFolder(), 'share'), () => {}],
} as const satisfies Readonly<Record<string, Maker>>;

export type VirtioKind = keyof typeof MAKERS;
export const VIRTIO_KINDS = Object.keys(MAKERS) as VirtioKind[];

/** An address: mostly in memory, often at its edges. */
function address(random: Random): number {
  const near = random.below(64) - 32;
  return random.pick([
    MEMORY_BASE + random.below(MEMORY_SIZE),
    MEMORY_BASE + 0x1000 * random.below(64),
    MEMORY_BASE + MEMORY_SIZE + near,
    MEMORY_BASE + near,
    random.next(),
  ]);
}

function length(random: Random): number {
  return random.pick([0, 1, 16, 32, 512, 513, 528, 4096, MEMORY_SIZE, 0xffff_ffff, random.next()]);
}

async function scribble(bench: OwnBench, random: Random): Promise<void> {
  const at = MEMORY_BASE + 16 * random.below(MEMORY_SIZE / 16);
  const next = random.pick([random.below(8), random.below(8), random.below(1100), random.below(65536)]);
  const flags = random.pick([0, 1, 1, 2, 3, 3, 4, 5, random.below(65536)]);
  const high = random.below(20) === 0 ? random.bits(32) << 32n : 0n;
  await bench.writeMemory(at, descriptorBytes(high | BigInt(address(random)), length(random), flags, next));
}

function registerValue(register: number, random: Random): number {
  switch (register) {
    case REG.queuePfn:
      return Math.floor(address(random) / 4096);
    case REG.guestPageSize:
      return random.pick([4096, 4096, 4096, random.next()]);
    case REG.status:
      return random.pick([0, 7, 15, 15, 15, random.below(256)]);
    case REG.queueNum:
      return random.pick([1, 4, 8, 8, 16, 1024, random.next()]);
    case REG.queueSelect:
    case REG.queueNotify:
      return random.pick([0, 0, 1, 1, 2, 3, random.next()]);
    case REG.queueDesc:
    case REG.queueAvailable:
    case REG.queueUsed:
      return address(random);
    default:
      return random.pick([0, 1, random.next()]);
  }
}

/** Random writes to registers, most of them to those that do something. */
async function anyRegister(bench: OwnBench, random: Random): Promise<void> {
  if (random.below(8) === 0) {
    const width = random.pick(WIDTHS);
    const at = BASE + random.below(SIZE);
    if (random.below(2) === 0) bench.bus.write(at, width, random.bits(64));
    const value = bench.bus.read(at, width);
    if (value !== undefined) assert.equal(value, BigInt.asUintN(8 * width, value));
    return;
  }
  const register = random.pick(Object.values(REG));
  // Most random status bytes would only reset the device again.
  if (register === REG.status && random.below(4) > 0) return;
  await bench.write(BASE + register, 4, registerValue(register, random));
}

/** A driver that sets everything up as it should, and then puts nonsense into the queues. */
async function nonsense(bench: OwnBench, random: Random, queues: number): Promise<void> {
  const features = random.bits(42);
  const driver = await VirtioDriver.start(bench, { queues, features, indirect: random.below(2) === 0 });
  for (let round = 0; round < 30; round++) {
    const queue = random.below(queues);
    const { descriptors, available, used, buffers } = driver.queues[queue];
    for (let i = 0; i < 8; i++) {
      const [at, size] = random.below(3) === 0 ? [address(random), length(random)] : [buffers + 64 * i, 16 + 512 * i];
      const flags = random.pick([0, 1, 1, 2, 3, 4]);
      await bench.writeMemory(descriptors + 16 * i, descriptorBytes(at, size, flags, random.below(9)));
      await bench.writeMemory(buffers + 64 * i, Uint8Array.of(random.below(16), 0, 0, 0));
    }
    const step = random.pick([1, 1, 2, 8, 9]);
    const index = ((await bench.readMemory(available + 2, 2))[0] + step) & 0xff;
    await bench.writeMemory(available + 2, Uint8Array.of(index));
    await bench.writeMemory(
      available + 4,
      Uint8Array.from({ length: 16 }, (_, i) => (i % 2 ? 0 : random.below(8))),
    );
    await driver.set(REG.queueNotify, queue);
    if (random.below(8) === 0) await bench.writeMemory(used, Uint8Array.of(random.below(256)));
    if (random.below(4) === 0) await bench.wait();
  }
}

/** @throws what goes wrong */
export async function fuzzDriver(kind: VirtioKind, legacy: boolean, seed: number, rounds: number): Promise<void> {
  const random = new Random(seed);
  const [device, outside] = MAKERS[kind]();
  const bench = new OwnBench(device, legacy, new TestMemory(MEMORY_SIZE));
  const queues = Math.min(2, device.queueSizes.length);
  for (let round = 0; round < rounds; round++) {
    if (random.below(3) === 0) await scribble(bench, random);
    if (random.below(16) === 0) outside(random);
    if (random.below(64) === 0) await bench.wait();
    await anyRegister(bench, random);
    if (random.below(100) === 0) await nonsense(bench, random, queues);
  }
}
