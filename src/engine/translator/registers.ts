/** Which registers an instruction uses, from its entry in the table. */
import type { Instruction, Operands } from '../../isa/instruction';
import type { Condition, Expr } from '../../isa/semantics';
import { csrAccessOf } from '../stored-csrs';

/** Sets of registers 0..31 as bits. */
export interface RegisterUse {
  readonly reads: number;
  readonly writes: number;
}

interface Fields {
  readonly rs1: boolean;
  readonly rs2: boolean;
  readonly rd: boolean;
}

const known = new Map<Instruction, Fields>();

/** The integer registers that the instruction reads and writes; x0 is neither. */
export function integerUse(instruction: Instruction, { rd, rs1, rs2 }: Operands): RegisterUse {
  let fields = known.get(instruction);
  if (!fields) known.set(instruction, (fields = fieldsOf(instruction)));
  const reads = (fields.rs1 ? 1 << rs1 : 0) | (fields.rs2 ? 1 << rs2 : 0);
  return { reads: reads & ~1, writes: (fields.rd ? 1 << rd : 0) & ~1 };
}

/** The same for the floating-point registers. */
export function floatUse({ action }: Instruction, { rd, rs1, rs2, imm }: Operands): RegisterUse {
  if (action.k === 'float-load') return { reads: 0, writes: 1 << rd };
  if (action.k === 'float-store') return { reads: 1 << rs2, writes: 0 };
  if (action.k !== 'float') return { reads: 0, writes: 0 };
  const sources = [rs1, rs2, imm >> 3];
  const { operands, result } = action.operation;
  const reads = operands.reduce((set, kind, i) => (kind === 'x' ? set : set | (1 << sources[i])), 0);
  return { reads, writes: result === 'x' ? 0 : 1 << rd };
}

function fieldsOf(instruction: Instruction): Fields {
  const { action } = instruction;
  switch (action.k) {
    case 'compute':
      return { ...read(action.value), rd: true };
    case 'load':
      return { ...read(action.address), rd: true };
    case 'store':
      return { ...read(action.address, action.value), rd: false };
    case 'branch':
      return { ...read(action.condition.a, action.condition.b), rd: false };
    case 'jump':
      return { ...read(action.target), rd: true };
    case 'load-reserved':
      return { rs1: true, rs2: false, rd: true };
    case 'store-conditional':
    case 'atomic':
      return { rs1: true, rs2: true, rd: true };
    case 'float-load':
    case 'float-store':
      return { ...read(action.address), rd: false };
    case 'float':
      return { rs1: action.operation.operands[0] === 'x', rs2: false, rd: action.operation.result === 'x' };
    case 'system': {
      const csr = csrAccessOf(instruction);
      return { rs1: csr?.constant === false, rs2: false, rd: csr !== undefined };
    }
    case 'fence':
      return { rs1: false, rs2: false, rd: false };
  }
}

function read(...expressions: readonly Expr[]): { rs1: boolean; rs2: boolean } {
  const found = { rs1: false, rs2: false };
  const visit = (expr: Expr): void => {
    switch (expr.k) {
      case 'x':
        found[expr.operand] = true;
        return;
      case 'unary':
        visit(expr.a);
        return;
      case 'binary':
        visit(expr.a);
        visit(expr.b);
        return;
      case 'test':
        visitCondition(expr.condition);
        return;
      case 'select':
        visitCondition(expr.condition);
        visit(expr.then);
        visit(expr.otherwise);
    }
  };
  const visitCondition = ({ a, b }: Condition): void => {
    visit(a);
    visit(b);
  };
  expressions.forEach(visit);
  return found;
}
