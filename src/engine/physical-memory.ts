/** DRAM as the machine sees it: HPA are plain numbers; the bytes lie in the engine's WebAssembly memory. */
import { RAM } from './layout';

/** HPA of the first byte of DRAM. */
export const DRAM_BASE = 0x80000000;
const PAGE_SIZE = 0x1000;

/** Told of every write that does not come from a running instruction, so that decoded code can be dropped. */
export type WriteListener = (hpa: number, length: number) => void;

/** Bytes for memory that are elsewhere until they are written there, such as a file's. */
export interface Contents {
  /** In bytes. */
  readonly length: number;
  /**
   * Writes all of them, or begins to, if they will be there before anything looks for them.
   * @param to where they belong, as long as they are
   * @throws Error in a user's words
   */
  writeTo(to: Uint8Array): void;
}

/**
 * Little-endian access by HPA. Every method throws a RangeError when the access is not wholly inside DRAM: callers that
 * handle a guest's addresses ask `contains` first.
 */
export class PhysicalMemory {
  /** HPAs of pages that views may change. */
  readonly sharedPages = new Set<number>();
  private readonly data: Uint8Array;
  private readonly view: DataView;

  constructor(
    buffer: ArrayBuffer,
    /** Size of DRAM in bytes. */
    readonly size: number,
    private readonly onWrite: WriteListener,
  ) {
    this.data = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  /** Whether `length` bytes from `hpa` are DRAM. */
  contains(hpa: number, length: number): boolean {
    return hpa >= DRAM_BASE && hpa + length <= DRAM_BASE + this.size;
  }

  read8(hpa: number): number {
    return this.view.getUint8(this.at(hpa, 1));
  }

  read16(hpa: number): number {
    return this.view.getUint16(this.at(hpa, 2), true);
  }

  /** Unsigned. */
  read32(hpa: number): number {
    return this.view.getUint32(this.at(hpa, 4), true);
  }

  /** Unsigned. */
  read64(hpa: number): bigint {
    return this.view.getBigUint64(this.at(hpa, 8), true);
  }

  write8(hpa: number, value: number): void {
    this.view.setUint8(this.written(hpa, 1), value);
  }

  write16(hpa: number, value: number): void {
    this.view.setUint16(this.written(hpa, 2), value, true);
  }

  write32(hpa: number, value: number): void {
    this.view.setUint32(this.written(hpa, 4), value, true);
  }

  write64(hpa: number, value: bigint): void {
    this.view.setBigUint64(this.written(hpa, 8), value, true);
  }

  /** As `write64`, of two halves. */
  writeHalves(hpa: number, low: number, high: number): void {
    const start = this.written(hpa, 8);
    this.view.setUint32(start, low, true);
    this.view.setUint32(start + 4, high, true);
  }

  /** A live view of `length` bytes, for reading only: writes through it would not drop decoded code. */
  bytes(hpa: number, length: number): Uint8Array {
    const start = this.at(hpa, length);
    return this.data.subarray(start, start + length);
  }

  /**
   * A live view of `length` bytes, for reading and writing at any time: what it is for is never decoded code, and snapshots
   * look at its pages each time.
   */
  sharedView(hpa: number, length: number): Uint8Array {
    for (let page = hpa - (hpa % PAGE_SIZE); page < hpa + length; page += PAGE_SIZE) this.sharedPages.add(page);
    return this.bytes(hpa, length);
  }

  /** Copies `bytes` to `hpa`. */
  load(hpa: number, bytes: Uint8Array | Contents): void {
    const start = this.written(hpa, bytes.length);
    if ('writeTo' in bytes) bytes.writeTo(this.data.subarray(start, start + bytes.length));
    else this.data.set(bytes, start);
  }

  fill(hpa: number, length: number, byte: number): void {
    const start = this.written(hpa, length);
    this.data.fill(byte, start, start + length);
  }

  private at(hpa: number, length: number): number {
    if (!this.contains(hpa, length)) {
      throw new RangeError(`0x${hpa.toString(16)} (${length} bytes) is outside DRAM`);
    }
    return hpa - DRAM_BASE + RAM;
  }

  private written(hpa: number, length: number): number {
    const start = this.at(hpa, length);
    this.onWrite(hpa, length);
    return start;
  }
}
