/** What a kind of virtio device is to the transport that drivers reach it through, and the other way round. */
import type { Stateful } from '../../../engine/state-transfer';
import type { Width } from '../device';
import type { DeviceClock } from '../device-clock';
import type { Chain, Virtqueue } from './virtqueue';

/** Numbers of the kinds (VIRTIO 1.2, section 5). */
export const DEVICE_ID = { network: 1, block: 2, console: 3, entropy: 4, fileSystem: 9 } as const;

/** Features that do not depend on the kind, as masks (section 6; the first two are of legacy drivers, as in QEMU). */
export const FEATURE = {
  notifyOnEmpty: 1n << 24n,
  anyLayout: 1n << 27n,
  indirectDescriptors: 1n << 28n,
  eventIndex: 1n << 29n,
  version1: 1n << 32n,
  ringReset: 1n << 40n,
} as const;

export interface VirtioDevice extends Stateful {
  readonly id: number;
  /** For messages. */
  readonly name: string;
  /** The size that each queue starts with; drivers may choose up to 1024. */
  readonly queueSizes: readonly number[];
  /** What it offers, beside what the transport does. */
  readonly features: bigint;
  /** What it offers to legacy drivers only. */
  readonly legacyFeatures: bigint;
  /** The configuration space as it is now. */
  readonly config: Uint8Array;
  /** The driver writes to the configuration space; all of it is inside. */
  writeConfig(offset: number, width: Width, value: number): void;
  connect(host: VirtioHost): void;
  /** The driver has put something into a queue. Its work is bounded; `resume` asks for more. @throws VirtioError */
  notify(queue: number): void;
  /** The driver has said DRIVER_OK. @throws VirtioError */
  started(): void;
  /** The driver begins anew. */
  reset(): void;
}

export interface VirtioHost {
  readonly queues: readonly Virtqueue[];
  readonly clock: DeviceClock;
  /** Whether the driver took up all features of a mask. */
  has(feature: bigint): boolean;
  /** The driver has said DRIVER_OK. */
  readonly isDriverReady: boolean;
  /** Gives a chain back and interrupts if the driver wants that. @throws VirtioError */
  finish(queue: number, chain: Chain, written: number): void;
  /** Interrupts for what was pushed, if the driver wants that. @throws VirtioError */
  interrupt(queue: number): void;
  /** The configuration space has changed: tells the driver. */
  configChanged(): void;
  /** Calls `notify` for this queue again, a moment later. */
  resume(queue: number): void;
  /** For what comes from outside: after a VirtioError the driver has to reset the device. */
  guard(action: () => void): void;
}
