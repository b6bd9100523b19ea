/** What an SBI needs of the machine that it serves: the machine itself, or a guest of the hypervisor. */

export type SbiResetKind = 'shutdown' | 'cold-reboot' | 'warm-reboot';

/** A fence that another hart is to execute; without `asid` in all address spaces. Addresses are the caller's virtual ones. */
export type SbiFence =
  | { readonly kind: 'fence.i' }
  | { readonly kind: 'sfence.vma'; readonly start: bigint; readonly size: bigint; readonly asid?: bigint };

/** The states of a hart that HSM tells apart here, where no change of state takes time. */
export type SbiHartState = 'started' | 'stopped' | 'suspended';

/** Where a hart begins in S-mode, without translation and interrupts; its number is in `a0` then. */
export interface SbiHartStart {
  /** Physical address (a guest's: GPA). */
  readonly address: number;
  /** What `a1` holds. */
  readonly opaque: bigint;
}

export interface SbiPlatform {
  readonly hartCount: number;
  /** The hart that makes the call. */
  readonly hartId: number;
  /** What the BASE extension reports as the machine's identity registers. */
  readonly identity: { readonly mvendorid: bigint; readonly marchid: bigint; readonly mimpid: bigint };

  /** The calling hart's timer interrupt pends from the time `stime` (ticks of `time`, unsigned 64 bits) on, not before. */
  setTimer(stime: bigint): void;
  hartState(hart: number): SbiHartState;
  /** Starts a hart that is stopped. */
  startHart(hart: number, start: SbiHartStart): void;
  /** Stops the calling hart; the call does not return. */
  stopHart(): void;
  /**
   * The calling hart waits until an interrupt that it has enabled pends.
   * @param resume where it begins then; without it, the call returns
   */
  suspendHart(resume?: SbiHartStart): void;
  /** Raises or clears a hart's supervisor software interrupt (`mip.SSIP`). */
  setSoftwareInterrupt(hart: number, on: boolean): void;
  /** Makes the hart execute the fence before it goes on. */
  fence(hart: number, fence: SbiFence): void;

  /** Console output; the array is not used again. */
  putBytes(bytes: Uint8Array): void;
  /** The next byte of console input, or -1. */
  getByte(): number;

  /** Whether the range lies in the RAM that the caller may use; physical addresses (a guest's: GPA). */
  isMemory(address: number, length: number): boolean;
  /** Bytes of RAM, a copy or a view; undefined when the range is not in RAM. */
  readMemory(address: number, length: number): Uint8Array | undefined;
  /** Writes to RAM; false when the range is not in RAM. */
  writeMemory(address: number, bytes: Uint8Array): boolean;
  /** The doubleword at a virtual address, read as the caller's own load would; undefined when that would fault. */
  readHartMask(virtualAddress: bigint): bigint | undefined;

  /** Ends or restarts the machine; `reason` is the SBI's reset reason (0: none, 1: system failure). */
  reset(kind: SbiResetKind, reason: number): void;
}
