/** Rings of virtio devices as a hostile driver makes them: set up rightly, with descriptors of anything. */
import type { Guest } from '../../../src/hypervisor/guest';
import { VirtioBlock } from '../../../src/machine/devices/virtio/block';
import { VirtioConsole } from '../../../src/machine/devices/virtio/console';
import { VirtioEntropy } from '../../../src/machine/devices/virtio/entropy';
import { VirtioNetwork } from '../../../src/machine/devices/virtio/network';
import { MemoryStorage, OverlayStorage } from '../../../src/machine/devices/virtio/storage';
import type { VirtioDevice } from '../../../src/machine/devices/virtio/virtio-device';
import type { VirtioVersion } from '../../../src/machine/extra-devices';
import { Gateway } from '../../../src/machine/network/gateway';
import type { Random } from '../../support/random';
import { descriptorBytes, REG } from '../../support/virtio-driver';
import { address, MEMORY } from './entries';

const SLOT = 0x1000;
const FIRST_SLOT = 0x1000_1000;
const QUEUES = 2;
const QUEUE_SIZE = 8;
/** Where rings lie: between tables and code. */
const RINGS = MEMORY.base + 0x10_0000;
const RING_SPACE = 0x4000;

export function hostileDevices(): VirtioDevice[] {
  return [
    new VirtioBlock({ storage: new OverlayStorage(new MemoryStorage(new Uint8Array(64 * 1024))) }),
    new VirtioEntropy(7),
    new VirtioConsole(),
    new VirtioNetwork(new Gateway()),
  ];
}

/** Sets some devices up by their registers, as the guest could itself, and tells them of what is in their rings. */
export function makeRings(guest: Guest, random: Random, version: VirtioVersion, devices: number): void {
  const slot = random.below(devices);
  const base = FIRST_SLOT + slot * SLOT;
  const write = (register: number, value: number): void => {
    guest.devices.bus.write(base + register, 4, BigInt(value >>> 0));
  };
  write(REG.status, 0);
  write(REG.status, 3);
  if (version === 'legacy') write(REG.guestPageSize, 4096);
  else {
    write(REG.driverFeaturesSelect, 1);
    write(REG.driverFeatures, 1);
    write(REG.status, 11);
  }
  for (let queue = 0; queue < QUEUES; queue++) {
    const at =
      random.below(10) === 0 ? Number(address(random) & 0xffff_f000n) : RINGS + (slot * QUEUES + queue) * RING_SPACE;
    write(REG.queueSelect, queue);
    write(REG.queueNum, QUEUE_SIZE);
    if (version === 'legacy') {
      write(REG.queueAlign, 4096);
      write(REG.queuePfn, at / 4096);
    } else {
      write(REG.queueDesc, at);
      write(REG.queueAvailable, at + QUEUE_SIZE * 16);
      write(REG.queueUsed, at + 4096);
      write(REG.queueReady, 1);
    }
    fillRing(guest, random, at);
  }
  write(REG.status, version === 'legacy' ? 7 : 15);
  for (let queue = 0; queue < QUEUES; queue++) write(REG.queueNotify, queue);
}

function fillRing(guest: Guest, random: Random, at: number): void {
  for (let i = 0; i < QUEUE_SIZE; i++) {
    const length = random.pick([0, 1, 16, 512, 4096, MEMORY.size, 0xffff_ffff, random.next()]);
    const flags = random.pick([0, 1, 1, 2, 3, 3, 4, random.below(65536)]);
    guest.memory.write(at + 16 * i, descriptorBytes(bufferAddress(random), length, flags, random.below(9)));
  }
  const available = new Uint8Array(4 + 2 * QUEUE_SIZE);
  available[2] = random.pick([1, 2, QUEUE_SIZE, QUEUE_SIZE + 1, 255]);
  for (let i = 4; i < available.length; i += 2) available[i] = random.below(QUEUE_SIZE + 1);
  guest.memory.write(at + QUEUE_SIZE * 16, available);
}

/** The guest's memory, its borders, its page tables, and what is not its. */
function bufferAddress(random: Random): bigint {
  const border = BigInt(MEMORY.base + MEMORY.size);
  return random.pick([
    BigInt(MEMORY.base) + random.bits(23),
    BigInt(MEMORY.base) + random.bits(16),
    border - random.bits(12),
    border - 1n,
    BigInt(MEMORY.base) - random.bits(8),
    0x8800_0000n + random.bits(24),
    0x8020_0000n + random.bits(20),
    random.bits(64),
  ]);
}
