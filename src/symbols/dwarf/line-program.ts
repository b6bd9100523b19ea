/** Runs a line-number program (DWARF 5, 6.2.5) into sequences of rows held in typed arrays. */
import { ByteReader } from '../byte-reader';
import { readFileRest } from './line-header';
import type { LineHeader } from './line-header';
import type { Unit } from './unit';

export const ROW = { isStatement: 1, prologueEnd: 2, epilogueBegin: 4 } as const;

/**
 * Rows of ascending addresses, one contiguous piece of code. Row `i` covers `low + offsets[i]` up to the next row's
 * address; the last row is the end marker, whose address is `high`, and has no line of its own.
 */
export interface LineSequence {
  readonly low: bigint;
  readonly high: bigint;
  /** Bytes from `low`. */
  readonly offsets: Float64Array;
  readonly files: Uint32Array;
  readonly lines: Uint32Array;
  readonly columns: Uint32Array;
  /** Bits of `ROW`. */
  readonly flags: Uint8Array;
}

/** The growing rows of one sequence. */
class RowBuffer {
  readonly offsets: number[] = [];
  readonly files: number[] = [];
  readonly lines: number[] = [];
  readonly columns: number[] = [];
  readonly flags: number[] = [];
  isAscending = true;

  get isEmpty(): boolean {
    return this.offsets.length === 0;
  }

  push(offset: number, file: number, line: number, column: number, flags: number): void {
    const count = this.offsets.length;
    if (count > 0 && offset < this.offsets[count - 1]!) this.isAscending = false;
    this.offsets.push(offset);
    this.files.push(file);
    this.lines.push(line);
    this.columns.push(column);
    this.flags.push(flags);
  }

  /** The finished sequence that starts at `base`, or undefined when it covers no code. */
  finish(base: bigint): LineSequence | undefined {
    if (this.offsets.length < 2) return undefined;
    const order = this.isAscending ? undefined : this.sortedOrder();
    const pick = (values: readonly number[]): readonly number[] => order?.map((index) => values[index]!) ?? values;
    const offsets = Float64Array.from(pick(this.offsets));
    const count = offsets.length;
    const first = offsets[0]!;
    const length = offsets[count - 1]! - first;
    if (length <= 0) return undefined;
    if (first !== 0) for (let index = 0; index < count; index++) offsets[index]! -= first;
    const low = base + BigInt(first);
    return {
      low,
      high: low + BigInt(length),
      offsets,
      files: Uint32Array.from(pick(this.files)),
      lines: Uint32Array.from(pick(this.lines)),
      columns: Uint32Array.from(pick(this.columns)),
      flags: Uint8Array.from(pick(this.flags)),
    };
  }

  /** Row numbers by address, the end marker last. */
  private sortedOrder(): number[] {
    const last = this.offsets.length - 1;
    const order = Array.from({ length: last }, (_, index) => index);
    order.sort((a, b) => this.offsets[a]! - this.offsets[b]! || a - b);
    return [...order.filter((index) => this.offsets[index]! <= this.offsets[last]!), last];
  }
}

/** The registers of the state machine, and the rows appended so far. */
class LineMachine {
  /** Address of the sequence's first DW_LNE_set_address; `offset` counts from there. */
  base = 0n;
  private hasBase = false;
  offset = 0;
  operation = 0;
  file = 1;
  line = 1;
  column = 0;
  isStatement: boolean;
  prologueEnd = false;
  epilogueBegin = false;
  private rows = new RowBuffer();
  readonly sequences: LineSequence[] = [];

  constructor(
    readonly header: LineHeader,
    readonly reader: ByteReader,
  ) {
    this.isStatement = header.defaultIsStatement;
  }

  setAddress(address: bigint): void {
    if (!this.hasBase && this.rows.isEmpty) this.base = address;
    this.hasBase = true;
    const offset = Number(address - this.base);
    if (!Number.isSafeInteger(offset)) this.reader.fail('a line sequence spans too many addresses');
    this.offset = offset;
    this.operation = 0;
  }

  /** Advances by operations (6.2.5.1); on RISC-V an operation is `minimum_instruction_length` bytes. */
  advance(operations: number): void {
    const { minimumInstructionLength, maximumOperations } = this.header;
    if (maximumOperations === 1) {
      this.offset += minimumInstructionLength * operations;
    } else {
      const total = this.operation + operations;
      this.offset += minimumInstructionLength * Math.floor(total / maximumOperations);
      this.operation = total % maximumOperations;
    }
    if (!Number.isSafeInteger(this.offset)) this.reader.fail('a line sequence spans too many addresses');
  }

  appendRow(): void {
    const flags =
      (this.isStatement ? ROW.isStatement : 0) |
      (this.prologueEnd ? ROW.prologueEnd : 0) |
      (this.epilogueBegin ? ROW.epilogueBegin : 0);
    this.rows.push(this.offset, this.file, this.line < 0 ? 0 : this.line, this.column, flags);
    this.prologueEnd = false;
    this.epilogueBegin = false;
  }

  endSequence(): void {
    this.rows.push(this.offset, 0, 0, 0, 0);
    const sequence = this.rows.finish(this.base);
    if (sequence) this.sequences.push(sequence);
    this.rows = new RowBuffer();
    this.hasBase = false;
    this.base = 0n;
    this.offset = 0;
    this.operation = 0;
    this.file = 1;
    this.line = 1;
    this.column = 0;
    this.isStatement = this.header.defaultIsStatement;
    this.prologueEnd = false;
    this.epilogueBegin = false;
  }

  special(opcode: number): void {
    const { lineBase, lineRange, opcodeBase } = this.header;
    if (lineRange === 0) this.reader.fail('the line table has a line range of zero');
    const adjusted = opcode - opcodeBase;
    this.advance(Math.floor(adjusted / lineRange));
    this.line += lineBase + (adjusted % lineRange);
    this.appendRow();
  }

  constAddPc(): void {
    const { lineRange, opcodeBase } = this.header;
    if (lineRange === 0) this.reader.fail('the line table has a line range of zero');
    this.advance(Math.floor((255 - opcodeBase) / lineRange));
  }
}

type Operation = (machine: LineMachine, reader: ByteReader) => void;

/** Standard opcodes (6.2.5.2), by number; those without an effect for us skip their operand. */
const STANDARD: readonly (Operation | undefined)[] = [
  undefined,
  /* copy */ (machine) => machine.appendRow(),
  /* advance_pc */ (machine, reader) => machine.advance(reader.uleb()),
  /* advance_line */ (machine, reader) => (machine.line += reader.sleb()),
  /* set_file */ (machine, reader) => (machine.file = reader.uleb()),
  /* set_column */ (machine, reader) => (machine.column = reader.uleb()),
  /* negate_stmt */ (machine) => (machine.isStatement = !machine.isStatement),
  /* set_basic_block */ () => undefined,
  /* const_add_pc */ (machine) => machine.constAddPc(),
  /* fixed_advance_pc */ (machine, reader) => {
    machine.offset += reader.u16();
    machine.operation = 0;
  },
  /* set_prologue_end */ (machine) => (machine.prologueEnd = true),
  /* set_epilogue_begin */ (machine) => (machine.epilogueBegin = true),
  /* set_isa */ (_machine, reader) => reader.skipLeb(),
];

/** Operand counts of the standard opcodes as we know them; a table that states others means others. */
const OPERANDS: readonly number[] = [0, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];

/** Extended opcodes (6.2.5.3); those not listed are skipped by their length. */
const EXTENDED: readonly (Operation | undefined)[] = [
  undefined,
  /* end_sequence */ (machine) => machine.endSequence(),
  /* set_address */ (machine, reader) => machine.setAddress(reader.unsigned(reader.remaining)),
  /* define_file */ (machine, reader) => machine.header.files.push(readFileRest(reader, reader.string())),
];

/**
 * All sequences of the program, in its order, at addresses as in the file. Damage ends the program; what came before it
 * stays, and `warn` gets the DwarfError.
 */
export function runLineProgram(unit: Unit, header: LineHeader, warn: (error: unknown) => void): LineSequence[] {
  const section = unit.sections.get('line');
  const reader = new ByteReader(section, '.debug_line', header.programStart, header.programEnd);
  const machine = new LineMachine(header, reader);
  try {
    while (!reader.isAtEnd) executeOpcode(machine, reader);
  } catch (error) {
    warn(error);
  }
  return machine.sequences;
}

function executeOpcode(machine: LineMachine, reader: ByteReader): void {
  const { opcodeBase, operandCounts } = machine.header;
  const opcode = reader.u8();
  if (opcode >= opcodeBase) {
    machine.special(opcode);
  } else if (opcode === 0) {
    const operand = reader.sub(reader.uleb());
    if (!operand.isAtEnd) EXTENDED[operand.u8()]?.(machine, operand);
  } else if (STANDARD[opcode] && operandCounts[opcode] === OPERANDS[opcode]) {
    STANDARD[opcode](machine, reader);
  } else {
    for (let count = operandCounts[opcode]!; count > 0; count--) reader.skipLeb();
  }
}
