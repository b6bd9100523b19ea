/**
 * Assembles a program: labels, constants, data, and the pseudo-instructions that take several words. Two passes: the first
 * lays the statements out, the second fills in the bytes.
 *
 * Labels are `name:` or, to be used again and again, `1:` (then `1b` is the last one before, `1f` the next one after).
 * `NAME = value` or `.equ NAME, value` defines a constant, which later lines may use. Comments begin with `#` or `//`;
 * a semicolon separates statements.
 */
import { assemble, isCompressedName } from './assemble-instruction';
import type { SymbolResolver } from './operand-reader';
import { AssemblyError, OperandReader } from './operand-reader';

export interface Program {
  /** The bytes from the base address on. */
  readonly bytes: Uint8Array;
  /** The addresses of named labels, and the values of constants. */
  readonly symbols: ReadonlyMap<string, bigint>;
}

/** Room for the bytes of one statement, and how to fill them once all labels are known. */
interface Piece {
  readonly size: number;
  readonly fill: (resolve: SymbolResolver, address: bigint) => Uint8Array;
}

interface PlacedPiece extends Piece {
  readonly line: number;
  readonly address: bigint;
}

/** Makes the piece of one statement; `address` is where it will stand, `resolve` knows the constants so far. */
type StatementReader = (operands: string, address: bigint, resolve: SymbolResolver) => Piece;

const MAX_SIZE = 64 * 1024 * 1024;

function littleEndian(value: bigint, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** Instructions whose number is known in the first pass; each is made at its own address. */
function instructionPiece(lines: readonly string[], symbols?: SymbolResolver): Piece {
  const sizes = lines.map((line) => (isCompressedName(line.trim()) ? 2 : 4));
  return {
    size: sizes.reduce((sum, size) => sum + size, 0),
    fill: (resolve, address) =>
      concatenate(
        lines.map((line, i) => {
          const at = address + BigInt(sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
          const { word, length } = assemble(line, at, symbols ?? resolve);
          return littleEndian(BigInt(word), length);
        }),
      ),
  };
}

const signExtend12 = (value: bigint): bigint => BigInt.asIntN(12, value);

/** The instructions that load a 64-bit constant: lui, addi and slli as needed. */
export function loadImmediate(register: string, value: bigint): string[] {
  const signed = BigInt.asIntN(64, value);
  const low = signExtend12(signed);
  if (signed === low) {
    return [`addi ${register}, x0, ${low}`];
  }
  if (BigInt.asIntN(32, signed) === signed) {
    const upper = ((signed - low) >> 12n) & 0xfffffn;
    return [`lui ${register}, ${upper}`, ...(low === 0n ? [] : [`addiw ${register}, ${register}, ${low}`])];
  }
  let high = BigInt.asIntN(64, signed - low) >> 12n;
  let shift = 12;
  while ((high & 1n) === 0n) {
    high >>= 1n;
    shift++;
  }
  return [
    ...loadImmediate(register, high),
    `slli ${register}, ${register}, ${shift}`,
    ...(low === 0n ? [] : [`addi ${register}, ${register}, ${low}`]),
  ];
}

const split = (operands: string): string[] => operands.split(',').map((operand) => operand.trim());

function evaluateAll(text: string, resolve: SymbolResolver): bigint[] {
  const reader = new OperandReader(text, resolve);
  const values = [reader.expression()];
  while (reader.accept(',')) {
    values.push(reader.expression());
  }
  if (!reader.atEnd()) {
    throw new AssemblyError(`Expected "," ${reader.here()}.`);
  }
  return values;
}

/** An address relative to the instruction at `address`, as the constants of auipc and of the instruction after it. */
function relativeTo(target: bigint, address: bigint): { upper: bigint; lower: bigint } {
  const distance = BigInt.asIntN(64, target - address);
  const lower = signExtend12(distance);
  const upper = (distance - lower) >> 12n;
  if (BigInt.asIntN(20, upper) !== upper) {
    throw new AssemblyError(`The symbol is ${distance} bytes away; at most 2 GiB can be reached.`);
  }
  return { upper: upper & 0xfffffn, lower };
}

/** auipc with a register, then an instruction that adds the rest. */
const relativePair = (symbol: string, register: string, second: (lower: bigint) => string): Piece => ({
  size: 8,
  fill: (resolve, address) => {
    const { upper, lower } = relativeTo(evaluateAll(symbol, resolve)[0], address);
    return instructionPiece([`auipc ${register}, ${upper}`, second(lower)]).fill(resolve, address);
  },
});

const data =
  (size: number): StatementReader =>
  (operands) => ({
    size: size * split(operands).length,
    fill: (resolve) => concatenate(evaluateAll(operands, resolve).map((value) => littleEndian(value, size))),
  });

const stringEscapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0', '\\': '\\', '"': '"' };

function text(operands: string, end: string): Piece {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(operands);
  if (quoted === null) {
    throw new AssemblyError('Expected one string in double quotes.');
  }
  const string = quoted[1].replace(/\\(.)/g, (_, letter: string) => stringEscapes[letter] ?? letter) + end;
  const bytes = new TextEncoder().encode(string);
  return { size: bytes.length, fill: () => bytes };
}

function sizeInRange(size: bigint): number {
  if (size < 0n || size > BigInt(MAX_SIZE)) {
    throw new AssemblyError(`The size ${size} is not within 0 and 64 MiB.`);
  }
  return Number(size);
}

function skip(operands: string, resolve: SymbolResolver): Piece {
  const [count, value = 0n] = evaluateAll(operands, resolve);
  const size = sizeInRange(count);
  return { size, fill: () => new Uint8Array(size).fill(Number(value & 0xffn)) };
}

/** Zero bytes up to a multiple of `alignment`. */
function align(alignment: bigint, address: bigint): Piece {
  if (alignment <= 0n) {
    throw new AssemblyError('An alignment must be positive.');
  }
  const size = sizeInRange((alignment - (address % alignment)) % alignment);
  return { size, fill: () => new Uint8Array(size) };
}

const powerOfTwo: StatementReader = (operands, address, resolve) => {
  const exponent = evaluateAll(operands, resolve)[0];
  return align(1n << BigInt(sizeInRange(exponent > 26n ? -1n : exponent)), address);
};

/** Directives, and instructions that are not one word. */
const statements: Readonly<Record<string, StatementReader>> = {
  '.byte': data(1),
  '.half': data(2),
  '.2byte': data(2),
  '.word': data(4),
  '.4byte': data(4),
  '.dword': data(8),
  '.8byte': data(8),
  '.quad': data(8),
  '.ascii': (operands) => text(operands, ''),
  '.asciz': (operands) => text(operands, '\0'),
  '.string': (operands) => text(operands, '\0'),
  '.skip': (operands, _address, resolve) => skip(operands, resolve),
  '.space': (operands, _address, resolve) => skip(operands, resolve),
  '.zero': (operands, _address, resolve) => skip(operands, resolve),
  '.align': powerOfTwo,
  '.p2align': powerOfTwo,
  '.balign': (operands, address, resolve) => align(evaluateAll(operands, resolve)[0], address),
  li: (operands, _address, resolve) => {
    const comma = operands.indexOf(',');
    const value = evaluateAll(operands.slice(comma + 1), resolve)[0];
    return instructionPiece(loadImmediate(operands.slice(0, Math.max(comma, 0)), value));
  },
  la: (operands) => {
    const [register, symbol = ''] = split(operands);
    return relativePair(symbol, register, (lower) => `addi ${register}, ${register}, ${lower}`);
  },
  call: (operands) => relativePair(operands, 'ra', (lower) => `jalr ra, ${lower}(ra)`),
  tail: (operands) => relativePair(operands, 't1', (lower) => `jalr x0, ${lower}(t1)`),
};

const instruction =
  (statement: string): StatementReader =>
  () =>
    instructionPiece([statement]);

/** A line without its comment, cut at semicolons; quoted strings stay whole. */
function statementsIn(line: string): string[] {
  const found: string[] = [''];
  for (const [token] of line.matchAll(/"(?:[^"\\]|\\.)*"|'\\?.'|\/\/|./g)) {
    if (token === '#' || token === '//') {
      break;
    }
    if (token === ';') {
      found.push('');
    } else {
      found[found.length - 1] += token;
    }
  }
  return found.map((statement) => statement.trim());
}

class Assembler {
  private readonly symbols = new Map<string, bigint>();
  /** The addresses of each number used as a label, in ascending order. */
  private readonly numbered = new Map<string, bigint[]>();
  private readonly pieces: PlacedPiece[] = [];
  private address: bigint;

  constructor(private readonly base: bigint) {
    this.address = base;
  }

  read(line: number, statement: string): void {
    const label = /^([A-Za-z_.$][\w.$]*|\d+)\s*:\s*/.exec(statement);
    if (label !== null) {
      this.label(label[1]);
      this.read(line, statement.slice(label[0].length));
      return;
    }
    const constant =
      /^([A-Za-z_.$][\w.$]*)\s*=(.*)$/.exec(statement) ?? /^\.(?:equ|set)\s+([\w.$]+)\s*,(.*)$/.exec(statement);
    if (constant !== null) {
      this.define(constant[1], evaluateAll(constant[2], this.resolver(this.address))[0]);
      return;
    }
    if (statement === '') {
      return;
    }
    const [, name, operands] = /^(\S+)\s*(.*)$/s.exec(statement) ?? ['', '', ''];
    if (name.startsWith('.') && !(name in statements)) {
      throw new AssemblyError(`There is no directive "${name}".`);
    }
    const reader = statements[name] ?? instruction(statement);
    const piece = reader(operands, this.address, this.resolver(this.address));
    this.pieces.push({ ...piece, line, address: this.address });
    this.address += BigInt(piece.size);
    sizeInRange(this.address - this.base);
  }

  finish(): Program {
    const bytes = new Uint8Array(Number(this.address - this.base));
    for (const { line, address, fill } of this.pieces) {
      atLine(line, () => bytes.set(fill(this.resolver(address), address), Number(address - this.base)));
    }
    return { bytes, symbols: this.symbols };
  }

  private label(name: string): void {
    if (/^\d/.test(name)) {
      this.numbered.set(name, [...(this.numbered.get(name) ?? []), this.address]);
    } else {
      this.define(name, this.address);
    }
  }

  private define(name: string, value: bigint): void {
    if (this.symbols.has(name)) {
      throw new AssemblyError(`The symbol "${name}" is already defined.`);
    }
    this.symbols.set(name, value);
  }

  /** Symbols as an expression of the statement at `address` sees them; `.` is that address. */
  private resolver(address: bigint): SymbolResolver {
    return (name) => {
      if (name === '.') {
        return address;
      }
      const local = /^(\d+)([fb])$/.exec(name);
      if (local === null) {
        return this.symbols.get(name);
      }
      const places = this.numbered.get(local[1]) ?? [];
      return local[2] === 'f' ? places.find((place) => place > address) : places.findLast((place) => place <= address);
    };
  }
}

/** Runs `action`; an error that it throws names the line. */
function atLine(line: number, action: () => void): void {
  try {
    action();
  } catch (error) {
    throw error instanceof AssemblyError ? new AssemblyError(`Line ${line}: ${error.message}`) : error;
  }
}

/**
 * Assembles a program for the given base address.
 *
 * @throws AssemblyError that names the line and what is wrong with it
 */
export function assembleSource(source: string, base: bigint): Program {
  const assembler = new Assembler(base);
  source.split(/\r?\n/).forEach((text, index) => {
    for (const statement of statementsIn(text)) {
      atLine(index + 1, () => assembler.read(index + 1, statement));
    }
  });
  return assembler.finish();
}

/** The bytes of a program for the given base address (see `assembleSource`). */
export const assembleProgram = (source: string, base: bigint): Uint8Array => assembleSource(source, base).bytes;
