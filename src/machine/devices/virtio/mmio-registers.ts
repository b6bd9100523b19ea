/** The registers of a slot of virtio over MMIO, by offset (VIRTIO 1.2, 4.2.2 and 4.2.4), and the bits of two of them. */

export const REGISTER = {
  magic: 0x000,
  version: 0x004,
  deviceId: 0x008,
  vendor: 0x00c,
  deviceFeatures: 0x010,
  deviceFeaturesSelect: 0x014,
  driverFeatures: 0x020,
  driverFeaturesSelect: 0x024,
  guestPageSize: 0x028,
  queueSelect: 0x030,
  queueNumMax: 0x034,
  queueNum: 0x038,
  queueAlign: 0x03c,
  queuePfn: 0x040,
  queueReady: 0x044,
  queueNotify: 0x050,
  interruptStatus: 0x060,
  interruptAcknowledge: 0x064,
  status: 0x070,
  descriptorsLow: 0x080,
  descriptorsHigh: 0x084,
  availableLow: 0x090,
  availableHigh: 0x094,
  usedLow: 0x0a0,
  usedHigh: 0x0a4,
  sharedLengthLow: 0x0b0,
  sharedLengthHigh: 0x0b4,
  sharedBaseLow: 0x0b8,
  sharedBaseHigh: 0x0bc,
  queueReset: 0x0c0,
  configGeneration: 0x0fc,
  config: 0x100,
} as const;

/** Bits of `status` (2.1). */
export const STATUS = { driverOk: 4, featuresOk: 8, needsReset: 64 } as const;

/** Bits of `interruptStatus`. */
export const INTERRUPT = { used: 1, config: 2 } as const;
