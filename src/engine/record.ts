/**
 * Decoded instructions as the interpreter reads them: 16 bytes each, in traces of consecutive instructions.
 *
 * | byte | field |
 * |---|---|
 * | 0 | operation (u16), see `operations` |
 * | 2 | offset in the page (u16, even); bit 0 is set for a 2-byte instruction |
 * | 4 | rd as a byte offset from X_REGISTERS (u16), a floating-point register too; x0 becomes the sink |
 * | 6, 7 | rs1 and rs2 as byte offsets (u8) from X_REGISTERS or F_REGISTERS |
 * | 8 | immediate (i32) |
 * | 12 | address of the record to go to (u32; 0 not yet known), or the instruction word for system and floating-point operations |
 */
import type { Instruction } from '../isa/instruction';
import { fusedPairs } from '../isa/fused-pairs';
import { instructionByName, instructions } from '../isa/table';

export const RECORD_SIZE = 16;
export const OP = 0;
export const PC_OFFSET = 2;
export const RD = 4;
export const RS1 = 6;
export const RS2 = 7;
export const IMM = 8;
export const TARGET = 12;

/**
 * Records from the start of a trace to its last one, at most. The fast interpreter counts instructions only at the end of
 * a run through a trace; it is left when fewer than this many remain in the slice.
 */
export const TRACE_LIMIT = 64;

/** How a record continues, for the instructions that have several forms. */
export type Form =
  /** The only form of most instructions. */
  | 'plain'
  /** A branch or jump to another record of the same page. */
  | 'near'
  /** A branch or jump to an address that must be looked up. */
  | 'far';

/** Records that are no instruction. */
export type Marker =
  /** The trace ends; go on at this record's page offset. */
  | 'end'
  /** Go on at the target record, in the same page. */
  | 'goto'
  /** A breakpoint is here. */
  | 'break'
  /** A 4-byte instruction whose second half is in the next page. */
  | 'cross'
  /** No instruction: the illegal-instruction exception. */
  | 'illegal';

export interface InstructionOperation {
  readonly instruction: Instruction;
  readonly form: Form;
  /** A fused pair: the next record's instruction is done in the same step. */
  readonly second?: { readonly instruction: Instruction; readonly form: Form };
}

export type Operation = { readonly marker: Marker } | InstructionOperation;

/** The form that is fused: of branches and jumps, those within the page. */
const fusibleForm = (instruction: Instruction): Form => (hasNearForm(instruction) ? 'near' : 'plain');

/** Every operation; a record's operation number is the index here. */
export const operations: readonly Operation[] = [
  ...(['end', 'goto', 'break', 'cross', 'illegal'] as const).map((marker) => ({ marker })),
  ...instructions.flatMap((instruction): Operation[] =>
    hasNearForm(instruction)
      ? [
          { instruction, form: 'near' },
          { instruction, form: 'far' },
        ]
      : [{ instruction, form: 'plain' }],
  ),
  ...fusedPairs.map(([firstName, secondName]): Operation => {
    const [instruction, second] = [firstName, secondName].map((name) => instructionByName.get(name)!);
    return {
      instruction,
      form: fusibleForm(instruction),
      second: { instruction: second, form: fusibleForm(second) },
    };
  }),
];

const markerNumbers = new Map<Marker, number>();
const instructionNumbers = new Map<Instruction, { plain: number; near: number; far: number }>();
operations.forEach((operation, number) => {
  if ('marker' in operation) {
    markerNumbers.set(operation.marker, number);
    return;
  }
  if (operation.second) return;
  const numbers = instructionNumbers.get(operation.instruction) ?? { plain: -1, near: -1, far: -1 };
  numbers[operation.form] = number;
  instructionNumbers.set(operation.instruction, numbers);
});

/** Operation number of a marker. */
export function markerNumber(marker: Marker): number {
  return markerNumbers.get(marker)!;
}

/** Operation number of an instruction in one of its forms. */
export function operationNumber(instruction: Instruction, form: Form): number {
  return instructionNumbers.get(instruction)![form];
}

/** Two consecutive records' operations, and that of both done in one step. */
export interface FusedOperation {
  readonly first: number;
  readonly second: number;
  readonly number: number;
}

export const fusedOperations: readonly FusedOperation[] = operations.flatMap((operation, number) => {
  if ('marker' in operation || !operation.second) return [];
  const first = operationNumber(operation.instruction, operation.form);
  return [{ first, second: operationNumber(operation.second.instruction, operation.second.form), number }];
});

const pairKey = (first: number, second: number): number => first * operations.length + second;
const fusedNumbers = new Map(fusedOperations.map(({ first, second, number }) => [pairKey(first, second), number]));

/** Operation number of two consecutive records' operations done in one step; 0: there is none. */
export function fusedNumber(first: number, second: number): number {
  return fusedNumbers.get(pairKey(first, second)) ?? 0;
}

/** Branches and `pc`-relative jumps go to a place that is known when they are decoded. */
export function hasNearForm(instruction: Instruction): boolean {
  const { action } = instruction;
  return action.k === 'branch' || (action.k === 'jump' && instruction.format === 'J');
}

/** Whether rd is a floating-point register. */
export function writesFloat({ action }: Instruction): boolean {
  return action.k === 'float-load' || (action.k === 'float' && action.operation.result !== 'x');
}

/** Whether the record keeps the instruction word: for the machine, and for the illegal-instruction exception. */
export function needsWord({ action }: Instruction): boolean {
  return action.k === 'system' || action.k === 'float' || action.k === 'float-load' || action.k === 'float-store';
}

/** Whether execution never falls through to the next instruction. */
export function endsTrace(instruction: Instruction): boolean {
  const { action } = instruction;
  if (action.k === 'jump') return true;
  return action.k === 'system' && ['ecall', 'ebreak', 'mret', 'sret'].includes(action.op);
}

/** What records of an instruction have in common. */
export interface RecordKind {
  readonly operation: number;
  /** The operation for a branch or jump within the page. */
  readonly nearOperation: number;
  readonly writesFloat: boolean;
  readonly needsWord: boolean;
  /** Whether execution never goes on behind it. */
  readonly ends: boolean;
  /** Whether it may lead to a place in its page. */
  readonly leads: boolean;
}

const kinds = new Map<Instruction, RecordKind>();

export function kindOf(instruction: Instruction): RecordKind {
  const known = kinds.get(instruction);
  if (known) return known;
  const leads = hasNearForm(instruction);
  const kind: RecordKind = {
    operation: operationNumber(instruction, leads ? 'far' : 'plain'),
    nearOperation: leads ? operationNumber(instruction, 'near') : 0,
    writesFloat: writesFloat(instruction),
    needsWord: needsWord(instruction),
    ends: endsTrace(instruction),
    leads,
  };
  kinds.set(instruction, kind);
  return kind;
}
