/**
 * The core-local interruptor: software interrupts (`msip`), the timer (`mtime`) and its comparators (`mtimecmp`).
 * Specification: RISC-V Advanced Core Local Interruptor, chapters 2 (MTIMER) and 3 (MSWI), in the layout of the SiFive
 * CLINT (SiFive FU540-C000 manual, chapter 9); access widths as in QEMU's hw/intc/riscv_aclint.c.
 * `mtimecmp` starts at its largest value, so that no timer interrupt pends before the program asks for one.
 */
import type { StateTransfer } from '../../engine/state-transfer';
import type { Device, Width } from './device';
import { VIRT } from './virt-map';

const MTIMECMP = 0x4000;
const MTIME = 0xbff8;
const MAX_UINT64 = 0xffff_ffff_ffff_ffffn;

export interface ClintOptions {
  readonly harts: number;
  /** The machine's count of ticks (10 MHz, 64 bits, never decreasing). `mtime` is this plus what the program wrote. */
  readonly now: () => number;
}

export class Clint implements Device {
  readonly name = 'clint';
  readonly base = VIRT.clint.base;
  readonly size = VIRT.clint.size;

  /** A hart's software interrupt line (`mip.MSIP`) changed. */
  onSoftware: (hart: number, on: boolean) => void = () => {};
  /** A comparator or `mtime` was written: the `deadline` of this hart may have changed. */
  onTimerChange: (hart: number) => void = () => {};

  private readonly harts: number;
  private readonly now: () => number;
  private readonly software: boolean[];
  private readonly compare: bigint[];
  /** `mtime` minus `now()`, modulo 2^64. */
  private offset = 0n;

  constructor(options: ClintOptions) {
    this.harts = options.harts;
    this.now = options.now;
    this.software = new Array<boolean>(options.harts).fill(false);
    this.compare = new Array<bigint>(options.harts).fill(MAX_UINT64);
  }

  /** The `mtime` register, which the CSR `time` shows too. */
  get mtime(): bigint {
    return this.mtimeAt(this.now());
  }

  /** `mtime` when `now()` is this. */
  mtimeAt(now: number): bigint {
    return BigInt.asUintN(64, BigInt(now) + this.offset);
  }

  /** The hart's `mtimecmp`. */
  mtimecmp(hart: number): bigint {
    return this.compare[hart];
  }

  /** The value of `now()` from which the hart's timer interrupt (`mip.MTIP`) pends, because `mtime >= mtimecmp`; see `moment`. */
  deadline(hart: number): number {
    return this.moment(this.compare[hart]);
  }

  /** The value of `now()` from which `mtime` is at least this; one that is not in the future when it is already. */
  moment(mtime: bigint): number {
    if (this.offset === 0n) return Number(mtime);
    const left = mtime - this.mtime;
    return this.now() + (left > 0n ? Number(left) : 0);
  }

  /** Software-interrupt registers take words, the timer's registers words and doublewords. */
  accepts(offset: number, width: Width): boolean {
    return width === 4 || (width === 8 && offset >= MTIMECMP);
  }

  /** Registers that do not exist, such as those of a hart that is not there, read as zero. */
  read(offset: number, width: Width): bigint {
    if (offset < MTIMECMP) return this.software[offset >>> 2] ? 1n : 0n;
    const register = offset & ~7;
    const value = register === MTIME ? this.mtime : (this.compare[(register - MTIMECMP) >>> 3] ?? 0n);
    if (width === 8) return value;
    return offset & 4 ? value >> 32n : value & 0xffff_ffffn;
  }

  write(offset: number, width: Width, value: bigint): void {
    if (offset < MTIMECMP) this.writeSoftware(offset >>> 2, (value & 1n) !== 0n);
    else if ((offset & ~7) === MTIME) this.writeTime(replacePart(this.mtime, offset, width, value));
    else this.writeCompare((offset - MTIMECMP) >>> 3, offset, width, value);
  }

  transferState(state: StateTransfer): void {
    for (let hart = 0; hart < this.harts; hart++) {
      this.software[hart] = state.flag(this.software[hart]);
      this.compare[hart] = state.word(this.compare[hart]);
    }
    this.offset = state.word(this.offset);
  }

  private writeSoftware(hart: number, on: boolean): void {
    if (hart >= this.harts || this.software[hart] === on) return;
    this.software[hart] = on;
    this.onSoftware(hart, on);
  }

  private writeTime(time: bigint): void {
    this.offset = BigInt.asUintN(64, time - BigInt(this.now()));
    for (let hart = 0; hart < this.harts; hart++) this.onTimerChange(hart);
  }

  private writeCompare(hart: number, offset: number, width: Width, value: bigint): void {
    if (hart >= this.harts) return;
    this.compare[hart] = replacePart(this.compare[hart], offset, width, value);
    this.onTimerChange(hart);
  }
}

/** `old` with the half that a 4-byte access at `offset` means replaced, or all of it. */
function replacePart(old: bigint, offset: number, width: Width, value: bigint): bigint {
  if (width === 8) return BigInt.asUintN(64, value);
  const half = BigInt.asUintN(32, value);
  return offset & 4 ? (old & 0xffff_ffffn) | (half << 32n) : (old & ~0xffff_ffffn) | half;
}
