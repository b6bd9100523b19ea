/**
 * The platform-level interrupt controller: device interrupts with priorities, routed to contexts (hart and mode).
 * Specification: RISC-V Platform-Level Interrupt Controller 1.0.0; layout and widths as in QEMU's hw/intc/sifive_plic.c.
 * Context 2n is M-mode of hart n, context 2n + 1 its S-mode.
 *
 * As in QEMU, where guests are at home, a source pends whenever its device says that its line is high, and a completion
 * alone never makes it pend again: kernels rely on it that acknowledge nothing at their devices (decision 0014). As the
 * specification says (chapter 5), a request stays pending until it is claimed even when its line falls. Also as in QEMU, a
 * claim respects the threshold, and a completion counts even when the source is no longer enabled for the context.
 */
import type { StateTransfer } from '../../engine/state-transfer';
import type { Device, Width } from './device';
import { VIRT } from './virt-map';

const PENDING = 0x1000;
const ENABLE = 0x2000;
const ENABLE_STRIDE = 0x80;
const CONTEXT = 0x200000;
const CONTEXT_STRIDE = 0x1000;
const PRIORITY_MASK = 7;

export interface PlicOptions {
  readonly harts: number;
  /** The highest source number; QEMU's `virt` has 96. */
  readonly sources?: number;
}

export class Plic implements Device {
  readonly name = 'plic';
  readonly base = VIRT.plic.base;
  readonly size = VIRT.plic.size;
  readonly sources: number;
  readonly contexts: number;

  /** A context's external interrupt line changed. */
  onContext: (context: number, pending: boolean) => void = () => {};

  private readonly words: number;
  private readonly line: Uint8Array;
  private readonly priority: Uint8Array;
  /** Bit maps, 32 sources a word. */
  private readonly pending: Uint32Array;
  private readonly claimed: Uint32Array;
  private readonly enabled: Uint32Array[];
  private readonly threshold: Uint8Array;
  private readonly signalled: boolean[];

  constructor(options: PlicOptions) {
    this.sources = options.sources ?? VIRT.plic.sources;
    this.contexts = 2 * options.harts;
    this.words = (this.sources >>> 5) + 1;
    this.line = new Uint8Array(this.sources + 1);
    this.priority = new Uint8Array(this.sources + 1);
    this.pending = new Uint32Array(this.words);
    this.claimed = new Uint32Array(this.words);
    this.enabled = Array.from({ length: this.contexts }, () => new Uint32Array(this.words));
    this.threshold = new Uint8Array(this.contexts);
    this.signalled = new Array<boolean>(this.contexts).fill(false);
  }

  /** A device says the level of its interrupt line, perhaps once more; source numbers from 1 to `sources`. */
  setLine(irq: number, level: boolean): void {
    if (irq < 1 || irq > this.sources) return;
    this.line[irq] = level ? 1 : 0;
    if (!level || bit(this.pending, irq)) return;
    setBit(this.pending, irq, true);
    this.update();
  }

  /** Whether the context's external interrupt line is raised. */
  contextPending(context: number): boolean {
    return this.signalled[context] ?? false;
  }

  /** Everything about one source, for views. */
  source(irq: number): { line: boolean; pending: boolean; claimed: boolean; priority: number } {
    return {
      line: this.line[irq] !== 0,
      pending: bit(this.pending, irq),
      claimed: bit(this.claimed, irq),
      priority: this.priority[irq],
    };
  }

  accepts(_offset: number, width: Width): boolean {
    return width === 4;
  }

  /** Reserved registers, and those of contexts that are not there, read as zero. */
  read(offset: number): bigint {
    if (offset < PENDING) return BigInt(this.priority[offset >>> 2] ?? 0);
    if (offset < ENABLE) return BigInt(this.pending[(offset - PENDING) >>> 2] ?? 0);
    if (offset < CONTEXT) {
      const at = offset - ENABLE;
      return BigInt(this.enabled[Math.floor(at / ENABLE_STRIDE)]?.[(at % ENABLE_STRIDE) >>> 2] ?? 0);
    }
    const context = Math.floor((offset - CONTEXT) / CONTEXT_STRIDE);
    if (context >= this.contexts) return 0n;
    const register = offset % CONTEXT_STRIDE;
    if (register === 0) return BigInt(this.threshold[context]);
    return register === 4 ? BigInt(this.claim(context)) : 0n;
  }

  write(offset: number, _width: Width, value: bigint): void {
    const word = Number(BigInt.asUintN(32, value));
    if (offset < PENDING) this.writePriority(offset >>> 2, word);
    else if (offset < ENABLE)
      return; // pending bits are read-only
    else if (offset < CONTEXT) this.writeEnable(offset - ENABLE, word);
    else this.writeContext(Math.floor((offset - CONTEXT) / CONTEXT_STRIDE), offset % CONTEXT_STRIDE, word);
  }

  transferState(state: StateTransfer): void {
    const { line, priority, pending, claimed, threshold } = this;
    for (const array of [line, priority, pending, claimed, ...this.enabled, threshold]) state.fill(array);
    this.signalled.forEach((_, context) => (this.signalled[context] = state.flag(this.signalled[context])));
    const isInside = (map: Uint32Array) => map.every((word, index) => (word & ~this.existing(index)) === 0);
    state.require([pending, claimed, ...this.enabled].every(isInside), 'an interrupt source does not exist');
  }

  private writePriority(irq: number, priority: number): void {
    if (irq < 1 || irq > this.sources) return;
    this.priority[irq] = priority & PRIORITY_MASK;
    this.update();
  }

  private writeEnable(at: number, bits: number): void {
    const words = this.enabled[Math.floor(at / ENABLE_STRIDE)];
    const index = (at % ENABLE_STRIDE) >>> 2;
    if (words === undefined || index >= this.words) return;
    words[index] = bits & this.existing(index);
    this.update();
  }

  private writeContext(context: number, register: number, word: number): void {
    if (context >= this.contexts) return;
    if (register === 0) {
      this.threshold[context] = word & PRIORITY_MASK;
      this.update();
    } else if (register === 4) this.complete(word);
  }

  /** The bits of a bit map's word that stand for sources; source 0 does not exist. */
  private existing(index: number): number {
    const last = this.sources - 32 * index;
    const mask = last >= 31 ? 0xffff_ffff : 2 ** (last + 1) - 1;
    return index === 0 ? mask & ~1 : mask;
  }

  /** The enabled pending source, not claimed, of highest priority above the threshold; the lowest number wins a tie; 0: none. */
  private best(context: number): number {
    const enabled = this.enabled[context];
    let best = 0;
    let bestPriority = this.threshold[context];
    for (let index = 0; index < this.words; index++) {
      let candidates = this.pending[index] & enabled[index] & ~this.claimed[index];
      while (candidates !== 0) {
        const low = 31 - Math.clz32(candidates & -candidates);
        candidates &= candidates - 1;
        const irq = 32 * index + low;
        if (this.priority[irq] > bestPriority) {
          best = irq;
          bestPriority = this.priority[irq];
        }
      }
    }
    return best;
  }

  private claim(context: number): number {
    const irq = this.best(context);
    if (irq !== 0) {
      setBit(this.pending, irq, false);
      setBit(this.claimed, irq, true);
      this.update();
    }
    return irq;
  }

  private complete(irq: number): void {
    if (irq < 1 || irq > this.sources || !bit(this.claimed, irq)) return;
    setBit(this.claimed, irq, false);
    this.update();
  }

  private update(): void {
    for (let context = 0; context < this.contexts; context++) {
      const pending = this.best(context) !== 0;
      if (pending === this.signalled[context]) continue;
      this.signalled[context] = pending;
      this.onContext(context, pending);
    }
  }
}

function bit(map: Uint32Array, index: number): boolean {
  return ((map[index >>> 5] >>> (index & 31)) & 1) !== 0;
}

function setBit(map: Uint32Array, index: number, on: boolean): void {
  const mask = 1 << (index & 31);
  if (on) map[index >>> 5] |= mask;
  else map[index >>> 5] &= ~mask;
}
