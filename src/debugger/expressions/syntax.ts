/** The syntax of expressions: C's operators without assignment, calls and increments; casts to integer types by name. */
import { ExpressionError } from '../errors';
import type { AddressKind } from '../target';
import { integerTypeNamed } from './integer-type';
import type { IntegerType } from './integer-type';
import { tokenize } from './tokens';
import type { Token } from './tokens';

export type UnaryOperator = '-' | '+' | '~' | '!' | '*' | '&';
export type BinaryOperator =
  '*' | '/' | '%' | '+' | '-' | '<<' | '>>' | '<' | '<=' | '>' | '>=' | '==' | '!=' | '&' | '^' | '|' | '&&' | '||';

export type Expression =
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'unary'; readonly operator: UnaryOperator; readonly operand: Expression }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'choose'; readonly test: Expression; readonly then: Expression; readonly otherwise: Expression }
  /** `gpa:address`: the 64-bit word that is there. */
  | { readonly kind: 'place'; readonly space: AddressKind; readonly address: Expression }
  /** `.name` and `->name`, which mean the same. */
  | { readonly kind: 'member'; readonly object: Expression; readonly name: string }
  | { readonly kind: 'index'; readonly object: Expression; readonly index: Expression }
  /** `(u32)x`; with `pointers` stars: `(u32*)x`. */
  | { readonly kind: 'cast'; readonly type: IntegerType; readonly pointers: number; readonly operand: Expression };

/** Operators that bind alike, from loosest to tightest. */
const LEVELS: readonly (readonly BinaryOperator[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '<=', '>', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];
const UNARY: readonly string[] = ['-', '+', '~', '!', '*', '&'] satisfies UnaryOperator[];
const MAX_DEPTH = 100;
/** The hypervisor maps DRAM one to one, so that an HVA is the HPA. */
const SPACES: Readonly<Record<string, AddressKind>> = { gva: 'gva', gpa: 'gpa', hpa: 'hpa', hva: 'hpa' };

/** @throws ExpressionError in one sentence when it is not an expression */
export function parseExpression(source: string): Expression {
  const parser = new Parser(tokenize(source));
  return parser.whole();
}

class Parser {
  private position = 0;
  private depth = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  whole(): Expression {
    if (this.tokens.length === 0) throw new ExpressionError('The expression is empty.');
    const expression = this.conditional();
    const rest = this.tokens[this.position];
    if (rest?.kind === 'operator' && rest.value === '=') {
      throw new ExpressionError('An expression cannot assign; to compare, write "==".');
    }
    if (rest) throw unexpected(rest);
    return expression;
  }

  private conditional(): Expression {
    if (++this.depth > MAX_DEPTH) throw new ExpressionError('The expression is nested too deeply.');
    const test = this.binary(0);
    let result = test;
    if (this.accept('?')) {
      const then = this.conditional();
      this.expect(':');
      result = { kind: 'choose', test, then, otherwise: this.conditional() };
    }
    this.depth--;
    return result;
  }

  private binary(level: number): Expression {
    const operators = LEVELS[level];
    if (!operators) return this.unary();
    let left = this.binary(level + 1);
    for (;;) {
      const operator = operators.find((candidate) => this.accept(candidate));
      if (!operator) return left;
      left = { kind: 'binary', operator, left, right: this.binary(level + 1) };
    }
  }

  private unary(): Expression {
    if (++this.depth > MAX_DEPTH) throw new ExpressionError('The expression is nested too deeply.');
    const result = this.unaryUnbounded();
    this.depth--;
    return result;
  }

  private unaryUnbounded(): Expression {
    const operator = UNARY.find((candidate) => this.accept(candidate)) as UnaryOperator | undefined;
    if (operator) return { kind: 'unary', operator, operand: this.unary() };
    const cast = this.cast();
    if (cast) return { kind: 'cast', ...cast, operand: this.unary() };
    return this.postfix();
  }

  /** `(` type names, stars, `)`; otherwise nothing is consumed. */
  private cast(): { type: IntegerType; pointers: number } | undefined {
    const start = this.position;
    if (this.accept('(')) {
      const words: string[] = [];
      for (let token = this.tokens[this.position]; token?.kind === 'name'; token = this.tokens[this.position]) {
        words.push(token.value);
        this.position++;
      }
      const type = integerTypeNamed(words.join(' '));
      if (type) {
        let pointers = 0;
        while (this.accept('*')) pointers++;
        if (this.accept(')')) return { type, pointers };
      }
    }
    this.position = start;
    return undefined;
  }

  private postfix(): Expression {
    let expression = this.primary();
    for (;;) {
      if (this.accept('.') || this.accept('->')) {
        expression = { kind: 'member', object: expression, name: this.name() };
      } else if (this.accept('[')) {
        expression = { kind: 'index', object: expression, index: this.conditional() };
        this.expect(']');
      } else {
        return expression;
      }
    }
  }

  private primary(): Expression {
    const token = this.tokens[this.position];
    if (!token) throw new ExpressionError('The expression ends too early.');
    if (token.kind === 'operator') {
      if (!this.accept('(')) throw unexpected(token);
      const inner = this.conditional();
      this.expect(')');
      return inner;
    }
    this.position++;
    const space = token.kind === 'name' ? this.space(token) : undefined;
    if (space) return { kind: 'place', space, address: this.unary() };
    if (token.kind === 'name') return { kind: 'name', name: token.value };
    return token.kind === 'number' ? { kind: 'number', value: token.value } : { kind: 'text', value: token.value };
  }

  /** The kind of address that a name and a colon say, written without blanks: else the colon is one of `? :`. */
  private space({ value, at }: Extract<Token, { kind: 'name' }>): AddressKind | undefined {
    const [colon, next] = this.tokens.slice(this.position);
    const space = Object.hasOwn(SPACES, value) ? SPACES[value] : undefined;
    if (!space || colon?.kind !== 'operator' || colon.value !== ':') return undefined;
    if (colon.at !== at + value.length || next?.at !== colon.at + 1) return undefined;
    this.position++;
    return space;
  }

  private name(): string {
    const token = this.tokens[this.position];
    if (token?.kind !== 'name') throw token ? unexpected(token) : new ExpressionError('The expression ends too early.');
    this.position++;
    return token.value;
  }

  private accept(operator: string): boolean {
    const token = this.tokens[this.position];
    if (token?.kind !== 'operator' || token.value !== operator) return false;
    this.position++;
    return true;
  }

  private expect(operator: string): void {
    if (this.accept(operator)) return;
    const token = this.tokens[this.position];
    throw new ExpressionError(
      token
        ? `Expected "${operator}" at column ${token.at + 1} of the expression.`
        : `The expression lacks a "${operator}".`,
    );
  }
}

function unexpected(token: Token): ExpressionError {
  return new ExpressionError(`The expression has an unexpected "${String(token.value)}" at column ${token.at + 1}.`);
}
