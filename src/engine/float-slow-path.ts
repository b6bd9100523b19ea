/** Floating-point operations as the reference does them, on the hart's registers. */
import type { FloatKind, FloatOperation } from '../isa/float/operations';
import { isRoundingMode } from '../isa/float/rounding';
import type { Operands } from '../isa/instruction';
import { DYNAMIC_ROUNDING } from '../isa/syntax';
import type { HartState } from './hart-state';
import { FLOAT_DIRTY } from './layout';

const FRM_SHIFT = 5;

/**
 * Does the operation, with its flags. The caller has made sure that the unit is on.
 * @param operands as decoded: the immediate holds the rounding mode and rs3
 * @returns false, and nothing done, when the rounding mode is none: the instruction is illegal
 */
export function executeFloat(state: HartState, operation: FloatOperation, operands: Operands): boolean {
  const { rd, rs1, rs2, imm } = operands;
  const coded = imm & 7;
  const mode = coded === DYNAMIC_ROUNDING ? state.fcsr >> FRM_SHIFT : coded;
  if (!isRoundingMode(mode)) return false;
  const sources = [rs1, rs2, imm >> 3];
  const read = (kind: FloatKind, i: number) => (kind === 'x' ? state.x(sources[i]) : state.f(sources[i]));
  const { bits, flags } = operation.evaluate(operation.operands.map(read), mode);
  const raised = flags & ~state.fcsr;
  state.fcsr |= flags;
  if (operation.result === 'x') state.setX(rd, bits);
  else state.setF(rd, bits);
  if (operation.result !== 'x' || raised !== 0) state.floatState = FLOAT_DIRTY;
  return true;
}
