/**
 * The serial port: a 16550A with 16-byte FIFOs.
 * Specification: National Semiconductor PC16550D data sheet, section 8 (registers); where that leaves a choice, as in
 * QEMU's hw/char/serial.c: any access width reaches one register, modem lines read as connected, MCR.OUT2 starts set
 * and gates nothing.
 *
 * The line has no baud rate: a written byte has left at once, and a waiting input byte arrives as soon as there is room.
 * So the receiver never overruns (except by the program's own loopback), and "no character for four character times"
 * is true whenever fewer bytes than the trigger level wait. Input is never lost here: what exceeds the FIFO waits in a
 * queue, and bytes that the program clears from the FIFO unread go back to it, as if the line had held them.
 */
import type { StateTransfer } from '../../engine/state-transfer';
import { ByteQueue } from './byte-queue';
import type { Device, Width } from './device';
import { VIRT } from './virt-map';

const FIFO_LENGTH = 16;
/** More than anybody pastes. */
const INPUT_LIMIT = 1 << 26;

const IER_RECEIVED = 1;
const IER_TRANSMITTER_EMPTY = 2;
const IER_LINE_STATUS = 4;

const IIR_NONE = 0x01;
const IIR_LINE_STATUS = 0x06;
const IIR_RECEIVED = 0x04;
const IIR_TIMEOUT = 0x0c;
const IIR_TRANSMITTER_EMPTY = 0x02;
const IIR_FIFOS = 0xc0;

const FCR_ENABLE = 0x01;
const FCR_CLEAR_RECEIVER = 0x02;
const FCR_CLEAR_TRANSMITTER = 0x04;
const FCR_KEPT = 0xc9;
/** Bytes in the receive FIFO that raise the interrupt, by FCR bits 7:6. */
const TRIGGER_LEVELS = [1, 4, 8, 14];

const LCR_DIVISOR_LATCH = 0x80;

const MCR_DTR = 0x01;
const MCR_RTS = 0x02;
const MCR_OUT1 = 0x04;
const MCR_OUT2 = 0x08;
const MCR_LOOP = 0x10;
const MCR_WRITABLE = 0x1f;

const LSR_DATA_READY = 0x01;
const LSR_OVERRUN = 0x02;
const LSR_TRANSMITTER_EMPTY = 0x60; // THRE and TEMT: nothing is ever under way

const MSR_CTS = 0x10;
const MSR_DSR = 0x20;
const MSR_RI = 0x40;
const MSR_DCD = 0x80;
/** What a connected terminal shows; it never changes, so that there is no modem status interrupt. */
const MSR_CONNECTED = MSR_DCD | MSR_DSR | MSR_CTS;

/** Marks a byte in the receive FIFO that came by loopback: it does not go back to the input queue. */
const LOOPED = 0x100;

export class Uart implements Device {
  readonly name = 'serial';
  readonly base = VIRT.uart.base;
  readonly size = VIRT.uart.size;

  readonly byteAccess = {
    read: (offset: number) => this.readRegister(offset),
    write: (offset: number, value: number) => {
      if (this.writeRegister(offset, value)) this.updateInterrupt();
    },
  };

  /** Called with what the program sends, which is the receiver's from then on. */
  onOutput: (bytes: Uint8Array) => void = () => {};
  /** The interrupt line fell, or is high: told whenever that is looked at, as it can make the interrupt pend once more. */
  onInterrupt: (level: boolean) => void = () => {};

  private readonly input = new ByteQueue(INPUT_LIMIT);
  /** The receive FIFO; without FIFOs at most one byte, the receiver buffer register. */
  private received: number[] = [];
  /** The last byte that arrived while FIFOs were off: what the receiver buffer register shows when nothing waits. */
  private lastReceived = 0;
  private divisor = 12;
  private ier = 0;
  private iir = IIR_NONE;
  private fcr = 0;
  private lcr = 0;
  private mcr = MCR_OUT2;
  private overrun = false;
  private scratch = 0;
  /** The transmitter became empty and the program has not yet been told through IIR. */
  private transmitterEmptyPending = false;
  private level = false;

  /** Gives the program input; returns how many bytes were taken (fewer only when 64 MiB are waiting). */
  receive(bytes: Uint8Array): number {
    const accepted = this.input.push(bytes);
    this.refill();
    this.updateInterrupt();
    return accepted;
  }

  /** Takes the next received byte as a program does that polls, for firmware that shares this port; -1: none. */
  takeByte(): number {
    if (this.received.length === 0) return -1;
    const byte = this.readReceived();
    this.updateInterrupt();
    return byte;
  }

  /** Input bytes that the program has not read yet. */
  get waiting(): number {
    return this.input.length + this.received.length;
  }

  accepts(): boolean {
    return true;
  }

  read(offset: number): bigint {
    return BigInt(this.readRegister(offset));
  }

  write(offset: number, _width: Width, value: bigint): void {
    this.byteAccess.write(offset, Number(value & 0xffn));
  }

  transferState(state: StateTransfer): void {
    this.input.transferState(state);
    this.received = state.list(this.received, FIFO_LENGTH, (byte) => state.integer(byte ?? 0, LOOPED | 0xff));
    this.lastReceived = state.integer(this.lastReceived, 0xff);
    this.divisor = state.integer(this.divisor, 0xffff);
    this.ier = state.integer(this.ier, 0x0f);
    this.iir = state.integer(this.iir, 0xff);
    this.fcr = state.integer(this.fcr, FCR_KEPT);
    this.lcr = state.integer(this.lcr, 0xff);
    this.mcr = state.integer(this.mcr, MCR_WRITABLE);
    this.overrun = state.flag(this.overrun);
    this.scratch = state.integer(this.scratch, 0xff);
    this.transmitterEmptyPending = state.flag(this.transmitterEmptyPending);
    this.level = state.flag(this.level);
  }

  private get divisorLatch(): boolean {
    return (this.lcr & LCR_DIVISOR_LATCH) !== 0;
  }

  private get fifos(): boolean {
    return (this.fcr & FCR_ENABLE) !== 0;
  }

  private get loopback(): boolean {
    return (this.mcr & MCR_LOOP) !== 0;
  }

  private readRegister(offset: number): number {
    switch (offset) {
      case 0: {
        if (this.divisorLatch) return this.divisor & 0xff;
        const byte = this.readReceived();
        this.updateInterrupt();
        return byte;
      }
      case 1:
        return this.divisorLatch ? this.divisor >>> 8 : this.ier;
      case 2:
        return this.readInterruptIdentification();
      case 3:
        return this.lcr;
      case 4:
        return this.mcr;
      case 5:
        return this.readLineStatus();
      case 6:
        return this.readModemStatus();
      case 7:
        return this.scratch;
      default:
        return 0;
    }
  }

  /** @returns whether the interrupt line is to be looked at */
  private writeRegister(offset: number, value: number): boolean {
    switch (offset) {
      case 0:
        if (this.divisorLatch) this.divisor = (this.divisor & 0xff00) | value;
        else this.transmit(value);
        return !this.divisorLatch;
      case 1:
        if (!this.divisorLatch) return this.writeInterruptEnable(value);
        this.divisor = (this.divisor & 0xff) | (value << 8);
        return false;
      case 2:
        this.writeFifoControl(value);
        return true;
      case 3:
        this.lcr = value;
        return false;
      case 4:
        this.mcr = value & MCR_WRITABLE;
        return this.refill();
      case 7:
        this.scratch = value;
        return false;
      default: // LSR and MSR are read-only
        return false;
    }
  }

  private readReceived(): number {
    const byte = this.received.shift();
    if (byte === undefined) return this.fifos ? 0 : this.lastReceived;
    this.refill();
    return byte & 0xff;
  }

  /** Reading it acknowledges the transmitter interrupt when that is what it shows. */
  private readInterruptIdentification(): number {
    const value = this.iir;
    if ((value & 0x0f) === IIR_TRANSMITTER_EMPTY) {
      this.transmitterEmptyPending = false;
      this.updateInterrupt();
    }
    return value;
  }

  /** Reading it clears the overrun error. */
  private readLineStatus(): number {
    const received = this.received.length > 0 ? LSR_DATA_READY : 0;
    if (!this.overrun) return LSR_TRANSMITTER_EMPTY | received;
    this.overrun = false;
    this.updateInterrupt();
    return LSR_TRANSMITTER_EMPTY | received | LSR_OVERRUN;
  }

  /** In loopback the modem control outputs come back as the modem status inputs. */
  private readModemStatus(): number {
    if (!this.loopback) return MSR_CONNECTED;
    const { mcr } = this;
    return (
      (mcr & MCR_RTS ? MSR_CTS : 0) |
      (mcr & MCR_DTR ? MSR_DSR : 0) |
      (mcr & MCR_OUT1 ? MSR_RI : 0) |
      (mcr & MCR_OUT2 ? MSR_DCD : 0)
    );
  }

  private transmit(byte: number): void {
    if (this.loopback) this.receiveLooped(byte);
    else this.onOutput(Uint8Array.of(byte));
    this.transmitterEmptyPending = true;
  }

  private receiveLooped(byte: number): void {
    if (this.fifos) {
      if (this.received.length < FIFO_LENGTH) this.received.push(byte | LOOPED);
      else this.overrun = true;
      return;
    }
    if (this.received.length > 0) this.overrun = true;
    this.received = [byte | LOOPED];
    this.lastReceived = byte;
  }

  /**
   * Enabling the transmitter interrupt while the transmitter is empty raises it at once, as drivers rely on.
   * @returns whether anything changed
   */
  private writeInterruptEnable(value: number): boolean {
    const changed = (this.ier ^ value) & 0x0f;
    this.ier = value & 0x0f;
    if (changed & IER_TRANSMITTER_EMPTY) this.transmitterEmptyPending = (value & IER_TRANSMITTER_EMPTY) !== 0;
    return changed !== 0;
  }

  private writeFifoControl(value: number): void {
    const switched = ((value ^ this.fcr) & FCR_ENABLE) !== 0;
    if (switched || value & FCR_CLEAR_RECEIVER) this.clearReceiver();
    if (switched || value & FCR_CLEAR_TRANSMITTER) this.transmitterEmptyPending = true;
    this.fcr = value & FCR_KEPT;
    this.refill();
  }

  private clearReceiver(): void {
    for (const byte of this.received.reverse()) {
      if ((byte & LOOPED) === 0) this.input.unshift(byte);
    }
    this.received = [];
  }

  /** Lets waiting input arrive while there is room; in loopback the line is cut off. @returns whether anything arrived */
  private refill(): boolean {
    if (this.loopback) return false;
    const room = this.fifos ? FIFO_LENGTH : 1;
    const before = this.received.length;
    while (this.received.length < room && this.input.length > 0) {
      const byte = this.input.shift();
      this.received.push(byte);
      if (!this.fifos) this.lastReceived = byte;
    }
    return this.received.length > before;
  }

  /** The interrupt of highest priority that is enabled and pending (data sheet, table "Interrupt Control Functions"). */
  private interruptSource(): number {
    if (this.ier & IER_LINE_STATUS && this.overrun) return IIR_LINE_STATUS;
    if (this.ier & IER_RECEIVED && this.received.length > 0) {
      const trigger = this.fifos ? TRIGGER_LEVELS[this.fcr >>> 6] : 1;
      return this.received.length >= trigger ? IIR_RECEIVED : IIR_TIMEOUT;
    }
    if (this.ier & IER_TRANSMITTER_EMPTY && this.transmitterEmptyPending) return IIR_TRANSMITTER_EMPTY;
    return IIR_NONE;
  }

  private updateInterrupt(): void {
    const source = this.interruptSource();
    this.iir = source | (this.fifos ? IIR_FIFOS : 0);
    const level = source !== IIR_NONE;
    if (!level && !this.level) return;
    this.level = level;
    this.onInterrupt(level);
  }
}
