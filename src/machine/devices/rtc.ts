/**
 * The real-time clock: nanoseconds since 1970, with an alarm.
 * Specification: the Goldfish platform's RTC ("google,goldfish-rtc"), registers and effects as in QEMU's
 * hw/rtc/goldfish_rtc.c. Its time is virtual time from a start that the machine is given, so that every run is alike.
 */
import type { StateTransfer } from '../../engine/state-transfer';
import type { DeviceClock, DeviceTimer } from './device-clock';
import { TICK_NANOSECONDS } from './device-clock';
import type { Device, Width } from './device';
import { VIRT } from './virt-map';

const TIME_LOW = 0x00;
const TIME_HIGH = 0x04;
const ALARM_LOW = 0x08;
const ALARM_HIGH = 0x0c;
const IRQ_ENABLED = 0x10;
const CLEAR_ALARM = 0x14;
const ALARM_STATUS = 0x18;
const CLEAR_INTERRUPT = 0x1c;

const NANOSECONDS = BigInt(TICK_NANOSECONDS);
const LOW_WORD = 0xffff_ffffn;

export interface RtcOptions {
  readonly clock: DeviceClock;
  /** The time at tick 0, in nanoseconds since 1970-01-01 UTC (64 bits). */
  readonly start: bigint;
}

export class Rtc implements Device {
  readonly name = 'rtc';
  readonly base = VIRT.rtc.base;
  readonly size = VIRT.rtc.size;

  /** The interrupt line fell, or is high, perhaps as before. */
  onInterrupt: (level: boolean) => void = () => {};

  private readonly clock: DeviceClock;
  private readonly timer: DeviceTimer;
  /** The time at tick 0. */
  private offset: bigint;
  /** The upper half that belongs to the lower half read last. */
  private timeHigh = 0n;
  private alarm = 0n;
  private enabled = false;
  private pending = false;
  private level = false;

  constructor({ clock, start }: RtcOptions) {
    this.clock = clock;
    this.offset = BigInt.asUintN(64, start);
    this.timer = clock.timer(() => this.ring());
  }

  /** Nanoseconds since 1970, 64 bits. */
  get time(): bigint {
    return BigInt.asUintN(64, this.offset + BigInt(this.clock.now) * NANOSECONDS);
  }

  accepts(_offset: number, width: Width): boolean {
    return width === 4;
  }

  /** Reading the lower half of the time holds the upper half that goes with it. */
  read(offset: number): bigint {
    switch (offset) {
      case TIME_LOW: {
        const { time } = this;
        this.timeHigh = time >> 32n;
        return time & LOW_WORD;
      }
      case TIME_HIGH:
        return this.timeHigh;
      case ALARM_LOW:
        return this.alarm & LOW_WORD;
      case ALARM_HIGH:
        return this.alarm >> 32n;
      case IRQ_ENABLED:
        return this.enabled ? 1n : 0n;
      case ALARM_STATUS:
        return this.timer.due === undefined ? 0n : 1n;
      default:
        return 0n;
    }
  }

  /** Writing the lower half of the alarm sets it; an alarm whose time has come rings at once. */
  write(offset: number, _width: Width, value: bigint): void {
    const word = BigInt.asUintN(32, value);
    switch (offset) {
      case TIME_LOW:
      case TIME_HIGH: {
        const { time } = this;
        this.offset = BigInt.asUintN(64, this.offset + withHalf(time, offset === TIME_HIGH, word) - time);
        break;
      }
      case ALARM_LOW:
        this.alarm = withHalf(this.alarm, false, word);
        this.setAlarm();
        break;
      case ALARM_HIGH:
        this.alarm = withHalf(this.alarm, true, word);
        break;
      case IRQ_ENABLED:
        this.enabled = (word & 1n) !== 0n;
        break;
      case CLEAR_ALARM:
        this.timer.stop();
        break;
      case CLEAR_INTERRUPT:
        this.pending = false;
        break;
      default: // the rest is read-only or not there
    }
    this.updateInterrupt();
  }

  transferState(state: StateTransfer): void {
    this.timer.transferState(state);
    this.offset = state.word(this.offset);
    this.timeHigh = state.word(this.timeHigh);
    this.alarm = state.word(this.alarm);
    this.enabled = state.flag(this.enabled);
    this.pending = state.flag(this.pending);
    this.level = state.flag(this.level);
  }

  private setAlarm(): void {
    const left = this.alarm - this.time;
    if (left <= 0n) {
      this.timer.stop();
      this.ring();
      return;
    }
    this.timer.start(this.clock.now + Math.ceil(Number(left) / TICK_NANOSECONDS));
  }

  private ring(): void {
    this.pending = true;
    this.updateInterrupt();
  }

  private updateInterrupt(): void {
    const level = this.pending && this.enabled;
    if (!level && !this.level) return;
    this.level = level;
    this.onInterrupt(level);
  }
}

function withHalf(old: bigint, upper: boolean, word: bigint): bigint {
  return upper ? (old & LOW_WORD) | (word << 32n) : (old & ~LOW_WORD) | word;
}
