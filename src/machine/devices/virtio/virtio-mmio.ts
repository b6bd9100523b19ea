/**
 * The registers through which a driver finds and runs a virtio device: one slot of virtio over MMIO, modern or legacy.
 * Specification: Virtual I/O Device (VIRTIO) 1.2, sections 4.2.2 (registers) and 4.2.4 (legacy interface); where that
 * leaves a choice, as in QEMU's hw/virtio/virtio-mmio.c: an empty slot shows magic, version and vendor, every register
 * but the configuration space takes words only, queues may have 1024 descriptors, features that were not offered are
 * taken for not accepted, and a legacy QueuePFN of 0 resets the device.
 */
import type { StateTransfer } from '../../../engine/state-transfer';
import type { Device, Width } from '../device';
import type { DeviceClock, DeviceTimer } from '../device-clock';
import { VIRT } from '../virt-map';
import type { DmaMemory } from './dma-memory';
import type { VirtioDevice, VirtioHost } from './virtio-device';
import { FEATURE } from './virtio-device';
import { InterruptLine } from './interrupt-line';
import { INTERRUPT, REGISTER, STATUS } from './mmio-registers';
import { QueueSetup } from './queue-setup';
import { VirtioError } from './virtio-error';
import type { Chain } from './virtqueue';
import { LARGEST_QUEUE, Virtqueue } from './virtqueue';

const MAGIC = 0x74726976;
const LEGACY_VERSION = 1;
const MODERN_VERSION = 2;
/** "QEMU", as guests that look for it expect. */
const VENDOR = 0x554d4551;

const NO_SHARED_MEMORY = 0xffff_ffff;

export interface VirtioMmioOptions {
  /** 0 to 7. */
  readonly slot: number;
  /** Version 1 of the registers instead of 2. */
  readonly legacy: boolean;
  readonly memory: DmaMemory;
  readonly clock: DeviceClock;
  /** Absent: the slot is empty. */
  readonly device?: VirtioDevice;
}

export class VirtioMmio implements Device, VirtioHost {
  readonly name: string;
  readonly base: number;
  readonly size = VIRT.virtio.size;
  readonly legacy: boolean;
  readonly clock: DeviceClock;
  readonly queues: readonly Virtqueue[];

  /** The interrupt line fell, or is high, perhaps as before. */
  onInterrupt: (level: boolean) => void = () => {};
  /** The driver broke the rules, and the device waits for its reset; one sentence for whoever debugs the driver. */
  onProblem: (message: string) => void = () => {};

  private readonly device: VirtioDevice | undefined;
  private readonly resumption: DeviceTimer;
  private readonly toResume = new Set<number>();
  private readonly setups: readonly QueueSetup[];
  private readonly line: InterruptLine;
  private deviceFeaturesSelect = 0;
  private driverFeaturesSelect = 0;
  /** What a modern driver wrote; it counts from FEATURES_OK on. */
  private readonly driverFeatures = new Uint32Array(2);
  private accepted = 0n;
  private pageShift = 0;
  private queueSelect = 0;
  private status = 0;
  private generation = 0;
  private broken = false;

  constructor({ slot, legacy, memory, clock, device }: VirtioMmioOptions) {
    this.name = `virtio_mmio ${slot}`;
    this.base = VIRT.virtio.base + slot * VIRT.virtio.stride;
    this.legacy = legacy;
    this.clock = clock;
    this.device = device;
    const sizes = device?.queueSizes ?? [];
    this.queues = sizes.map((size) => new Virtqueue(memory, size));
    this.setups = this.queues.map((queue) => new QueueSetup(queue));
    this.line = new InterruptLine((level) => this.onInterrupt(level));
    this.resumption = clock.timer(() => this.resumeQueues());
    device?.connect(this);
  }

  /** Of what is in the slot. */
  get deviceName(): string | undefined {
    return this.device?.name;
  }

  transferState(state: StateTransfer): void {
    this.resumption.transferState(state);
    const toResume = state.list(this.toResume, this.queues.length, (queue) => state.integer(queue ?? 0, LARGEST_QUEUE));
    this.toResume.clear();
    for (const queue of toResume) this.toResume.add(queue);
    for (const setup of this.setups) setup.transferState(state);
    this.deviceFeaturesSelect = state.integer(this.deviceFeaturesSelect, 1);
    this.driverFeaturesSelect = state.integer(this.driverFeaturesSelect, 1);
    state.fill(this.driverFeatures);
    this.accepted = state.word(this.accepted);
    this.pageShift = state.integer(this.pageShift, 31);
    this.queueSelect = state.integer(this.queueSelect, LARGEST_QUEUE);
    this.status = state.integer(this.status, 0xff);
    this.line.transferState(state);
    this.generation = state.integer(this.generation, 0xffff_ffff);
    this.broken = state.flag(this.broken);
    const { device } = this;
    if (device) state.section(device.name, () => device.transferState(state));
  }

  accepts(): boolean {
    return true;
  }

  read(offset: number, width: Width): bigint {
    if (width === 8) return this.read(offset, 4) | (this.read(offset + 4, 4) << 32n);
    return BigInt.asUintN(8 * width, BigInt(this.readRegister(offset, width)));
  }

  write(offset: number, width: Width, value: bigint): void {
    if (width === 8) {
      this.write(offset, 4, value);
      this.write(offset + 4, 4, value >> 32n);
      return;
    }
    if (!this.device) return;
    const word = Number(BigInt.asUintN(8 * width, value));
    if (offset >= REGISTER.config) this.writeConfig(offset - REGISTER.config, width, word);
    else if (width === 4) this.writeRegister(offset, word);
  }

  // What the device asks.

  has(feature: bigint): boolean {
    return (this.accepted & feature) === feature;
  }

  get isDriverReady(): boolean {
    return (this.status & STATUS.driverOk) !== 0 && !this.broken;
  }

  finish(queue: number, chain: Chain, written: number): void {
    this.queues[queue].push(chain, written);
    this.interrupt(queue);
  }

  interrupt(queue: number): void {
    const virtqueue = this.queues[queue];
    const whenEmpty = this.has(FEATURE.notifyOnEmpty) && virtqueue.isEmpty;
    if (virtqueue.takeInterrupt() || whenEmpty) this.line.raise(INTERRUPT.used);
  }

  configChanged(): void {
    if ((this.status & STATUS.driverOk) === 0) return;
    this.generation = (this.generation + 1) >>> 0;
    this.line.raise(INTERRUPT.used | INTERRUPT.config);
  }

  resume(queue: number): void {
    this.toResume.add(queue);
    this.resumption.start(this.clock.now + 1);
  }

  guard(action: () => void): void {
    if (this.broken) return;
    try {
      action();
    } catch (error) {
      if (!(error instanceof VirtioError)) throw error;
      this.fail(error.message);
    }
  }

  private readRegister(offset: number, width: Width): number {
    switch (offset) {
      case REGISTER.magic:
      case REGISTER.version:
      case REGISTER.vendor:
        if (width === 4 || !this.device) return this.identification(offset);
        return 0;
    }
    const { device } = this;
    if (!device) return 0;
    if (offset >= REGISTER.config) return readConfig(device.config, offset - REGISTER.config, width);
    if (width !== 4) return 0;
    switch (offset) {
      case REGISTER.deviceId:
        return device.id;
      case REGISTER.deviceFeatures:
        return Number(BigInt.asUintN(32, this.offered >> BigInt(32 * this.deviceFeaturesSelect)));
      case REGISTER.queueNumMax:
        return this.queueSelect < this.queues.length ? LARGEST_QUEUE : 0;
      case REGISTER.queuePfn:
        return this.legacy ? (this.setup?.pageNumber(this.pageShift) ?? 0) : 0;
      case REGISTER.queueReady:
        return !this.legacy && this.setup?.ready ? 1 : 0;
      case REGISTER.interruptStatus:
        return this.line.status;
      case REGISTER.status:
        return this.status;
      case REGISTER.configGeneration:
        return this.legacy ? 0 : this.generation;
      case REGISTER.sharedLengthLow:
      case REGISTER.sharedLengthHigh:
        return NO_SHARED_MEMORY;
      default:
        return 0;
    }
  }

  private identification(offset: number): number {
    if (offset === REGISTER.magic) return MAGIC;
    if (offset === REGISTER.vendor) return VENDOR;
    return this.legacy ? LEGACY_VERSION : MODERN_VERSION;
  }

  private writeConfig(offset: number, width: Width, value: number): void {
    const { device } = this;
    if (device && offset + width <= device.config.length) device.writeConfig(offset, width, value);
  }

  private writeRegister(offset: number, value: number): void {
    switch (offset) {
      case REGISTER.deviceFeaturesSelect:
        this.deviceFeaturesSelect = value === 0 ? 0 : 1;
        break;
      case REGISTER.driverFeaturesSelect:
        this.driverFeaturesSelect = value === 0 ? 0 : 1;
        break;
      case REGISTER.driverFeatures:
        if (!this.legacy) this.driverFeatures[this.driverFeaturesSelect] = value;
        else if (this.driverFeaturesSelect === 0) this.accept(BigInt(value));
        break;
      case REGISTER.queueSelect:
        if (value < LARGEST_QUEUE) this.queueSelect = value;
        break;
      case REGISTER.queueNum:
        this.setup?.setSize(value, this.legacy);
        break;
      case REGISTER.queueNotify:
        this.notify(value);
        break;
      case REGISTER.interruptAcknowledge:
        this.line.acknowledge(value);
        break;
      case REGISTER.status:
        this.writeStatus(value & 0xff);
        break;
      default:
        if (this.legacy) this.writeLegacyRegister(offset, value);
        else this.writeModernRegister(offset, value);
    }
  }

  private writeLegacyRegister(offset: number, value: number): void {
    switch (offset) {
      case REGISTER.guestPageSize:
        this.pageShift = value === 0 ? 0 : 31 - Math.clz32(value & -value);
        break;
      case REGISTER.queueAlign:
        this.setup?.setAlignment(value);
        break;
      case REGISTER.queuePfn:
        if (value === 0) this.reset();
        else this.setup?.placeAt(value * 2 ** this.pageShift);
        break;
      default: // read-only, or not there
    }
  }

  private writeModernRegister(offset: number, value: number): void {
    const { setup } = this;
    if (!setup) return;
    switch (offset) {
      case REGISTER.queueReady:
        setup.enable(value !== 0);
        break;
      case REGISTER.queueReset:
        if (value !== 0 && this.has(FEATURE.ringReset)) this.resetQueue(this.queueSelect);
        break;
      default: // an address, or read-only, or not there
        setup.setAddress(offset, value);
    }
  }

  /** Of the queue that the driver has selected; undefined when there is no such queue. */
  private get setup(): QueueSetup | undefined {
    return this.setups[this.queueSelect];
  }

  /** What this slot offers to a driver. */
  private get offered(): bigint {
    if (!this.device) return 0n;
    const always = this.device.features | FEATURE.indirectDescriptors | FEATURE.eventIndex;
    if (this.legacy) return BigInt.asUintN(32, always | this.device.legacyFeatures | FEATURE.notifyOnEmpty);
    return always | FEATURE.version1 | FEATURE.ringReset;
  }

  private accept(features: bigint): void {
    if (this.status & STATUS.featuresOk) return;
    this.accepted = features & this.offered;
    const eventIndex = this.has(FEATURE.eventIndex);
    for (const queue of this.queues) queue.eventIndex = eventIndex;
  }

  private writeStatus(value: number): void {
    if (!this.legacy && value & STATUS.featuresOk) {
      this.accept((BigInt(this.driverFeatures[1]) << 32n) | BigInt(this.driverFeatures[0]));
    }
    if (value === 0) {
      this.reset();
      return;
    }
    this.status = value;
    const { device } = this;
    if (device && value & STATUS.driverOk) this.guard(() => device.started());
  }

  private notify(queue: number): void {
    const { device } = this;
    if (device && this.queues[queue]?.isReady) this.guard(() => device.notify(queue));
  }

  private resumeQueues(): void {
    const queues = [...this.toResume].sort((a, b) => a - b);
    this.toResume.clear();
    for (const queue of queues) this.notify(queue);
  }

  private resetQueue(index: number): void {
    this.setups[index].reset();
    this.queues[index].eventIndex = this.has(FEATURE.eventIndex);
    this.toResume.delete(index);
  }

  private reset(): void {
    this.status = 0;
    this.accepted = 0n;
    this.driverFeatures.fill(0);
    this.queueSelect = 0;
    this.broken = false;
    this.queues.forEach((_, index) => this.resetQueue(index));
    for (const setup of this.setups) setup.forgetAlignment();
    this.resumption.stop();
    this.line.reset();
    this.device?.reset();
  }

  /** From now on nothing works until the driver resets the device (2.1.2, DEVICE_NEEDS_RESET). */
  private fail(message: string): void {
    this.broken = true;
    this.resumption.stop();
    if (this.has(FEATURE.version1)) {
      const driverOk = (this.status & STATUS.driverOk) !== 0;
      this.status |= STATUS.needsReset;
      if (driverOk) this.configChanged();
    }
    this.onProblem(`${this.device?.name} in virtio slot at 0x${this.base.toString(16)}: ${message}.`);
  }
}

/** Beyond the configuration space all bits are set, as in QEMU. */
function readConfig(config: Uint8Array, offset: number, width: Width): number {
  if (offset + width > config.length) return 0xffff_ffff;
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 256 + config[offset + i];
  return value;
}
