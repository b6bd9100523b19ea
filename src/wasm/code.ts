/** The body of one function: locals and structured instructions, written in order. */
import { pushSigned32, pushSigned64, pushUnsigned } from './leb128';
import type { FirstLaneOp, MemoryOp, PlainOp, ValueType, VectorOp } from './opcodes';
import { firstLaneOpcodes, memoryOpcodes, plainOpcodes, valueTypes, vectorOpcodes } from './opcodes';

/** Which way a conditional branch mostly goes; `offset` is its place in the encoded body. */
export interface BranchHint {
  readonly offset: number;
  readonly isTaken: boolean;
}

/** A `block`, `loop` or `if` that is open: a branch target. */
export interface Label {
  readonly depth: number;
}

const VOID = 0x40;

export class Code {
  private readonly bytes: number[] = [];
  private readonly locals: ValueType[] = [];
  private readonly hints: BranchHint[] = [];
  private depth = 0;

  /** @param parameters the function's parameters; they are locals 0, 1, … */
  constructor(private readonly parameters: readonly ValueType[]) {}

  /** A new local variable, zero at entry; returns its index. */
  local(type: ValueType): number {
    this.locals.push(type);
    return this.parameters.length + this.locals.length - 1;
  }

  /** A plain instruction, or several in order. */
  op(...names: PlainOp[]): this {
    for (const name of names) this.bytes.push(plainOpcodes[name]);
    return this;
  }

  i32(value: number): this {
    this.bytes.push(0x41);
    pushSigned32(this.bytes, value | 0);
    return this;
  }

  i64(value: bigint): this {
    this.bytes.push(0x42);
    pushSigned64(this.bytes, value);
    return this;
  }

  f32(value: number): this {
    this.bytes.push(0x43, ...new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  f64(value: number): this {
    this.bytes.push(0x44, ...new Uint8Array(Float64Array.of(value).buffer));
    return this;
  }

  get(local: number): this {
    return this.indexed(0x20, local);
  }

  set(local: number): this {
    return this.indexed(0x21, local);
  }

  tee(local: number): this {
    return this.indexed(0x22, local);
  }

  /** A vector instruction without immediates. */
  vector(name: VectorOp): this {
    this.bytes.push(0xfd);
    pushUnsigned(this.bytes, vectorOpcodes[name]);
    return this;
  }

  /** The first of a vector's values. */
  firstLane(name: FirstLaneOp): this {
    this.bytes.push(0xfd, firstLaneOpcodes[name], 0);
    return this;
  }

  /** A load or store; `offset` (bytes, unsigned) is added to the address on the stack. */
  memory(name: MemoryOp, offset = 0): this {
    const [opcode, alignment] = memoryOpcodes[name];
    this.bytes.push(opcode);
    pushUnsigned(this.bytes, alignment);
    pushUnsigned(this.bytes, offset);
    return this;
  }

  /** A call of the function with this index (see Module). */
  call(functionIndex: number): this {
    return this.indexed(0x10, functionIndex);
  }

  /** A call of the table's function with the index on the stack; its type is a `Module.typeIndex`. */
  callIndirect(typeIndex: number): this {
    this.indexed(0x11, typeIndex);
    this.bytes.push(0);
    return this;
  }

  /** `block`: a branch to its label goes behind it. */
  block(body: (label: Label) => void): this {
    return this.structured(0x02, body);
  }

  /** `loop`: a branch to its label goes to its start. */
  loop(body: (label: Label) => void): this {
    return this.structured(0x03, body);
  }

  /** `if` on the i32 on the stack. */
  if(then: () => void, otherwise?: () => void): this {
    return this.structured(0x04, () => {
      then();
      if (otherwise) {
        this.bytes.push(0x05);
        otherwise();
      }
    });
  }

  /** `if` that leaves one value of this type on the stack. */
  ifValue(type: ValueType, then: () => void, otherwise: () => void): this {
    this.bytes.push(0x04, valueTypes[type]);
    this.depth++;
    then();
    this.bytes.push(0x05);
    otherwise();
    this.bytes.push(0x0b);
    this.depth--;
    return this;
  }

  /** Says of the `if` or `br_if` that comes next that its condition is hardly ever true. */
  unlikely(): this {
    this.hints.push({ offset: this.bytes.length, isTaken: false });
    return this;
  }

  /** The same, that it is nearly always true. */
  likely(): this {
    this.hints.push({ offset: this.bytes.length, isTaken: true });
    return this;
  }

  br(label: Label): this {
    return this.indexed(0x0c, this.depth - label.depth);
  }

  brIf(label: Label): this {
    return this.indexed(0x0d, this.depth - label.depth);
  }

  /** `br_table` on the i32 on the stack. */
  brTable(labels: readonly Label[], otherwise: Label): this {
    this.bytes.push(0x0e);
    pushUnsigned(this.bytes, labels.length);
    for (const label of labels) pushUnsigned(this.bytes, this.depth - label.depth);
    pushUnsigned(this.bytes, this.depth - otherwise.depth);
    return this;
  }

  /** The hints given, with offsets in the encoded body. */
  branchHints(): readonly BranchHint[] {
    const start = this.declarations().length;
    return this.hints.map(({ offset, isTaken }) => ({ offset: start + offset, isTaken }));
  }

  private declarations(): number[] {
    const out: number[] = [];
    pushUnsigned(out, this.locals.length);
    for (const type of this.locals) out.push(1, valueTypes[type]);
    return out;
  }

  /** The encoded body: local declarations, instructions, end. */
  encode(): number[] {
    const out = this.declarations();
    for (const byte of this.bytes) out.push(byte);
    out.push(0x0b);
    return out;
  }

  private indexed(opcode: number, index: number): this {
    this.bytes.push(opcode);
    pushUnsigned(this.bytes, index);
    return this;
  }

  private structured(opcode: number, body: (label: Label) => void): this {
    this.bytes.push(opcode, VOID);
    this.depth++;
    body({ depth: this.depth });
    this.bytes.push(0x0b);
    this.depth--;
    return this;
  }
}
