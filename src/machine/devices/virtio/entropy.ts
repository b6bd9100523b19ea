/**
 * A source of random numbers: virtio-rng.
 * Specification: Virtual I/O Device (VIRTIO) 1.2, section 5.4 Entropy Device. The numbers come from a generator that
 * starts from a seed, so that every run is alike: they are no secrets.
 */
import type { StateTransfer } from '../../../engine/state-transfer';
import type { VirtioDevice, VirtioHost } from './virtio-device';
import { DEVICE_ID, FEATURE } from './virtio-device';

/** Bytes that one request gets at most; the driver is told how many it got. */
const MOST_BYTES = 64 * 1024;
/** Bytes for all requests before the program goes on. */
const BYTES_AT_ONCE = 2 ** 20;
const LEAST_COST = 256;

export class VirtioEntropy implements VirtioDevice {
  readonly id = DEVICE_ID.entropy;
  readonly name = 'The entropy device';
  readonly queueSizes = [8];
  readonly features = 0n;
  readonly legacyFeatures = FEATURE.anyLayout;
  readonly config = new Uint8Array(0);

  private readonly generator: Generator32;
  private host!: VirtioHost;

  /** @param seed 32 bits */
  constructor(seed = 1) {
    this.generator = new Generator32(seed);
  }

  connect(host: VirtioHost): void {
    this.host = host;
  }

  writeConfig(): void {
    // There is nothing to write.
  }

  started(): void {
    // Nothing is done unasked.
  }

  reset(): void {
    // The numbers go on where they were.
  }

  transferState(state: StateTransfer): void {
    this.generator.transferState(state);
  }

  notify(queue: number): void {
    const { host } = this;
    let left = BYTES_AT_ONCE;
    while (left > 0) {
      const chain = host.queues[queue].pop();
      if (!chain) return;
      const bytes = this.generator.bytes(Math.min(chain.writable.length, MOST_BYTES));
      chain.writable.write(0, bytes);
      host.finish(queue, chain, bytes.length);
      left -= Math.max(bytes.length, LEAST_COST);
    }
    host.resume(queue);
  }
}

/** Numbers that look random (xorshift128, seeded by a Weyl sequence with mixing). */
class Generator32 {
  private readonly state = new Uint32Array(4);

  constructor(seed: number) {
    for (let i = 0; i < 4; i++) this.state[i] = mix(seed + Math.imul(i + 1, 0x9e37_79b9));
    if (this.state.every((word) => word === 0)) this.state[0] = 1;
  }

  bytes(length: number): Uint8Array {
    const words = new Uint32Array(Math.ceil(length / 4));
    for (let i = 0; i < words.length; i++) words[i] = this.next();
    return new Uint8Array(words.buffer, 0, length);
  }

  transferState(state: StateTransfer): void {
    state.fill(this.state);
  }

  private next(): number {
    const { state } = this;
    let mixed = state[3];
    mixed ^= mixed << 11;
    mixed ^= mixed >>> 8;
    state.copyWithin(1, 0, 3);
    state[0] = mixed ^ state[1] ^ (state[1] >>> 19);
    return mix(state[0]);
  }
}

function mix(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
