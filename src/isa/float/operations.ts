/** Every floating-point instruction that computes, as a function of its operands and the rounding mode. */
import { add, subtract } from './add';
import {
  classify,
  copySign,
  copySignNegated,
  isEqual,
  isLess,
  isLessOrEqual,
  maximum,
  minimum,
  multiplySigns,
} from './compare';
import type { IntegerType } from './convert';
import { convertFormat, fromInteger, toInteger } from './convert';
import { divide } from './divide';
import type { FloatFormat } from './format';
import { box, f32, f64, unbox } from './format';
import { multiplyAdd } from './fused';
import { multiply } from './multiply';
import { exactly } from './results';
import type { FloatResult, RoundingMode } from './rounding';
import { squareRoot } from './square-root';

/**
 * Where an operand comes from, or the result goes: an integer register, a floating-point register as single precision
 * (boxed), or a floating-point register as its 64 bits.
 */
export type FloatKind = 'x' | 's' | 'd';

export interface FloatOperation {
  /** The instruction's name. */
  readonly name: string;
  /** Of rs1, rs2 and rs3, as many as there are. */
  readonly operands: readonly FloatKind[];
  readonly result: FloatKind;
  /** Whether it has a rounding mode in the instruction word, which is then checked even where nothing is rounded. */
  readonly rounds: boolean;
  /**
   * @param registers the registers' contents, unsigned 64 bits
   * @returns what the result register holds afterwards, unsigned 64 bits, and the flags raised
   */
  readonly evaluate: (registers: readonly bigint[], mode: RoundingMode) => FloatResult;
}

/** A function of values as the kinds of operands say, single precision unboxed. */
type Evaluate = (mode: RoundingMode, a: bigint, b: bigint, c: bigint) => FloatResult;

function operation(
  name: string,
  result: FloatKind,
  operands: readonly FloatKind[],
  rounds: boolean,
  evaluate: Evaluate,
): FloatOperation {
  const value = (registers: readonly bigint[], i: number): bigint => {
    if (i >= operands.length) return 0n;
    return operands[i] === 's' ? unbox(registers[i]) : registers[i];
  };
  return {
    name,
    operands,
    result,
    rounds,
    evaluate(registers, mode) {
      const { bits, flags } = evaluate(mode, value(registers, 0), value(registers, 1), value(registers, 2));
      return { bits: result === 's' ? box(bits) : bits, flags };
    },
  };
}

const integers: readonly { readonly suffix: string; readonly type: IntegerType }[] = [
  { suffix: 'w', type: { width: 32, signed: true } },
  { suffix: 'wu', type: { width: 32, signed: false } },
  { suffix: 'l', type: { width: 64, signed: true } },
  { suffix: 'lu', type: { width: 64, signed: false } },
];

/** The operations of one format, which has the letter `f`. */
function operationsOf(f: 's' | 'd', format: FloatFormat): FloatOperation[] {
  const { signBit } = format;
  const rounded = (name: string, operands: readonly FloatKind[], evaluate: Evaluate) =>
    operation(`${name}.${f}`, f, operands, true, evaluate);
  const plain = (name: string, result: FloatKind, evaluate: Evaluate) =>
    operation(`${name}.${f}`, result, [f, f], false, evaluate);
  return [
    rounded('fmadd', [f, f, f], (mode, a, b, c) => multiplyAdd(format, a, b, c, mode)),
    rounded('fmsub', [f, f, f], (mode, a, b, c) => multiplyAdd(format, a, b, c ^ signBit, mode)),
    rounded('fnmsub', [f, f, f], (mode, a, b, c) => multiplyAdd(format, a ^ signBit, b, c, mode)),
    rounded('fnmadd', [f, f, f], (mode, a, b, c) => multiplyAdd(format, a ^ signBit, b, c ^ signBit, mode)),
    rounded('fadd', [f, f], (mode, a, b) => add(format, a, b, mode)),
    rounded('fsub', [f, f], (mode, a, b) => subtract(format, a, b, mode)),
    rounded('fmul', [f, f], (mode, a, b) => multiply(format, a, b, mode)),
    rounded('fdiv', [f, f], (mode, a, b) => divide(format, a, b, mode)),
    rounded('fsqrt', [f], (mode, a) => squareRoot(format, a, mode)),
    plain('fsgnj', f, (_mode, a, b) => copySign(format, a, b)),
    plain('fsgnjn', f, (_mode, a, b) => copySignNegated(format, a, b)),
    plain('fsgnjx', f, (_mode, a, b) => multiplySigns(format, a, b)),
    plain('fmin', f, (_mode, a, b) => minimum(format, a, b)),
    plain('fmax', f, (_mode, a, b) => maximum(format, a, b)),
    plain('feq', 'x', (_mode, a, b) => isEqual(format, a, b)),
    plain('flt', 'x', (_mode, a, b) => isLess(format, a, b)),
    plain('fle', 'x', (_mode, a, b) => isLessOrEqual(format, a, b)),
    operation(`fclass.${f}`, 'x', [f], false, (_mode, a) => classify(format, a)),
    ...integers.flatMap(({ suffix, type }) => [
      operation(`fcvt.${suffix}.${f}`, 'x', [f], true, (mode, a) => toInteger(format, type, a, mode)),
      operation(`fcvt.${f}.${suffix}`, f, ['x'], true, (mode, a) => fromInteger(format, type, a, mode)),
    ]),
  ];
}

export const floatOperations: ReadonlyMap<string, FloatOperation> = new Map(
  [
    ...operationsOf('s', f32),
    ...operationsOf('d', f64),
    operation('fcvt.s.d', 's', ['d'], true, (mode, a) => convertFormat(f64, f32, a, mode)),
    operation('fcvt.d.s', 'd', ['s'], true, (mode, a) => convertFormat(f32, f64, a, mode)),
    // The moves take the bits as they are; fmv.x.w does not ask whether the register holds a boxed value.
    operation('fmv.x.w', 'x', ['d'], false, (_mode, a) => exactly(BigInt.asUintN(64, BigInt.asIntN(32, a)))),
    operation('fmv.w.x', 's', ['x'], false, (_mode, a) => exactly(BigInt.asUintN(32, a))),
    operation('fmv.x.d', 'x', ['d'], false, (_mode, a) => exactly(a)),
    operation('fmv.d.x', 'd', ['x'], false, (_mode, a) => exactly(a)),
  ].map((entry) => [entry.name, entry]),
);
