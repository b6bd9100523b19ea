/** The least that an engine needs of a machine, to try it alone. */
import assert from 'node:assert/strict';
import type { EngineOptions } from '../../src/engine/engine';
import { Engine } from '../../src/engine/engine';
import type { Access, EngineHost } from '../../src/engine/host';
import { FETCH } from '../../src/engine/host';
import { DRAM_BASE } from '../../src/engine/physical-memory';
import { assembleProgram } from '../../src/isa/assemble';
import type { Operands } from '../../src/isa/instruction';
import type { SystemOp } from '../../src/isa/semantics';

/** A machine without page tables whose pages can be remapped, made to fault, or kept out of the TLB. */
export class TestHost implements EngineHost {
  readonly engine: Engine;
  cacheable = true;
  readonly traps: { cause: number; tval: bigint; pc: bigint; executed: number }[] = [];
  readonly mapped = new Map<number, number>();
  readonly faulting = new Set<number>();
  readonly device: string[] = [];
  readonly systemCalls: { op: SystemOp; executed: number }[] = [];
  onSystem: (op: SystemOp, operands: Operands) => 'next' | 'jump' = () => 'next';
  onRaise: () => void = () => this.engine.holdInstruction();
  onBreakpoint: (pc: bigint) => boolean = () => true;

  /** @param source a program for the start of DRAM, where pc is set */
  constructor(source: string, options: Partial<EngineOptions> = {}) {
    this.engine = new Engine({ ramBytes: 1 << 24, ...options });
    this.engine.attach(this);
    this.engine.memory.load(DRAM_BASE, assembleProgram(source, BigInt(DRAM_BASE)));
    this.engine.state.pc = BigInt(DRAM_BASE);
  }

  translate(vaLow: number, vaHigh: number, access: Access, size: number): number {
    const page = vaLow >>> 12;
    assert.ok((vaLow & 0xfff) + size <= 0x1000);
    if (vaHigh !== 0 || this.faulting.has(page)) {
      this.raise(access === FETCH ? 12 : 13, (BigInt(vaHigh) << 32n) | BigInt(vaLow));
      return -1;
    }
    return (this.mapped.get(page) ?? page) * 0x1000 + (vaLow & 0xfff);
  }

  readDevice(hpa: number, width: number): bigint | undefined {
    if (hpa < 0x10000000 || hpa > 0x10000fff) return undefined;
    this.device.push(`read${width} ${hpa.toString(16)}`);
    return 0xf0f1f2f3f4f5f6f7n & ((1n << BigInt(width * 8)) - 1n);
  }

  writeDevice(hpa: number, width: number, value: bigint): boolean {
    if (hpa < 0x10000000 || hpa > 0x10000fff) return false;
    this.device.push(`write${width} ${hpa.toString(16)} ${value.toString(16)}`);
    return true;
  }

  raise(cause: number, tval: bigint): void {
    this.traps.push({ cause, tval, pc: this.engine.state.pc, executed: this.engine.executed });
    this.onRaise();
  }

  system(op: SystemOp, operands: Operands): 'next' | 'jump' {
    this.systemCalls.push({ op, executed: this.engine.executed });
    return this.onSystem(op, operands);
  }

  breakpoint(pc: bigint): boolean {
    return this.onBreakpoint(pc);
  }

  x(index: number): bigint {
    return this.engine.state.x(index);
  }
}
