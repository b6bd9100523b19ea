/** What the functions in `soft-*.ts` know of the two formats, and the parts they are made of. */
import type { FloatFormat } from '../../isa/float/format';
import { f32, f64 } from '../../isa/float/format';
import type { PlainOp } from '../../wasm/opcodes';
import type { Body, Local, Term } from './terms';
import { add, and, below, bit, clz, isZero, op, or, shl, shr, sub } from './terms';

export type Letter = 's' | 'd';

/** Exceptions as fcsr accrues them. */
export const FLAG = { inexact: 1, underflow: 2, overflow: 4, divideByZero: 8, invalid: 16 } as const;
export const MODE = { nearest: 0, towardsZero: 1, down: 2, up: 3, away: 4, dynamic: 7 } as const;

type FloatOp = 'add' | 'sub' | 'mul' | 'div' | 'eq' | 'ne' | 'lt' | 'abs' | 'neg';

/** One of the two formats, for generated code. */
export class SoftFormat {
  readonly type: 'f32' | 'f64';
  readonly fractionBits: bigint;
  /** The least number that is not subnormal. */
  readonly leastNormal: number;

  constructor(
    readonly letter: Letter,
    readonly format: FloatFormat,
  ) {
    this.type = letter === 's' ? 'f32' : 'f64';
    this.fractionBits = format.fractionBits;
    this.leastNormal = letter === 's' ? 2 ** -126 : 2 ** -1022;
  }

  op(name: FloatOp, ...operands: Term[]): Term {
    return op(`${this.type}.${name}` as PlainOp, ...operands);
  }

  constant(value: number): Term {
    return (code) => void (this.letter === 's' ? code.f32(value) : code.f64(value));
  }

  /** A value's bits as an i64. */
  bits(value: Term): Term {
    return this.letter === 's'
      ? op('i64.extend_i32_u', op('i32.reinterpret_f32', value))
      : op('i64.reinterpret_f64', value);
  }

  /** The value with the bits in an i64. */
  value(bits: Term): Term {
    return this.letter === 's' ? op('f32.reinterpret_i32', op('i32.wrap_i64', bits)) : op('f64.reinterpret_i64', bits);
  }

  get canonicalNaN(): Term {
    return this.value(this.format.canonicalNaN);
  }

  isNaN(value: Term): Term {
    return this.op('ne', value, value);
  }

  isInfinite(value: Term): Term {
    return this.op('eq', this.op('abs', value), this.constant(Infinity));
  }

  isZero(value: Term): Term {
    return this.op('eq', value, this.constant(0));
  }

  isSignaling(bits: Term): Term {
    const { infinity, quietBit, signBit } = this.format;
    return below(sub(and(bits, signBit - 1n), infinity + 1n), quietBit - 1n);
  }

  negative(bits: Term): Term {
    return shr(bits, this.format.width - 1n);
  }

  /**
   * Takes a finite number other than zero apart, with the significand's leading one at bit `lead`:
   * it is `significand` × 2^`exponent`.
   */
  unpack(body: Body, value: Local, lead: bigint): Unpacked {
    const { exponentMax, leastExponent, fractionBits } = this.format;
    const bits = body.let('i64', this.bits(value));
    const field = body.let('i64', and(shr(bits, fractionBits), exponentMax));
    const fraction = and(bits, (1n << fractionBits) - 1n);
    const negative = body.let('i64', this.negative(bits));
    const significand = body.let('i64', shl(fraction, lead - fractionBits));
    const exponent = body.let('i64', sub(field, BigInt(1 - leastExponent) + lead - fractionBits));
    body.if(
      isZero(field),
      () => {
        const shift = body.let('i64', sub(clz(significand), 63n - lead));
        body.set(significand, shl(significand, shift));
        body.set(exponent, add(sub(exponent, shift), 1n));
      },
      () => body.set(significand, or(significand, 1n << lead)),
    );
    return { negative, significand, exponent };
  }
}

export interface Unpacked {
  /** 1 or 0. */
  readonly negative: Local;
  readonly significand: Local;
  readonly exponent: Local;
}

export const softFormats: Readonly<Record<Letter, SoftFormat>> = {
  s: new SoftFormat('s', f32),
  d: new SoftFormat('d', f64),
};

/** Shifts right; a one that is lost stays as the last bit. `distance` is not negative. */
export function shiftSticky(body: Body, value: Local, distance: Local): void {
  body.if(
    below(distance, 64n),
    () => {
      const lost = and(value, sub(shl(1n, distance), 1n));
      body.set(value, or(shr(value, distance), bit(op('i64.ne', lost, 0n))));
    },
    () => body.set(value, bit(op('i64.ne', value, 0n))),
  );
}
