/** Evaluates DWARF expressions (DWARF 5, 2.5 and 2.6): addresses, values, and locations of variables. */
import { ByteReader } from '../byte-reader';
import { DwarfError } from '../errors';
import type { Location, ReadMemory } from '../model';
import { registerName } from '../registers';

/** What an expression may ask for. Each function may throw DwarfError where it has no answer. */
export interface ExpressionContext {
  /** Value of a register by DWARF number; undefined when it is not known in the frame. */
  readonly register: (number: number) => bigint | undefined;
  readonly readMemory: ReadMemory;
  readonly cfa?: bigint | undefined;
  /** Value of the function's frame base, for DW_OP_fbreg. */
  readonly frameBase?: () => bigint;
  /** The run-time address for an address of the file. */
  readonly addressOf: (fileAddress: bigint) => bigint;
  /** Address number `index` of the unit, as in the file. */
  readonly indexedAddress?: (index: number) => bigint;
  /** What an expression gave when the function was entered, for DW_OP_entry_value. */
  readonly entryValue?: (expression: Uint8Array) => bigint;
  /** Size in bytes and signedness of the base type at an offset of the unit; undefined for types that are no integers. */
  readonly baseType?: (offset: number) => { readonly size: number; readonly isSigned: boolean } | undefined;
}

const MASK = 0xffff_ffff_ffff_ffffn;
const MAX_STEPS = 10_000;
const MAX_STACK = 1000;
const MAX_PIECES = 1000;

/** Where the expression says that the object is. @throws DwarfError when it cannot be worked out. */
export function evaluateLocation(expression: Uint8Array, context: ExpressionContext): Location {
  return new Evaluator(expression, context, []).location();
}

/**
 * The value that the expression leaves on its stack, as an unsigned 64-bit word; a register location gives the register's
 * value. @throws DwarfError when it cannot be worked out.
 */
export function evaluateValue(
  expression: Uint8Array,
  context: ExpressionContext,
  initial: readonly bigint[] = [],
): bigint {
  const location = new Evaluator(expression, context, [...initial]).location();
  if (location.kind === 'memory') return location.address;
  if (location.kind === 'value') return location.value;
  if (location.kind === 'register') return registerValue(context, location.register);
  throw new DwarfError('A DWARF expression gave no value.');
}

function registerValue(context: ExpressionContext, register: number): bigint {
  const value = context.register(register);
  if (value === undefined) throw new DwarfError(`Register ${registerName(register)} is not known in this frame.`);
  return value & MASK;
}

type Piece = { readonly location: Location; readonly bits: number; readonly offset: number };

class Evaluator {
  readonly reader: ByteReader;
  /** A location that is not "memory at the top of the stack"; ends with the next piece. */
  simple: Location | undefined;
  private readonly pieces: Piece[] = [];

  constructor(
    expression: Uint8Array,
    readonly context: ExpressionContext,
    readonly stack: bigint[],
  ) {
    this.reader = new ByteReader(expression, 'A DWARF expression');
  }

  location(): Location {
    for (let step = 0; !this.reader.isAtEnd; step++) {
      if (step >= MAX_STEPS) this.reader.fail('the expression does not end');
      this.execute(this.reader.u8());
    }
    return this.pieces.length > 0 ? { kind: 'pieces', pieces: this.pieces } : this.current();
  }

  /** The location that has been described since the last piece. */
  private current(): Location {
    if (this.simple) return this.simple;
    const address = this.stack.at(-1);
    return address === undefined ? { kind: 'optimized-out' } : { kind: 'memory', address };
  }

  addPiece(bits: number, offset: number): void {
    if (this.pieces.length >= MAX_PIECES) this.reader.fail('a location has too many pieces');
    this.pieces.push({ location: this.current(), bits, offset });
    this.simple = undefined;
    this.stack.length = 0;
  }

  private execute(opcode: number): void {
    if (opcode >= 0x30 && opcode <= 0x4f) return this.push(BigInt(opcode - 0x30));
    if (opcode >= 0x50 && opcode <= 0x6f) return this.setRegister(opcode - 0x50);
    if (opcode >= 0x70 && opcode <= 0x8f) return this.pushBased(opcode - 0x70);
    const operation = OPERATIONS[opcode];
    if (!operation) return this.reader.fail(`the operation 0x${opcode.toString(16)} is not supported`);
    operation(this, this.reader);
  }

  push(value: bigint): void {
    if (this.stack.length >= MAX_STACK) this.reader.fail('the expression needs too much stack');
    this.stack.push(value & MASK);
  }

  pop(): bigint {
    return this.stack.pop() ?? this.reader.fail('the expression takes more values than it has');
  }

  peek(depth: number): bigint {
    return this.stack.at(-1 - depth) ?? this.reader.fail('the expression takes more values than it has');
  }

  setRegister(register: number): void {
    this.simple = { kind: 'register', register };
  }

  /** The register's value plus the signed number that follows. */
  pushBased(register: number): void {
    this.push(registerValue(this.context, register) + this.reader.slebBig());
  }

  dereference(size: number): void {
    if (size !== 1 && size !== 2 && size !== 4 && size !== 8) this.reader.fail(`a memory read has ${size} bytes`);
    const address = this.pop();
    const bytes = this.context.readMemory(address, size);
    if (!bytes || bytes.length < size) {
      throw new DwarfError(`The memory at 0x${address.toString(16)} that holds part of the location cannot be read.`);
    }
    this.push(new ByteReader(bytes, 'Memory').unsigned(size));
  }

  /** Moves within the expression by the signed 16-bit distance that was read. */
  jump(distance: number): void {
    this.reader.seek(this.reader.position + distance);
  }

  /** Turns the top of the stack into a value of the base type at the offset that follows; 0 is the generic type. */
  convert(): void {
    const offset = this.reader.uleb();
    if (offset === 0) return;
    this.push(this.asType(offset, this.pop()));
  }

  asType(offset: number, value: bigint): bigint {
    const type = this.context.baseType?.(offset);
    if (!type || type.size < 1 || type.size > 8)
      return this.reader.fail('the expression calculates with an unsuitable type');
    return type.isSigned ? BigInt.asIntN(8 * type.size, value) : BigInt.asUintN(8 * type.size, value);
  }
}

type Operation = (machine: Evaluator, reader: ByteReader) => void;

const signed = (value: bigint): bigint => BigInt.asIntN(64, value);

const constant =
  (read: (reader: ByteReader) => bigint): Operation =>
  (machine, reader) =>
    machine.push(read(reader));

const unary =
  (apply: (value: bigint) => bigint): Operation =>
  (machine) =>
    machine.push(apply(machine.pop()));

/** `left` was pushed before `right`. */
const binary =
  (apply: (left: bigint, right: bigint, reader: ByteReader) => bigint): Operation =>
  (machine, reader) => {
    const right = machine.pop();
    machine.push(apply(machine.pop(), right, reader));
  };

const compare = (test: (left: bigint, right: bigint) => boolean): Operation =>
  binary((left, right) => (test(signed(left), signed(right)) ? 1n : 0n));

const nonZero = (value: bigint, reader: ByteReader): bigint => value || reader.fail('the expression divides by zero');

const unsupported =
  (what: string): Operation =>
  () => {
    throw new DwarfError(what);
  };

const entryValue: Operation = (machine, reader) => {
  const expression = reader.bytesOf(reader.uleb());
  if (!machine.context.entryValue) throw new DwarfError('The value at the function’s entry is not known.');
  machine.push(machine.context.entryValue(expression));
};

const constantOfType: Operation = (machine, reader) => {
  const type = reader.uleb();
  const size = reader.u8();
  machine.push(machine.asType(type, reader.unsigned(size)));
};

const registerOfType: Operation = (machine, reader) => {
  const register = reader.uleb();
  machine.push(machine.asType(reader.uleb(), registerValue(machine.context, register)));
};

const memoryOfType: Operation = (machine, reader) => {
  machine.dereference(reader.u8());
  machine.push(machine.asType(reader.uleb(), machine.pop()));
};

const indexed =
  (isAddress: boolean): Operation =>
  (machine, reader) => {
    const { indexedAddress, addressOf } = machine.context;
    if (!indexedAddress) return reader.fail('the expression needs its unit');
    const value = indexedAddress(reader.uleb());
    machine.push(isAddress ? addressOf(value) : value);
  };

const convert: Operation = (machine) => machine.convert();
const threadLocal = unsupported('Thread-local variables are not supported.');
const implicitPointer = unsupported('The pointer’s target has no address: the compiler kept its value only.');

const OPERATIONS: Readonly<Record<number, Operation>> = {
  /* addr */ 0x03: (machine, reader) => machine.push(machine.context.addressOf(reader.u64())),
  /* deref */ 0x06: (machine) => machine.dereference(8),
  /* const1u … const8s */
  0x08: constant((reader) => BigInt(reader.u8())),
  0x09: constant((reader) => BigInt(reader.i8())),
  0x0a: constant((reader) => BigInt(reader.u16())),
  0x0b: constant((reader) => BigInt(reader.i16())),
  0x0c: constant((reader) => BigInt(reader.u32())),
  0x0d: constant((reader) => BigInt(reader.i32())),
  0x0e: constant((reader) => reader.u64()),
  0x0f: constant((reader) => reader.i64()),
  /* constu, consts */
  0x10: constant((reader) => reader.ulebBig()),
  0x11: constant((reader) => reader.slebBig()),
  /* dup */ 0x12: (machine) => machine.push(machine.peek(0)),
  /* drop */ 0x13: (machine) => void machine.pop(),
  /* over */ 0x14: (machine) => machine.push(machine.peek(1)),
  /* pick */ 0x15: (machine, reader) => machine.push(machine.peek(reader.u8())),
  /* swap */ 0x16: (machine) => {
    const [top, second] = [machine.pop(), machine.pop()];
    machine.stack.push(top, second);
  },
  /* rot */ 0x17: (machine) => {
    const [top, second, third] = [machine.pop(), machine.pop(), machine.pop()];
    machine.stack.push(top, third, second);
  },
  /* abs */ 0x19: unary((value) => (signed(value) < 0n ? -signed(value) : value)),
  /* and */ 0x1a: binary((left, right) => left & right),
  /* div */ 0x1b: binary((left, right, reader) => signed(left) / nonZero(signed(right), reader)),
  /* minus */ 0x1c: binary((left, right) => left - right),
  /* mod */ 0x1d: binary((left, right, reader) => left % nonZero(right, reader)),
  /* mul */ 0x1e: binary((left, right) => left * right),
  /* neg */ 0x1f: unary((value) => -value),
  /* not */ 0x20: unary((value) => ~value),
  /* or */ 0x21: binary((left, right) => left | right),
  /* plus */ 0x22: binary((left, right) => left + right),
  /* plus_uconst */ 0x23: (machine, reader) => machine.push(machine.pop() + reader.ulebBig()),
  /* shl */ 0x24: binary((left, right) => (right > 63n ? 0n : left << right)),
  /* shr */ 0x25: binary((left, right) => (right > 63n ? 0n : left >> right)),
  /* shra */ 0x26: binary((left, right) => signed(left) >> (right > 63n ? 63n : right)),
  /* xor */ 0x27: binary((left, right) => left ^ right),
  /* bra */ 0x28: (machine, reader) => {
    const distance = reader.i16();
    if (machine.pop() !== 0n) machine.jump(distance);
  },
  /* eq … ne */
  0x29: compare((left, right) => left === right),
  0x2a: compare((left, right) => left >= right),
  0x2b: compare((left, right) => left > right),
  0x2c: compare((left, right) => left <= right),
  0x2d: compare((left, right) => left < right),
  0x2e: compare((left, right) => left !== right),
  /* skip */ 0x2f: (machine, reader) => machine.jump(reader.i16()),
  /* regx */ 0x90: (machine, reader) => machine.setRegister(reader.uleb()),
  /* fbreg */ 0x91: (machine, reader) => {
    const offset = reader.slebBig();
    if (!machine.context.frameBase) return reader.fail('the function has no frame base');
    machine.push(machine.context.frameBase() + offset);
  },
  /* bregx */ 0x92: (machine, reader) => machine.pushBased(reader.uleb()),
  /* piece */ 0x93: (machine, reader) => machine.addPiece(8 * reader.uleb(), 0),
  /* deref_size */ 0x94: (machine, reader) => machine.dereference(reader.u8()),
  /* nop */ 0x96: () => undefined,
  /* form_tls_address */ 0x9b: threadLocal,
  /* call_frame_cfa */ 0x9c: (machine) => {
    const { cfa } = machine.context;
    if (cfa === undefined) throw new DwarfError('The frame’s address is not known.');
    machine.push(cfa);
  },
  /* bit_piece */ 0x9d: (machine, reader) => {
    const bits = reader.uleb();
    machine.addPiece(bits, reader.uleb());
  },
  /* implicit_value */ 0x9e: (machine, reader) => {
    machine.simple = { kind: 'bytes', bytes: reader.bytesOf(reader.uleb()) };
  },
  /* stack_value */ 0x9f: (machine) => {
    machine.simple = { kind: 'value', value: machine.peek(0) };
  },
  /* implicit_pointer */ 0xa0: implicitPointer,
  /* addrx, constx */
  0xa1: indexed(true),
  0xa2: indexed(false),
  /* entry_value */ 0xa3: entryValue,
  /* const_type, regval_type, deref_type */
  0xa4: constantOfType,
  0xa5: registerOfType,
  0xa6: memoryOfType,
  /* convert, reinterpret */
  0xa8: convert,
  0xa9: convert,
  /* The same operations as GNU extensions, before DWARF 5 took them up. */
  0xe0: threadLocal,
  /* GNU_uninit */ 0xf0: () => undefined,
  0xf2: implicitPointer,
  0xf3: entryValue,
  0xf4: constantOfType,
  0xf5: registerOfType,
  0xf6: memoryOfType,
  0xf7: convert,
  0xf9: convert,
  0xfb: indexed(true),
  0xfc: indexed(false),
};
