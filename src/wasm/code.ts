/** The body of one function: locals and structured instructions, written in order. */
import { ByteWriter, unsignedLength } from './byte-writer';
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
  private readonly out = new ByteWriter();
  /** Runs of locals of one type, which are declared together. */
  private readonly locals: { readonly type: ValueType; count: number }[] = [];
  private nextLocal: number;
  private readonly hints: BranchHint[] = [];
  private depth = 0;

  /** @param parameters the function's parameters; they are locals 0, 1, … */
  constructor(parameters: readonly ValueType[]) {
    this.nextLocal = parameters.length;
  }

  /** A new local variable, zero at entry; returns its index. */
  local(type: ValueType): number {
    const last = this.locals.at(-1);
    if (last?.type === type) last.count++;
    else this.locals.push({ type, count: 1 });
    return this.nextLocal++;
  }

  /** A plain instruction, or several in order. */
  op(...names: PlainOp[]): this {
    for (const name of names) this.out.byte(plainOpcodes[name]);
    return this;
  }

  i32(value: number): this {
    this.out.byte(0x41);
    this.out.signed32(value | 0);
    return this;
  }

  i64(value: bigint): this {
    this.out.byte(0x42);
    this.out.signed64(value);
    return this;
  }

  f32(value: number): this {
    this.out.byte(0x43);
    this.out.append(new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  f64(value: number): this {
    this.out.byte(0x44);
    this.out.append(new Uint8Array(Float64Array.of(value).buffer));
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
    this.out.byte(0xfd);
    this.out.unsigned(vectorOpcodes[name]);
    return this;
  }

  /** The first of a vector's values. */
  firstLane(name: FirstLaneOp): this {
    this.out.byte(0xfd);
    this.out.byte(firstLaneOpcodes[name]);
    this.out.byte(0);
    return this;
  }

  /** A load or store; `offset` (bytes, unsigned) is added to the address on the stack. */
  memory(name: MemoryOp, offset = 0): this {
    const [opcode, alignment] = memoryOpcodes[name];
    this.out.byte(opcode);
    this.out.unsigned(alignment);
    this.out.unsigned(offset);
    return this;
  }

  /** A call of the function with this index (see Module). */
  call(functionIndex: number): this {
    return this.indexed(0x10, functionIndex);
  }

  /** A call of the table's function with the index on the stack; its type is a `Module.typeIndex`. */
  callIndirect(typeIndex: number): this {
    this.indexed(0x11, typeIndex);
    this.out.byte(0);
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
        this.out.byte(0x05);
        otherwise();
      }
    });
  }

  /** `if` that leaves one value of this type on the stack. */
  ifValue(type: ValueType, then: () => void, otherwise: () => void): this {
    this.out.byte(0x04);
    this.out.byte(valueTypes[type]);
    this.depth++;
    then();
    this.out.byte(0x05);
    otherwise();
    this.out.byte(0x0b);
    this.depth--;
    return this;
  }

  /** Says of the `if` or `br_if` that comes next that its condition is hardly ever true. */
  unlikely(): this {
    this.hints.push({ offset: this.out.length, isTaken: false });
    return this;
  }

  /** The same, that it is nearly always true. */
  likely(): this {
    this.hints.push({ offset: this.out.length, isTaken: true });
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
    this.out.byte(0x0e);
    this.out.unsigned(labels.length);
    for (const label of labels) this.out.unsigned(this.depth - label.depth);
    this.out.unsigned(this.depth - otherwise.depth);
    return this;
  }

  /** The hints given, with offsets in the encoded body. */
  branchHints(): readonly BranchHint[] {
    const start = this.declarationsLength;
    return this.hints.map(({ offset, isTaken }) => ({ offset: start + offset, isTaken }));
  }

  private get declarationsLength(): number {
    const { locals } = this;
    return locals.reduce((sum, { count }) => sum + unsignedLength(count) + 1, unsignedLength(locals.length));
  }

  /** Appends the encoded body: its size, local declarations, instructions, end (Core 5.5.13). */
  writeTo(out: ByteWriter): void {
    const { locals } = this;
    out.unsigned(this.declarationsLength + this.out.length + 1);
    out.unsigned(locals.length);
    for (const { type, count } of locals) {
      out.unsigned(count);
      out.byte(valueTypes[type]);
    }
    out.append(this.out.bytes);
    out.byte(0x0b);
  }

  private indexed(opcode: number, index: number): this {
    this.out.byte(opcode);
    this.out.unsigned(index);
    return this;
  }

  private structured(opcode: number, body: (label: Label) => void): this {
    this.out.byte(opcode);
    this.out.byte(VOID);
    this.depth++;
    body({ depth: this.depth });
    this.out.byte(0x0b);
    this.depth--;
    return this;
  }
}
