/**
 * The floating-point registers of a region: their 64 bits as an f64 local each, and where it is used also the
 * single-precision value as an f32 local, so that it is not taken out of its box again and again.
 */
import type { Code } from '../../wasm/code';
import { boxed, pushUnboxed } from '../float/site';

export class FloatRegisters {
  private readonly doubles = new Map<number, number>();
  private readonly singles = new Map<number, number>();
  /** Registers whose f32 local is valid. */
  private known = 0;
  private readonly bits: number;

  constructor(private readonly code: Code) {
    this.bits = code.local('i64');
  }

  /** The local with a register's 64 bits, as an f64. */
  local(f: number): number {
    return localOf(this.doubles, f, () => this.code.local('f64'));
  }

  /** At a block's start: the registers whose f32 local is valid on all ways there. */
  startBlock(known: number): void {
    this.known = known;
  }

  /** To be called before `push`, where the code is sure to come along. */
  prepare(f: number, kind: 's' | 'd'): void {
    if (kind === 'd' || this.known & (1 << f)) return;
    this.code.get(this.local(f)).op('i64.reinterpret_f64').set(this.bits);
    pushUnboxed(this.code, this.bits).set(this.single(f));
    this.known |= 1 << f;
  }

  /** Pushes a register's value. */
  push(f: number, kind: 's' | 'd'): void {
    this.code.get(kind === 'd' ? this.local(f) : this.single(f));
  }

  /** Takes what was pushed as the register's value. */
  set(f: number, kind: 's' | 'd'): void {
    const { code } = this;
    if (kind === 'd') {
      code.set(this.local(f));
      this.known &= ~(1 << f);
      return;
    }
    code.tee(this.single(f));
    boxed(code).op('f64.reinterpret_i64').set(this.local(f));
    this.known |= 1 << f;
  }

  private single(f: number): number {
    return localOf(this.singles, f, () => this.code.local('f32'));
  }
}

function localOf(locals: Map<number, number>, register: number, create: () => number): number {
  let local = locals.get(register);
  if (local === undefined) locals.set(register, (local = create()));
  return local;
}
