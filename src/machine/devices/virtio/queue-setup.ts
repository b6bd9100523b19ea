/**
 * How a driver sets a queue up by a slot's registers: a modern one gives three addresses and enables the queue (VIRTIO 1.2,
 * 4.2.2), a legacy one gives a page and an alignment (2.7.2, 4.2.4).
 */
import type { StateTransfer } from '../../../engine/state-transfer';
import { REGISTER } from './mmio-registers';
import type { Virtqueue } from './virtqueue';
import { LARGEST_QUEUE } from './virtqueue';

/** Alignment of a legacy queue's used ring before the driver says another. */
const LEGACY_ALIGNMENT = 4096;

/** The registers of a modern queue's addresses, low and high halves in turn. */
const ADDRESSES: readonly number[] = [
  REGISTER.descriptorsLow,
  REGISTER.descriptorsHigh,
  REGISTER.availableLow,
  REGISTER.availableHigh,
  REGISTER.usedLow,
  REGISTER.usedHigh,
];

export class QueueSetup {
  /** A modern driver has enabled the queue. */
  ready = false;

  private size = 0;
  private readonly addresses = new Uint32Array(ADDRESSES.length);
  private alignment = LEGACY_ALIGNMENT;

  constructor(private readonly queue: Virtqueue) {}

  transferState(state: StateTransfer): void {
    this.queue.transferState(state);
    this.size = state.integer(this.size, 0xffff_ffff);
    state.fill(this.addresses);
    this.ready = state.flag(this.ready);
    this.alignment = state.integer(this.alignment, 0xffff_ffff, 1);
  }

  /** After power-on, but for the alignment, which only the reset of the whole device forgets. */
  reset(): void {
    this.queue.reset();
    this.ready = false;
    this.size = 0;
  }

  forgetAlignment(): void {
    this.alignment = LEGACY_ALIGNMENT;
  }

  setSize(value: number, legacy: boolean): void {
    const { queue } = this;
    this.size = value;
    if (value === 0 || value > LARGEST_QUEUE) return;
    queue.size = value;
    if (legacy && queue.isReady) this.placeAt(queue.descriptors);
  }

  /** @param register its offset; without effect when it is no address of a queue */
  setAddress(register: number, value: number): void {
    const index = ADDRESSES.indexOf(register);
    if (index >= 0) this.addresses[index] = value;
  }

  enable(ready: boolean): void {
    this.ready = ready;
    if (!ready) return;
    const { queue, size, addresses } = this;
    if (size > 0 && size <= LARGEST_QUEUE) queue.size = size;
    const address = (part: number) => addresses[2 * part] + addresses[2 * part + 1] * 2 ** 32;
    [queue.descriptors, queue.available, queue.used] = [address(0), address(1), address(2)];
  }

  setAlignment(value: number): void {
    // Only powers of two mean anything; others would put the used ring nowhere in particular.
    if (value === 0 || (value & (value - 1)) !== 0) return;
    this.alignment = value;
    if (this.queue.isReady) this.placeAt(this.queue.descriptors);
  }

  /** The three parts of a legacy queue lie one after the other. */
  placeAt(address: number): void {
    const { queue, alignment } = this;
    queue.descriptors = address;
    queue.available = address + 16 * queue.size;
    queue.used = Math.ceil((queue.available + 6 + 2 * queue.size) / alignment) * alignment;
  }

  /** Where a legacy queue is, in pages of a size that the driver chose. */
  pageNumber(pageShift: number): number {
    return Math.floor(this.queue.descriptors / 2 ** pageShift) >>> 0;
  }
}
