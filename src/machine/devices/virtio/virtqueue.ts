/**
 * A split virtqueue: what a driver offers (`pop`) and what its device is done with (`push`).
 * Specification: Virtual I/O Device (VIRTIO) 1.2, section 2.7 Split Virtqueues. What it forbids drivers to do, and buffers
 * of no bytes, which QEMU forbids, ends in a VirtioError; every address is checked before memory is touched.
 */
import type { StateTransfer } from '../../../engine/state-transfer';
import { Buffers } from './buffers';
import type { DmaMemory } from './dma-memory';
import { VirtioError } from './virtio-error';

/** The largest queue, and the most descriptors that one chain may have, as in QEMU. */
export const LARGEST_QUEUE = 1024;

const DESCRIPTOR_SIZE = 16;
/** Drivers write 64 bits; what lies beyond memory is refused when it is used. */
const MOST_ADDRESS = 2 ** 65;
const DESCRIPTOR_NEXT = 1;
const DESCRIPTOR_WRITE = 2;
const DESCRIPTOR_INDIRECT = 4;
/** Flag of the available ring: the driver wants no interrupts. */
const NO_INTERRUPT = 1;

/** A chain of buffers that a driver offered. */
export interface Chain {
  /** Its first descriptor, by which it goes back. */
  readonly head: number;
  /** What the device reads. */
  readonly readable: Buffers;
  /** What the device writes. */
  readonly writable: Buffers;
}

/** Descriptors at `address`, each with a number below `count`. */
interface Table {
  readonly address: number;
  readonly count: number;
  readonly indirect: boolean;
}

export class Virtqueue {
  /** Number of descriptors. */
  size: number;
  /** Addresses of the three parts; 0: not set up. */
  descriptors = 0;
  available = 0;
  used = 0;
  /** VIRTIO_F_EVENT_IDX was negotiated: both sides say by index when they want to be told. */
  eventIndex = false;

  private nextAvailable = 0;
  private nextUsed = 0;
  /** Where the device had got to when it last decided about an interrupt. */
  private signalled: number | undefined;

  constructor(
    private readonly memory: DmaMemory,
    private readonly initialSize: number,
  ) {
    this.size = initialSize;
  }

  /** Whether the driver has set it up. */
  get isReady(): boolean {
    return this.descriptors !== 0;
  }

  /** As after power-on. */
  reset(): void {
    this.size = this.initialSize;
    this.descriptors = this.available = this.used = 0;
    this.eventIndex = false;
    this.nextAvailable = this.nextUsed = 0;
    this.signalled = undefined;
  }

  transferState(state: StateTransfer): void {
    this.size = state.integer(this.size, LARGEST_QUEUE, 1);
    this.descriptors = state.integer(this.descriptors, MOST_ADDRESS);
    this.available = state.integer(this.available, MOST_ADDRESS);
    this.used = state.integer(this.used, MOST_ADDRESS);
    this.eventIndex = state.flag(this.eventIndex);
    this.nextAvailable = state.integer(this.nextAvailable, 0xffff);
    this.nextUsed = state.integer(this.nextUsed, 0xffff);
    this.signalled = state.optional(this.signalled, (index) => state.integer(index ?? 0, 0xffff));
  }

  /** Takes the next chain that the driver offers; undefined when there is none. @throws VirtioError */
  pop(): Chain | undefined {
    if (!this.isReady) return undefined;
    this.checkRings();
    const { memory, size } = this;
    const offered = (memory.read16(this.available + 2) - this.nextAvailable) & 0xffff;
    if (offered > size) throw new VirtioError(`the driver offers ${offered} chains in a queue of ${size}`);
    if (offered === 0) return undefined;
    const head = memory.read16(this.available + 4 + 2 * (this.nextAvailable % size));
    if (head >= size) throw new VirtioError(`the driver offers descriptor ${head} of ${size}`);
    this.nextAvailable = (this.nextAvailable + 1) & 0xffff;
    if (this.eventIndex) memory.write16(this.used + 4 + 8 * size, this.nextAvailable);
    return this.collect(head);
  }

  /** Puts the last chain back: the next `pop` returns it again. */
  unpop(): void {
    this.nextAvailable = (this.nextAvailable - 1) & 0xffff;
    if (this.eventIndex) this.memory.write16(this.used + 4 + 8 * this.size, this.nextAvailable);
  }

  /** Gives a chain back with `written` bytes in its writable buffers. @throws VirtioError */
  push({ head }: Chain, written: number): void {
    this.pushAll([[head, written]]);
  }

  /** Gives chains back that the driver shall see all at once: pairs of first descriptor and bytes written. */
  pushAll(chains: readonly (readonly [head: number, written: number])[]): void {
    this.checkRings();
    const { memory, size } = this;
    for (const [head, written] of chains) {
      const element = this.used + 4 + 8 * (this.nextUsed % size);
      memory.write32(element, head);
      memory.write32(element + 4, written);
      this.nextUsed = (this.nextUsed + 1) & 0xffff;
    }
    memory.write16(this.used + 2, this.nextUsed);
  }

  /** Whether an interrupt is due for what was pushed since the last time this was asked (2.7.7). @throws VirtioError */
  takeInterrupt(): boolean {
    this.checkRings();
    const { memory, nextUsed, signalled } = this;
    if (!this.eventIndex) return (memory.read16(this.available) & NO_INTERRUPT) === 0;
    this.signalled = nextUsed;
    if (signalled === undefined) return true;
    const event = memory.read16(this.available + 4 + 2 * this.size);
    return ((nextUsed - event - 1) & 0xffff) < ((nextUsed - signalled) & 0xffff);
  }

  /** Whether the driver has offered nothing that was not taken. @throws VirtioError */
  get isEmpty(): boolean {
    if (!this.isReady) return true;
    this.checkRings();
    return this.memory.read16(this.available + 2) === this.nextAvailable;
  }

  private checkRings(): void {
    const { memory, size } = this;
    const inside =
      memory.contains(this.descriptors, DESCRIPTOR_SIZE * size) &&
      memory.contains(this.available, 6 + 2 * size) &&
      memory.contains(this.used, 6 + 8 * size);
    if (!inside) throw new VirtioError('the rings of a queue are not in memory');
  }

  /** Follows a chain through the descriptor table and, at its end, into an indirect one (2.7.5.3). */
  private collect(head: number): Chain {
    const { memory } = this;
    const chain: Chain = { head, readable: new Buffers(memory), writable: new Buffers(memory) };
    let table: Table = { address: this.descriptors, count: this.size, indirect: false };
    let index = head;
    let left = Math.min(table.count, LARGEST_QUEUE);
    for (;;) {
      const at = table.address + DESCRIPTOR_SIZE * index;
      const address = memory.read64(at);
      const length = memory.read32(at + 8);
      const flags = memory.read16(at + 12);
      if (flags & DESCRIPTOR_INDIRECT) {
        table = this.indirectTable(Number(address), length, table);
        index = 0;
        left = Math.min(table.count, LARGEST_QUEUE);
        continue;
      }
      if (left-- === 0) throw new VirtioError('a chain of descriptors is longer than its table: it is a loop');
      this.addBuffer(chain, address, length, (flags & DESCRIPTOR_WRITE) !== 0);
      if ((flags & DESCRIPTOR_NEXT) === 0) return chain;
      index = memory.read16(at + 14);
      if (index >= table.count) throw new VirtioError(`a descriptor is followed by number ${index} of ${table.count}`);
    }
  }

  private indirectTable(address: number, length: number, from: Table): Table {
    if (from.indirect) throw new VirtioError('an indirect table holds an indirect descriptor');
    if (length === 0 || length % DESCRIPTOR_SIZE !== 0) {
      throw new VirtioError(`an indirect table has ${length} bytes, which is no multiple of ${DESCRIPTOR_SIZE}`);
    }
    if (!this.memory.contains(address, length)) throw new VirtioError('an indirect table is not in memory');
    return { address, count: length / DESCRIPTOR_SIZE, indirect: true };
  }

  private addBuffer({ readable, writable }: Chain, at: bigint, length: number, write: boolean): void {
    const address = Number(at);
    if (length === 0) throw new VirtioError('a buffer has no bytes');
    if (!this.memory.contains(address, length)) {
      throw new VirtioError(`a buffer of ${length} bytes at 0x${at.toString(16)} is not in memory`);
    }
    if (!write && writable.count > 0) throw new VirtioError('a buffer to read follows one to write');
    if (write) writable.add(address, length);
    else readable.add(address, length);
  }
}
