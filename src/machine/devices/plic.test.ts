// The PLIC: registers, and what happens between a rising line and a completion.
import assert from 'node:assert/strict';
import { Plic } from './plic';

const UART = 10;
const M = 0;
const S = 1;
const priority = (irq: number) => 4 * irq;
const pendingWord = (word: number) => 0x1000 + 4 * word;
const enable = (context: number, word = 0) => 0x2000 + 0x80 * context + 4 * word;
const threshold = (context: number) => 0x200000 + 0x1000 * context;
const claim = (context: number) => threshold(context) + 4;

function setUp(harts = 1) {
  const plic = new Plic({ harts });
  const log: string[] = [];
  plic.onContext = (context, pending) => log.push(`${context}:${pending}`);
  return { plic, log, set: (offset: number, value: number) => plic.write(offset, 4, BigInt(value)) };
}

/** The serial port enabled for S-mode of hart 0. */
function setUpUart() {
  const all = setUp();
  all.set(priority(UART), 1);
  all.set(enable(S), 1 << UART);
  return all;
}

describe('Plic registers', () => {
  it('keeps three bits of priorities and thresholds', () => {
    const { plic, set } = setUp();
    set(priority(1), 0xff);
    set(priority(96), 6);
    set(priority(0), 7);
    set(priority(97), 7);
    assert.deepEqual(
      [0, 1, 96, 97].map((irq) => plic.read(priority(irq))),
      [0n, 7n, 6n, 0n],
    );
    set(threshold(S), 0xffff_ffff);
    assert.equal(plic.read(threshold(S)), 7n);
    assert.equal(plic.read(threshold(M)), 0n);
  });

  it('keeps enable bits of existing sources, per context', () => {
    const { plic, set } = setUp(2);
    for (let word = 0; word < 5; word++) set(enable(3, word), 0xffff_ffff);
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((word) => plic.read(enable(3, word))),
      [0xffff_fffen, 0xffff_ffffn, 0xffff_ffffn, 1n, 0n],
    );
    assert.equal(plic.read(enable(2)), 0n);
    set(enable(4), 0xffff_ffff);
    assert.equal(plic.read(enable(4)), 0n);
  });

  it('shows pending bits, read-only', () => {
    const { plic, set } = setUp();
    plic.setLine(UART, true);
    plic.setLine(96, true);
    set(pendingWord(0), 0);
    set(pendingWord(1), 0xffff_ffff);
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((word) => plic.read(pendingWord(word))),
      [1n << 10n, 0n, 0n, 1n, 0n],
    );
  });

  it('reads zero where there is no context', () => {
    const { plic } = setUp();
    assert.equal(plic.read(claim(2)), 0n);
    assert.equal(plic.read(0x5ffffc), 0n);
  });

  it('takes words only', () => {
    const { plic } = setUp();
    assert.deepEqual(
      ([1, 2, 4, 8] as const).map((width) => plic.accepts(0, width)),
      [false, false, true, false],
    );
  });
});

describe('Plic interrupts', () => {
  it('raises the context, is claimed, completed, and quiet', () => {
    const { plic, log, set } = setUpUart();
    plic.setLine(UART, true);
    assert.deepEqual(log, ['1:true']);
    assert.equal(plic.contextPending(S), true);
    assert.equal(plic.contextPending(M), false);
    assert.equal(plic.read(claim(S)), 10n);
    assert.deepEqual(log, ['1:true', '1:false']);
    assert.deepEqual(plic.source(UART), { line: true, pending: false, claimed: true, priority: 1 });
    assert.equal(plic.read(claim(S)), 0n);
    plic.setLine(UART, false);
    set(claim(S), UART);
    assert.deepEqual(log, ['1:true', '1:false']);
    assert.deepEqual(plic.source(UART), { line: false, pending: false, claimed: false, priority: 1 });
  });

  it('does not pend again at completion, though the line is high, until the device says so again', () => {
    const { plic, log, set } = setUpUart();
    plic.setLine(UART, true);
    plic.read(claim(S));
    set(claim(S), UART);
    assert.deepEqual(log, ['1:true', '1:false']);
    plic.setLine(UART, true);
    assert.equal(plic.read(claim(S)), 10n);
  });

  it('keeps what a device says between claim and completion', () => {
    const { plic, log, set } = setUpUart();
    plic.setLine(UART, true);
    plic.read(claim(S));
    plic.setLine(UART, true);
    assert.deepEqual(plic.source(UART), { line: true, pending: true, claimed: true, priority: 1 });
    assert.equal(plic.read(claim(S)), 0n);
    set(claim(S), UART);
    assert.deepEqual(log, ['1:true', '1:false', '1:true']);
    assert.equal(plic.read(claim(S)), 10n);
  });

  it('keeps a request whose line fell before the claim', () => {
    const { plic } = setUpUart();
    plic.setLine(UART, true);
    plic.setLine(UART, false);
    assert.equal(plic.contextPending(S), true);
    assert.equal(plic.read(claim(S)), 10n);
  });

  it('needs the enable bit, a priority, and one above the threshold', () => {
    const { plic, log, set } = setUp();
    plic.setLine(UART, true);
    set(enable(S), 1 << UART);
    assert.deepEqual(log, []);
    set(priority(UART), 3);
    assert.deepEqual(log, ['1:true']);
    set(threshold(S), 3);
    assert.deepEqual(log, ['1:true', '1:false']);
    assert.equal(plic.read(claim(S)), 0n);
    set(threshold(S), 2);
    assert.equal(plic.contextPending(S), true);
    set(enable(S), 0);
    assert.equal(plic.contextPending(S), false);
  });

  it('hands out by priority, then by number', () => {
    const { plic, set } = setUp();
    for (const [irq, level] of [
      [40, 5],
      [3, 2],
      [7, 5],
      [96, 7],
    ] as const) {
      set(priority(irq), level);
      plic.setLine(irq, true);
    }
    for (let word = 0; word < 4; word++) set(enable(S, word), 0xffff_ffff);
    assert.deepEqual(
      [1, 2, 3, 4, 5].map(() => plic.read(claim(S))),
      [96n, 7n, 40n, 3n, 0n],
    );
  });

  it('raises every context that is enabled; the first to claim has it', () => {
    const { plic, log, set } = setUp(2);
    set(priority(UART), 1);
    set(enable(1), 1 << UART);
    set(enable(3), 1 << UART);
    plic.setLine(UART, true);
    assert.deepEqual(log, ['1:true', '3:true']);
    assert.equal(plic.read(claim(3)), 10n);
    assert.equal(plic.read(claim(1)), 0n);
    assert.deepEqual(log, ['1:true', '3:true', '1:false', '3:false']);
  });

  it('ignores completions of what was not claimed, and of numbers that are no source', () => {
    const { plic, log, set } = setUpUart();
    plic.setLine(UART, true);
    for (const irq of [0, UART, 11, 97, 0xffff_ffff]) set(claim(S), irq);
    assert.deepEqual(log, ['1:true']);
    assert.equal(plic.read(claim(S)), 10n);
  });

  it('ignores lines that do not exist', () => {
    const { plic } = setUp();
    for (const irq of [-1, 0, 97, 1.5e9]) plic.setLine(irq, true);
    assert.deepEqual(
      [0, 1, 2, 3].map((word) => plic.read(pendingWord(word))),
      [0n, 0n, 0n, 0n],
    );
  });
});
