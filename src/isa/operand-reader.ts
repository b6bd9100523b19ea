/** Reads registers, expressions and punctuation from the text of an assembly statement, from left to right. */
import { floatRegisterNumber, registerNumber } from './registers';

/** What is wrong with an assembly source, in one sentence. */
export class AssemblyError extends Error {}

/** The value of a symbol; undefined when there is none. */
export type SymbolResolver = (name: string) => bigint | undefined;

type BinaryOperator = (a: bigint, b: bigint) => bigint;

function divide(a: bigint, b: bigint): bigint {
  if (b === 0n) {
    throw new AssemblyError('Division by zero in an expression.');
  }
  return a / b;
}

/** Binary operators from the loosest to the tightest, as in C. */
const precedence: readonly Readonly<Record<string, BinaryOperator>>[] = [
  { '|': (a, b) => a | b },
  { '^': (a, b) => a ^ b },
  { '&': (a, b) => a & b },
  { '<<': (a, b) => a << b, '>>': (a, b) => BigInt.asUintN(64, a) >> b },
  { '+': (a, b) => a + b, '-': (a, b) => a - b },
  { '*': (a, b) => a * b, '/': divide },
];

const NUMBER = /0[xX][0-9a-fA-F]+|0[bB][01]+|\d+(?![\dfb])/y;
const SYMBOL = /[A-Za-z_.$][\w.$]*|\d+[fb]/y;
const CHARACTER = /'(\\?.)'/y;
const WORD = /[A-Za-z_][\w]*/y;
const escapes: Readonly<Record<string, string>> = { '\\n': '\n', '\\t': '\t', '\\0': '\0', '\\\\': '\\', "\\'": "'" };

export class OperandReader {
  /** Index of the next character to read. */
  position = 0;

  constructor(
    private readonly text: string,
    private readonly resolve: SymbolResolver,
  ) {}

  atEnd(): boolean {
    this.skipSpaces();
    return this.position === this.text.length;
  }

  /** Reads `literal` if it comes next. */
  accept(literal: string): boolean {
    this.skipSpaces();
    const found = this.text.startsWith(literal, this.position);
    this.position += found ? literal.length : 0;
    return found;
  }

  expect(literal: string): void {
    if (!this.accept(literal)) {
      throw new AssemblyError(`Expected "${literal}" ${this.here()}.`);
    }
  }

  /** Whether a register in parentheses comes next. */
  atBase(): boolean {
    const base = /^\s*\(\s*(\w+)\s*\)/.exec(this.text.slice(this.position));
    return base !== null && registerNumber(base[1]) !== undefined;
  }

  /** Reads a register; undefined, and nothing read, when there is none. */
  register(): number | undefined {
    return this.named(registerNumber);
  }

  /** The same for a floating-point register. */
  floatRegister(): number | undefined {
    return this.named(floatRegisterNumber);
  }

  private named(numberOf: (name: string) => number | undefined): number | undefined {
    const start = this.position;
    const name = this.match(WORD)?.[0];
    const number = name === undefined ? undefined : numberOf(name);
    if (number === undefined) {
      this.position = start;
    }
    return number;
  }

  /** Reads a word of letters. */
  word(): string {
    return this.match(WORD)?.[0] ?? '';
  }

  /** Reads an expression. Its value is as wide as it comes. */
  expression(level = 0): bigint {
    if (level === precedence.length) {
      return this.primary();
    }
    let value = this.expression(level + 1);
    for (;;) {
      const operator = Object.entries(precedence[level]).find(([sign]) => this.accept(sign));
      if (operator === undefined) {
        return value;
      }
      value = operator[1](value, this.expression(level + 1));
    }
  }

  /** Where the reader stands, for messages. */
  here(): string {
    const rest = this.text.slice(this.position).trim();
    return rest === '' ? 'at the end' : `before "${rest}"`;
  }

  private primary(): bigint {
    if (this.accept('(')) {
      const value = this.expression();
      this.expect(')');
      return value;
    }
    if (this.accept('-')) {
      return -this.primary();
    }
    if (this.accept('~')) {
      return ~this.primary();
    }
    const number = this.match(NUMBER);
    if (number !== null) {
      return BigInt(number[0]);
    }
    const character = this.match(CHARACTER);
    if (character !== null) {
      return BigInt((escapes[character[1]] ?? character[1]).codePointAt(0) ?? 0);
    }
    return this.symbol();
  }

  private symbol(): bigint {
    const start = this.position;
    const name = this.match(SYMBOL)?.[0];
    if (name === undefined || registerNumber(name) !== undefined) {
      this.position = start;
      throw new AssemblyError(`Expected a number or a symbol ${this.here()}.`);
    }
    const value = this.resolve(name);
    if (value === undefined) {
      throw new AssemblyError(`There is no symbol "${name}".`);
    }
    return value;
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    this.skipSpaces();
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.text);
    this.position += found === null ? 0 : found[0].length;
    return found;
  }

  private skipSpaces(): void {
    while (this.position < this.text.length && ' \t'.includes(this.text[this.position])) {
      this.position++;
    }
  }
}
