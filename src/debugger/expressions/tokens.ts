/** Splits an expression into tokens. */
import { ExpressionError } from '../errors';

export type Token =
  | { readonly kind: 'number'; readonly value: bigint; readonly at: number }
  | { readonly kind: 'text'; readonly value: string; readonly at: number }
  | { readonly kind: 'name'; readonly value: string; readonly at: number }
  | { readonly kind: 'operator'; readonly value: string; readonly at: number };

/** Longest first, so that `<<` is not read as two `<`. */
const OPERATORS = [
  '<<',
  '>>',
  '<=',
  '>=',
  '==',
  '!=',
  '&&',
  '||',
  '->',
  '+',
  '-',
  '*',
  '/',
  '%',
  '&',
  '|',
  '^',
  '~',
  '!',
  '<',
  '>',
  '(',
  ')',
  '[',
  ']',
  '.',
  ',',
  '?',
  ':',
  '=',
] as const;

const SPACE = /\s+/y;
const NUMBER = /(0[xX][0-9a-fA-F_]+|0[bB][01_]+|[0-9][0-9_]*)[uUlL]*/y;
/** Names may be qualified as in C++ and Rust (`kernel::main`), and registers may have GDB's `$` in front. */
const NAME = /\$?[A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)*/y;
const TEXT = /"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0' };
const MAX_LENGTH = 4096;

/** @throws ExpressionError at the first character that starts no token */
export function tokenize(source: string): Token[] {
  if (source.length > MAX_LENGTH) throw new ExpressionError(`The expression is longer than ${MAX_LENGTH} characters.`);
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(source);
  };
  while (at < source.length) {
    const space = take(SPACE);
    if (space) {
      at += space[0].length;
      continue;
    }
    const match = take(NUMBER) ?? take(NAME) ?? take(TEXT);
    const operator = match ? undefined : OPERATORS.find((candidate) => source.startsWith(candidate, at));
    if (match) {
      tokens.push(tokenOf(match, at));
      at += match[0].length;
    } else if (operator) {
      tokens.push({ kind: 'operator', value: operator, at });
      at += operator.length;
    } else {
      throw new ExpressionError(`The expression has an unexpected "${source[at]}" at column ${at + 1}.`);
    }
  }
  return tokens;
}

function tokenOf(match: RegExpExecArray, at: number): Token {
  const first = match[0][0]!;
  if (first >= '0' && first <= '9') return { kind: 'number', value: numberOf(match[1]!), at };
  if (first === '"') return { kind: 'text', value: unescape(match[1]!), at };
  if (first === "'") {
    const characters = [...unescape(match[2]!)];
    if (characters.length === 1) return { kind: 'number', value: BigInt(characters[0]!.codePointAt(0)!), at };
    return { kind: 'text', value: characters.join(''), at };
  }
  return { kind: 'name', value: match[0], at };
}

function numberOf(digits: string): bigint {
  const plain = digits.replaceAll('_', '');
  if (plain.length > 80 || !/^(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)$/.test(plain)) {
    throw new ExpressionError(`"${digits}" is not a number.`);
  }
  return BigInt(plain);
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, letter: string) => ESCAPES[letter] ?? letter);
}
