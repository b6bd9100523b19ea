/**
 * A disk: virtio-blk with one queue.
 * Specification: Virtual I/O Device (VIRTIO) 1.2, section 5.2 Block Device; features, configuration and answers to odd
 * requests as in QEMU 7.2's hw/block/virtio-blk.c. A request is done when the driver notifies the device, and within a
 * bounded time: what is more than `BYTES_AT_ONCE` waits for the next tick of virtual time, and a single request for more
 * than `LARGEST_REQUEST` bytes is an I/O error.
 */
import type { StateTransfer } from '../../../engine/state-transfer';
import type { Width } from '../device';
import type { Storage } from './storage';
import { SECTOR_SIZE, StorageError } from './storage';
import type { VirtioDevice, VirtioHost } from './virtio-device';
import { DEVICE_ID } from './virtio-device';
import { VirtioError } from './virtio-error';
import type { Chain } from './virtqueue';

const F_SEG_MAX = 1n << 2n;
const F_GEOMETRY = 1n << 4n;
const F_RO = 1n << 5n;
const F_BLK_SIZE = 1n << 6n;
const F_SCSI = 1n << 7n;
const F_FLUSH = 1n << 9n;
const F_TOPOLOGY = 1n << 10n;
const F_CONFIG_WCE = 1n << 11n;
const F_DISCARD = 1n << 13n;
const F_WRITE_ZEROES = 1n << 14n;

/** Types of requests without their flag that data goes to the device, which only some of them need. */
const REQUEST = { inOrOut: 0, scsi: 2, flush: 4, getId: 8, discard: 10, writeZeroes: 12 } as const;
const FLAG_OUT = 1;
/** A flag of legacy drivers, without effect. */
const FLAG_BARRIER = 0x8000_0000;
const HEADER_SIZE = 16;
const ID_SIZE = 20;
const SEGMENT_SIZE = 16;
const SEGMENT_UNMAP = 1;

const STATUS = { ok: 0, ioError: 1, unsupported: 2 } as const;
type Status = (typeof STATUS)[keyof typeof STATUS];

const QUEUE_SIZE = 256;
const CONFIG_SIZE = 57;
const CONFIG_WRITEBACK = 0x20;
const MOST_SEGMENT_SECTORS = 4_194_303;

const LARGEST_REQUEST = 64 * 2 ** 20;
/** Bytes of requests that are done before the program goes on. */
const BYTES_AT_ONCE = 64 * 2 ** 20;
/** What a request costs at least, in bytes, for that count; and of what it clears one byte in so many counts. */
const LEAST_COST = 4096;
const CLEARED_PER_BYTE = 64;

export interface BlockOptions {
  readonly storage: Storage;
  /** Up to 20 characters, which the driver can ask for. */
  readonly serial?: string;
  /** The storage failed, and the guest was told of an I/O error; one sentence for the user. */
  readonly onProblem?: (message: string) => void;
}

interface Request {
  readonly type: number;
  /** The type has the flag that data goes to the device. */
  readonly out: boolean;
  readonly sector: number;
  readonly chain: Chain;
}

export class VirtioBlock implements VirtioDevice {
  readonly id = DEVICE_ID.block;
  readonly name = 'The disk';
  readonly queueSizes = [QUEUE_SIZE];
  readonly features: bigint;
  readonly legacyFeatures = F_SCSI;
  readonly config: Uint8Array;

  private readonly storage: Storage;
  private readonly serial: Uint8Array;
  private readonly onProblem: (message: string) => void;
  private host!: VirtioHost;
  /** What was done since the last notification. */
  private cost = 0;
  /** What the user was told last. */
  private told = '';

  constructor({ storage, serial = '', onProblem = () => {} }: BlockOptions) {
    this.storage = storage;
    this.serial = new TextEncoder().encode(serial).slice(0, ID_SIZE);
    this.onProblem = onProblem;
    const always = F_SEG_MAX | F_GEOMETRY | F_BLK_SIZE | F_FLUSH | F_TOPOLOGY | F_CONFIG_WCE;
    this.features = always | F_DISCARD | F_WRITE_ZEROES | (storage.readOnly ? F_RO : 0n);
    this.config = configuration(storage.sectors);
  }

  connect(host: VirtioHost): void {
    this.host = host;
  }

  /** The only writable byte says whether written data may be held back; here it never is. */
  writeConfig(offset: number, width: Width, value: number): void {
    const at = CONFIG_WRITEBACK - offset;
    if (at >= 0 && at < width) this.config[CONFIG_WRITEBACK] = (value >>> (8 * at)) & 1;
  }

  /** A driver that does not know of that byte knows whether data is held back from whether it can flush. */
  started(): void {
    if (!this.host.has(F_CONFIG_WCE)) this.config[CONFIG_WRITEBACK] = this.host.has(F_FLUSH) ? 1 : 0;
  }

  reset(): void {
    this.config[CONFIG_WRITEBACK] = 1;
    this.told = '';
  }

  notify(queue: number): void {
    const { host } = this;
    this.cost = 0;
    while (this.cost < BYTES_AT_ONCE) {
      const chain = host.queues[queue].pop();
      if (!chain) return;
      this.cost += LEAST_COST;
      this.answer(chain);
      host.finish(queue, chain, chain.writable.length);
    }
    host.resume(queue);
  }

  transferState(state: StateTransfer): void {
    state.fill(this.config);
    this.storage.transferState(state);
  }

  private answer(chain: Chain): void {
    const { readable, writable } = chain;
    if (readable.length < HEADER_SIZE) throw new VirtioError("a request's header is too short");
    if (writable.length < 1) throw new VirtioError('a request has no room for its status');
    const header = dataView(readable.read(0, HEADER_SIZE));
    const type = header.getUint32(0, true);
    const status = this.perform({
      type: (type & ~(FLAG_OUT | FLAG_BARRIER)) >>> 0,
      out: (type & FLAG_OUT) !== 0,
      sector: Number(header.getBigUint64(8, true)),
      chain,
    });
    writable.write(writable.length - 1, Uint8Array.of(status));
  }

  private perform(request: Request): Status {
    try {
      switch (request.type) {
        case REQUEST.inOrOut:
          return request.out ? this.write(request) : this.read(request);
        case REQUEST.scsi:
          // Nobody implements it any more; what is no SCSI command at all is an error in QEMU.
          return request.chain.writable.count < 3 ? STATUS.ioError : STATUS.unsupported;
        case REQUEST.flush:
          this.storage.flush();
          return STATUS.ok;
        case REQUEST.getId:
          return this.identify(request);
        case REQUEST.discard:
        case REQUEST.writeZeroes:
          return this.discardOrClear(request);
        default:
          return STATUS.unsupported;
      }
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.tell(error.message);
      return STATUS.ioError;
    }
  }

  /** Once: a driver tries again and again. */
  private tell(problem: string): void {
    if (problem === this.told) return;
    this.told = problem;
    this.onProblem(problem);
  }

  private read({ sector, chain }: Request): Status {
    const length = chain.writable.length - 1;
    if (length > LARGEST_REQUEST || !this.hasBytes(sector, length)) return STATUS.ioError;
    this.cost += length;
    const bytes = new Uint8Array(length);
    this.storage.read(sector, bytes);
    chain.writable.write(0, bytes);
    return STATUS.ok;
  }

  private write({ sector, chain }: Request): Status {
    const length = chain.readable.length - HEADER_SIZE;
    if (length > LARGEST_REQUEST || !this.hasBytes(sector, length)) return STATUS.ioError;
    if (this.storage.readOnly) return STATUS.ioError;
    this.cost += length;
    this.storage.write(sector, chain.readable.read(HEADER_SIZE, length));
    return STATUS.ok;
  }

  /** The name ends with a zero byte where there is room for one. */
  private identify({ chain }: Request): Status {
    const room = Math.min(chain.writable.length - 1, ID_SIZE);
    chain.writable.write(0, Uint8Array.of(...this.serial, 0).subarray(0, room));
    return STATUS.ok;
  }

  /** One segment a request. Discarded sectors keep what they hold, as the specification allows. */
  private discardOrClear({ type, out, chain }: Request): Status {
    const length = chain.readable.length - HEADER_SIZE;
    if (!out || length > SEGMENT_SIZE) return STATUS.unsupported;
    if (length < SEGMENT_SIZE) throw new VirtioError('a request to discard names no sectors');
    const segment = dataView(chain.readable.read(HEADER_SIZE, SEGMENT_SIZE));
    const sector = Number(segment.getBigUint64(0, true));
    const count = segment.getUint32(8, true);
    const flags = segment.getUint32(12, true);
    const clears = type === REQUEST.writeZeroes;
    if (count > MOST_SEGMENT_SECTORS || !this.hasSectors(sector, count)) return STATUS.ioError;
    if (flags & ~SEGMENT_UNMAP || (flags !== 0 && !clears)) return STATUS.unsupported;
    if (!clears) return STATUS.ok;
    if (this.storage.readOnly) return STATUS.ioError;
    this.cost += (count * SECTOR_SIZE) / CLEARED_PER_BYTE;
    this.storage.clear(sector, count);
    return STATUS.ok;
  }

  private hasBytes(sector: number, length: number): boolean {
    return length % SECTOR_SIZE === 0 && this.hasSectors(sector, length / SECTOR_SIZE);
  }

  private hasSectors(sector: number, count: number): boolean {
    return sector + count <= this.storage.sectors;
  }
}

/** struct virtio_blk_config (5.2.4), with QEMU's guess at the geometry. */
function configuration(sectors: number): Uint8Array {
  const config = new Uint8Array(CONFIG_SIZE);
  const view = dataView(config);
  const [heads, sectorsPerTrack] = [16, 63];
  view.setBigUint64(0, BigInt(sectors), true);
  view.setUint32(12, QUEUE_SIZE - 2, true);
  const cylinders = Math.floor(sectors / (heads * sectorsPerTrack));
  view.setUint16(16, Math.min(16383, Math.max(2, cylinders)), true);
  view.setUint8(18, heads);
  view.setUint8(19, sectorsPerTrack);
  view.setUint32(20, SECTOR_SIZE, true);
  view.setUint8(CONFIG_WRITEBACK, 1);
  view.setUint16(0x22, 1, true);
  view.setUint32(0x24, MOST_SEGMENT_SECTORS, true);
  view.setUint32(0x28, 1, true);
  view.setUint32(0x2c, 1, true);
  view.setUint32(0x30, MOST_SEGMENT_SECTORS, true);
  view.setUint32(0x34, 1, true);
  view.setUint8(0x38, 1);
  return config;
}

function dataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
