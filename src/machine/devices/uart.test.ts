// The 16550A: registers, interrupts, FIFOs, loopback, and the input queue behind them.
import assert from 'node:assert/strict';
import { Uart } from './uart';

const RBR = 0;
const THR = 0;
const IER = 1;
const IIR = 2;
const FCR = 2;
const LCR = 3;
const MCR = 4;
const LSR = 5;
const MSR = 6;
const SCR = 7;

const bytes = (text: string) => new TextEncoder().encode(text);

function setUp() {
  const uart = new Uart();
  let output = '';
  const lines: boolean[] = [];
  uart.onOutput = (sent) => (output += new TextDecoder().decode(sent));
  uart.onInterrupt = (level) => lines.push(level);
  return {
    uart,
    lines,
    output: () => output,
    get: (offset: number) => Number(uart.read(offset)),
    set: (offset: number, value: number) => uart.write(offset, 1, BigInt(value)),
    /** Reads while data is ready, as a driver does. */
    drain: () => {
      let text = '';
      while (Number(uart.read(LSR)) & 1) text += String.fromCharCode(Number(uart.read(RBR)));
      return text;
    },
  };
}

describe('Uart registers', () => {
  it('has the reset values of a 16550A', () => {
    const { get, set } = setUp();
    const registers = [RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR].map(get);
    assert.deepEqual(registers, [0, 0, 1, 0, 8, 0x60, 0xb0, 0]);
    set(LCR, 0x80);
    assert.deepEqual([get(0), get(1)], [12, 0]);
  });

  it('keeps the divisor behind the latch bit', () => {
    const { get, set, output } = setUp();
    set(LCR, 0x83);
    set(0, 0x34);
    set(1, 0x12);
    assert.deepEqual([get(0), get(1)], [0x34, 0x12]);
    set(LCR, 0x03);
    assert.equal(get(IER), 0);
    assert.equal(output(), '');
    assert.equal(get(LCR), 3);
  });

  it('keeps scratch, the four bits of IER, the five of MCR; LSR and MSR are read-only', () => {
    const { get, set } = setUp();
    for (const register of [IER, MCR, LSR, MSR, SCR]) set(register, 0xff);
    set(MCR, 0xef);
    assert.deepEqual([get(IER), get(MCR), get(LSR), get(MSR), get(SCR)], [0x0f, 0x0f, 0x60, 0xb0, 0xff]);
  });

  it('shows one register whatever the width, and takes the low byte', () => {
    const { uart, get } = setUp();
    uart.write(SCR, 8, 0x1234n);
    assert.equal(get(SCR), 0x34);
    assert.equal(uart.accepts(), true);
  });

  it('tells its type to a probing driver', () => {
    const { get, set } = setUp();
    // As Linux does it: scratch exists, FIFOs are announced in IIR 7:6 when enabled, no 16750 bit 5.
    set(FCR, 1);
    assert.equal(get(IIR), 0xc1);
    set(FCR, 0);
    assert.equal(get(IIR), 0x01);
    set(MCR, 0x1a);
    assert.equal(get(MSR), 0x90);
    set(MCR, 0x15);
    assert.equal(get(MSR), 0x60);
  });
});

describe('Uart transmitter', () => {
  it('sends at once and is empty again', () => {
    const { get, set, output } = setUp();
    for (const byte of bytes('ok\n')) {
      assert.equal(get(LSR) & 0x60, 0x60);
      set(THR, byte);
    }
    assert.equal(output(), 'ok\n');
  });

  it('interrupts when enabled, and again after each byte; reading IIR acknowledges', () => {
    const { get, set, lines } = setUp();
    set(IER, 2);
    assert.deepEqual(lines, [true]);
    assert.equal(get(IIR), 0x02);
    assert.deepEqual(lines, [true, false]);
    assert.equal(get(IIR), 0x01);
    set(THR, 65);
    assert.deepEqual(lines, [true, false, true]);
    set(IER, 0);
    assert.deepEqual(lines, [true, false, true, false]);
    set(IER, 2);
    assert.equal(get(IIR), 0x02);
  });

  it('interrupts after the transmit FIFO is cleared', () => {
    const { get, set } = setUp();
    set(IER, 2);
    set(FCR, 1);
    get(IIR);
    set(FCR, 5);
    assert.equal(get(IIR), 0xc2);
  });
});

describe('Uart receiver', () => {
  it('receives without FIFOs, one byte at a time', () => {
    const { uart, get } = setUp();
    assert.equal(uart.receive(bytes('ab')), 2);
    assert.equal(uart.waiting, 2);
    assert.equal(get(LSR), 0x61);
    assert.equal(get(RBR), 0x61);
    assert.equal(get(LSR), 0x61);
    assert.equal(get(RBR), 0x62);
    assert.equal(get(LSR), 0x60);
    assert.equal(get(RBR), 0x62);
  });

  it('holds the interrupt until everything is read', () => {
    const { uart, get, set, lines, drain } = setUp();
    set(IER, 1);
    uart.receive(bytes('ab'));
    assert.deepEqual(lines, [true]);
    assert.equal(get(IIR), 0x04);
    assert.equal(drain(), 'ab');
    assert.deepEqual(lines, [true, true, false]);
  });

  it('tells the trigger level from a timeout', () => {
    const { uart, get, set } = setUp();
    set(IER, 1);
    for (const [bits, level] of [
      [0, 1],
      [1, 4],
      [2, 8],
      [3, 14],
    ]) {
      set(FCR, (bits << 6) | 3);
      for (let count = 1; count <= 16; count++) {
        uart.receive(bytes('x'));
        assert.equal(get(IIR), count < level ? 0xcc : 0xc4, `level ${level}, ${count} bytes`);
      }
      for (let count = 0; count < 16; count++) get(RBR);
      assert.equal(get(IIR), 0xc1);
    }
  });

  it('loses no input, however much comes and whenever it is read', () => {
    const { uart, set, drain } = setUp();
    const text = Array.from({ length: 5000 }, (_, i) => String.fromCharCode(33 + (i % 90))).join('');
    set(FCR, 0xc1);
    uart.receive(bytes(text.slice(0, 3000)));
    let read = drain();
    uart.receive(bytes(text.slice(3000)));
    read += drain();
    assert.equal(read, text);
  });

  it('keeps input that a driver clears from the FIFO unread', () => {
    const { uart, set, drain } = setUp();
    uart.receive(bytes('early input, typed before the driver was ready'));
    set(FCR, 0x01);
    set(FCR, 0x07);
    set(FCR, 0x00);
    set(FCR, 0xc7);
    assert.equal(drain(), 'early input, typed before the driver was ready');
  });

  it('says how much it took when too much waits', () => {
    const { uart } = setUp();
    const size = 1 << 26;
    assert.equal(uart.receive(new Uint8Array(size)), size);
    assert.equal(uart.receive(new Uint8Array(size)), 1);
    assert.equal(uart.receive(new Uint8Array(1)), 0);
  });

  it('lets firmware take bytes', () => {
    const { uart, set, lines } = setUp();
    assert.equal(uart.takeByte(), -1);
    set(IER, 1);
    uart.receive(bytes('a'));
    assert.equal(uart.takeByte(), 0x61);
    assert.equal(uart.takeByte(), -1);
    assert.deepEqual(lines, [true, false]);
  });
});

describe('Uart interrupts', () => {
  it('shows them in the order of priority', () => {
    const { uart, get, set } = setUp();
    set(MCR, 0x10);
    set(THR, 1);
    set(THR, 2);
    set(MCR, 0);
    set(IER, 0x0f);
    uart.receive(bytes('a'));
    assert.equal(get(IIR), 0x06);
    assert.equal(get(LSR), 0x63);
    assert.equal(get(IIR), 0x04);
    get(RBR);
    get(RBR);
    assert.equal(get(IIR), 0x02);
    assert.equal(get(IIR), 0x01);
  });
});

describe('Uart loopback', () => {
  it('brings sent bytes back, without output', () => {
    const { set, drain, output } = setUp();
    set(FCR, 1);
    set(MCR, 0x10);
    for (const byte of bytes('loop')) set(THR, byte);
    assert.equal(drain(), 'loop');
    assert.equal(output(), '');
  });

  it('overruns: with FIFOs the new byte is lost, without the old one', () => {
    const { get, set, drain } = setUp();
    set(MCR, 0x10);
    set(THR, 1);
    set(THR, 2);
    assert.equal(get(LSR), 0x63);
    assert.equal(get(LSR), 0x61);
    assert.equal(get(RBR), 2);
    set(FCR, 1);
    for (let i = 0; i < 17; i++) set(THR, 65 + i);
    assert.equal(get(LSR), 0x63);
    assert.equal(drain(), 'ABCDEFGHIJKLMNOP');
  });

  it('holds input back until it ends; looped bytes are cleared for good', () => {
    const { uart, set, drain } = setUp();
    set(FCR, 1);
    uart.receive(bytes('a'));
    set(MCR, 0x10);
    uart.receive(bytes('b'));
    set(THR, 33);
    set(FCR, 3);
    assert.equal(drain(), '');
    set(MCR, 0);
    assert.equal(drain(), 'ab');
  });
});
