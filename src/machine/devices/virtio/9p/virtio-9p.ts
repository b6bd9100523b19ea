/**
 * A folder of the host's that a guest mounts: virtio-9p, as QEMU's hw/9pfs/virtio-9p-device.c. The driver finds it by its tag.
 */
import type { StateTransfer } from '../../../../engine/state-transfer';
import type { VirtioDevice, VirtioHost } from '../virtio-device';
import { DEVICE_ID, FEATURE } from '../virtio-device';
import { VirtioError } from '../virtio-error';
import type { Chain } from '../virtqueue';
import type { SharedFolder } from './file-system';
import { HEADER_SIZE } from './message';
import { LARGEST_MESSAGE, Server } from './server';

const F_MOUNT_TAG = 1n;
const QUEUE_SIZE = 128;
/** Room that any answer, also an error, needs. */
const LEAST_ROOM = 11;
/** Bytes of messages that are handled before the program goes on, and what a message counts at least. */
const BYTES_AT_ONCE = 4 * 2 ** 20;
const LEAST_COST = 4096;

export class Virtio9p implements VirtioDevice {
  readonly id = DEVICE_ID.fileSystem;
  readonly name = 'The shared folder';
  readonly queueSizes = [QUEUE_SIZE];
  readonly features = F_MOUNT_TAG;
  readonly legacyFeatures = FEATURE.anyLayout;
  /** The tag's length and its bytes. */
  readonly config: Uint8Array;

  private readonly server: Server;
  private host!: VirtioHost;

  /** @param tag what the guest mounts */
  constructor(folder: SharedFolder, tag: string) {
    this.server = new Server(folder);
    const bytes = new TextEncoder().encode(tag);
    this.config = Uint8Array.of(bytes.length & 0xff, bytes.length >>> 8, ...bytes);
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
    this.server.reset();
  }

  transferState(state: StateTransfer): void {
    this.server.transferState(state);
  }

  notify(queue: number): void {
    const { host } = this;
    for (let left = BYTES_AT_ONCE; left > 0;) {
      const chain = host.queues[queue].pop();
      if (!chain) return;
      const written = this.answer(chain);
      host.finish(queue, chain, written);
      left -= Math.max(LEAST_COST, chain.readable.length, written);
    }
    host.resume(queue);
  }

  private answer({ readable, writable }: Chain): number {
    if (readable.length < HEADER_SIZE) throw new VirtioError('a message has no header');
    if (writable.length < LEAST_ROOM) throw new VirtioError('a message leaves no room for its answer');
    const header = readable.read(0, HEADER_SIZE);
    const size = new DataView(header.buffer).getUint32(0, true);
    if (size < HEADER_SIZE || size > readable.length || size > LARGEST_MESSAGE) {
      throw new VirtioError(`a message says that it has ${size} bytes, and there are ${readable.length}`);
    }
    return writable.write(0, this.server.answer(readable.read(0, size), writable.length));
  }
}
