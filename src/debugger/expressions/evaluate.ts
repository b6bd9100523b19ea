/** Evaluates expressions over whatever names an environment knows. Nothing is executed and nothing is changed. */
import type { Type } from '../../symbols/model';
import { ExpressionError } from '../errors';
import { hex } from '../format';
import {
  addressOf,
  baseType,
  constantDatum,
  datumAt,
  dereference,
  elementDatum,
  findMember,
  integerTypeOf,
  loadInteger,
  pointerTo,
  resolveType,
  sizeOf,
} from '../values/datum';
import type { Datum } from '../values/datum';
import type { AddressKind } from '../target';
import type { Memory } from '../values/place';
import type { ValueNode } from '../values/value-node';
import { integerTypeNamed, wrap } from './integer-type';
import { parseExpression } from './syntax';
import type { BinaryOperator, Expression } from './syntax';

/** What an expression evaluates to. */
export type Value =
  | IntegerValue
  | { readonly kind: 'flag'; readonly value: boolean }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'data'; readonly datum: Datum };

export interface IntegerValue {
  readonly kind: 'integer';
  readonly value: bigint;
  /** For something with named parts, such as the fields of a CSR. */
  readonly member?: (name: string) => Value | undefined;
  /** For something that is shown in a way of its own. */
  readonly node?: () => ValueNode;
  /** For something that can be changed. @throws DebuggerError */
  readonly assign?: (value: bigint) => void;
}

export interface Environment {
  /** The value that a name has; undefined when there is none of that name. */
  lookup(name: string): Value | undefined;
  readonly memory: Memory;
  /** Memory by other kinds of address; absent where there is but one. */
  memoryOf?(space: AddressKind): Memory;
}

export const integer = (value: bigint | number): IntegerValue => ({ kind: 'integer', value: BigInt(value) });
export const flag = (value: boolean): Value => ({ kind: 'flag', value });

/** @throws ExpressionError in one sentence */
export function evaluate(source: string | Expression, environment: Environment): Value {
  return new Evaluation(environment).value(typeof source === 'string' ? parseExpression(source) : source);
}

/** Whether a condition holds: neither zero, nor false, nor an empty text. @throws ExpressionError */
export function evaluateCondition(source: string | Expression, environment: Environment): boolean {
  return isTrue(evaluate(source, environment));
}

/** The value as a number. @throws ExpressionError when it is a text, a struct, or cannot be read */
export function integerOf(value: Value): bigint {
  switch (value.kind) {
    case 'integer':
      return value.value;
    case 'flag':
      return value.value ? 1n : 0n;
    case 'text':
      throw new ExpressionError(`The text "${value.value}" is not a number.`);
    case 'data':
      return integerOfDatum(value.datum);
  }
}

function integerOfDatum(datum: Datum): bigint {
  const loaded = loadInteger(datum);
  if (loaded !== undefined) return loaded;
  const type = resolveType(datum.type);
  if (type?.kind === 'array' || type?.kind === 'function') {
    const address = addressOf(datum);
    if (address !== undefined) return address;
  }
  if (integerTypeOf(datum.type)) throw new ExpressionError(`The value is not available: ${datum.place.problem ?? ''}.`);
  throw new ExpressionError(`A value of type ${datum.type?.name ?? 'void'} is not a number.`);
}

function isTrue(value: Value): boolean {
  return value.kind === 'text' ? value.value !== '' : integerOf(value) !== 0n;
}

const U64: Type = baseType({ bits: 64, signed: false });

class Evaluation {
  constructor(private readonly environment: Environment) {}

  value(expression: Expression): Value {
    switch (expression.kind) {
      case 'number':
        return integer(expression.value);
      case 'text':
        return { kind: 'text', value: expression.value };
      case 'name':
        return this.name(expression.name);
      case 'place':
        return this.place(expression.space, integerOf(this.value(expression.address)));
      case 'unary':
        return this.unary(expression.operator, expression.operand);
      case 'binary':
        return this.binary(expression.operator, expression.left, expression.right);
      case 'choose':
        return this.value(isTrue(this.value(expression.test)) ? expression.then : expression.otherwise);
      case 'member':
        return this.member(this.value(expression.object), expression.name);
      case 'index':
        return this.index(this.value(expression.object), integerOf(this.value(expression.index)));
      case 'cast':
        return this.cast(expression);
    }
  }

  private name(name: string): Value {
    const found = this.environment.lookup(name);
    if (found) return found;
    if (name === 'true' || name === 'false') return flag(name === 'true');
    const hint = integerTypeNamed(name) ? ` To read memory as ${name}, write "*(${name}*)address".` : '';
    throw new ExpressionError(
      `"${name}" is not known here: no variable, register, CSR or symbol has this name.${hint}`,
    );
  }

  private place(space: AddressKind, address: bigint): Value {
    const memory = this.environment.memoryOf?.(space);
    if (!memory) throw new ExpressionError(`Memory cannot be named by ${space.toUpperCase()} here.`);
    return { kind: 'data', datum: datumAt(memory, BigInt.asUintN(64, address), U64, space) };
  }

  private unary(operator: '-' | '+' | '~' | '!' | '*' | '&', operand: Expression): Value {
    const value = this.value(operand);
    switch (operator) {
      case '!':
        return flag(!isTrue(value));
      case '*':
        return this.dereference(value, 0n);
      case '&':
        return this.addressOf(value);
      case '-':
        return integer(-integerOf(value));
      case '+':
        return integer(integerOf(value));
      case '~':
        return integer(BigInt.asUintN(64, ~integerOf(value)));
    }
  }

  private addressOf(value: Value): Value {
    const address = value.kind === 'data' ? addressOf(value.datum) : undefined;
    if (address === undefined || value.kind !== 'data')
      throw new ExpressionError('The operand of "&" is not in memory.');
    return { kind: 'data', datum: constantDatum(pointerTo(value.datum.type), address) };
  }

  /** What a pointer points to; a plain number is taken as the address of a 64-bit word. */
  private dereference(value: Value, index: bigint): Value {
    const { memory } = this.environment;
    if (value.kind === 'data') {
      const type = resolveType(value.datum.type);
      if (type?.kind === 'array') return this.element(value.datum, index);
      if (type?.kind === 'pointer') {
        if (type.target === undefined) throw new ExpressionError('A "void *" cannot be dereferenced; cast it first.');
        const target = dereference(value.datum, memory, index);
        if (target) return { kind: 'data', datum: target };
      }
    }
    const address = BigInt.asUintN(64, integerOf(value) + 8n * index);
    return { kind: 'data', datum: datumAt(memory, address, U64) };
  }

  private index(object: Value, index: bigint): Value {
    return this.dereference(object, index);
  }

  private element(datum: Datum, index: bigint): Value {
    const type = resolveType(datum.type);
    if (type?.kind !== 'array') throw new ExpressionError('Only arrays and pointers have elements.');
    if (index < 0n || (type.count !== undefined && index >= BigInt(type.count)) || index > 0xffffffffn) {
      throw new ExpressionError(`Element ${index} is outside the array of ${type.count ?? 'unknown'} elements.`);
    }
    return { kind: 'data', datum: elementDatum(datum, type, Number(index)) };
  }

  private member(object: Value, name: string): Value {
    if (object.kind === 'integer' && object.member) {
      const part = object.member(name);
      if (part) return part;
      throw new ExpressionError(`It has no field "${name}".`);
    }
    if (object.kind === 'data') {
      const isPointer = resolveType(object.datum.type)?.kind === 'pointer';
      const target = isPointer ? dereference(object.datum, this.environment.memory) : object.datum;
      const found = target && findMember(target, name);
      if (found) return { kind: 'data', datum: found };
      throw new ExpressionError(`${target?.type?.name ?? 'The value'} has no member "${name}".`);
    }
    throw new ExpressionError(`Only structs and CSRs have members, so there is no "${name}".`);
  }

  private cast({ type, pointers, operand }: Extract<Expression, { kind: 'cast' }>): Value {
    const value = integerOf(this.value(operand));
    let target = baseType(type);
    for (let count = 0; count < pointers; count++) target = pointerTo(target);
    return { kind: 'data', datum: constantDatum(target, pointers > 0 ? value : wrap(value, type)) };
  }

  private binary(operator: BinaryOperator, left: Expression, right: Expression): Value {
    const a = this.value(left);
    if (operator === '&&') return flag(isTrue(a) && isTrue(this.value(right)));
    if (operator === '||') return flag(isTrue(a) || isTrue(this.value(right)));
    const b = this.value(right);
    if (a.kind === 'text' || b.kind === 'text') return compareTexts(operator, a, b);
    const pointer = pointerArithmetic(operator, a, b);
    if (pointer) return pointer;
    return arithmetic(operator, integerOf(a), integerOf(b));
  }
}

function compareTexts(operator: BinaryOperator, a: Value, b: Value): Value {
  if (a.kind !== 'text' || b.kind !== 'text') {
    if (operator === '==') return flag(false);
    if (operator === '!=') return flag(true);
  } else {
    switch (operator) {
      case '==':
        return flag(a.value === b.value);
      case '!=':
        return flag(a.value !== b.value);
      case '<':
        return flag(a.value < b.value);
      case '>':
        return flag(a.value > b.value);
    }
  }
  throw new ExpressionError(`"${operator}" cannot be used with texts.`);
}

/** Pointer plus or minus a number counts in elements, as in C. */
function pointerArithmetic(operator: BinaryOperator, a: Value, b: Value): Value | undefined {
  if ((operator !== '+' && operator !== '-') || a.kind !== 'data') return undefined;
  const type = resolveType(a.datum.type);
  if (type?.kind !== 'pointer' && type?.kind !== 'array') return undefined;
  const target = type.kind === 'pointer' ? type.target : type.element;
  const size = BigInt(sizeOf(target) || 1);
  if (b.kind === 'data' && resolveType(b.datum.type)?.kind === 'pointer') {
    return operator === '-' ? bounded((integerOf(a) - integerOf(b)) / size) : undefined;
  }
  const distance = integerOf(b) * size;
  const address = integerOf(a) + (operator === '+' ? distance : -distance);
  return { kind: 'data', datum: constantDatum(pointerTo(target), address) };
}

/** Equality is that of the low 64 bits, so that a register holding all ones equals -1. */
function arithmetic(operator: BinaryOperator, a: bigint, b: bigint): Value {
  switch (operator) {
    case '==':
      return flag(BigInt.asUintN(64, a) === BigInt.asUintN(64, b));
    case '!=':
      return flag(BigInt.asUintN(64, a) !== BigInt.asUintN(64, b));
    case '<':
      return flag(a < b);
    case '<=':
      return flag(a <= b);
    case '>':
      return flag(a > b);
    case '>=':
      return flag(a >= b);
    case '+':
      return bounded(a + b);
    case '-':
      return bounded(a - b);
    case '*':
      return bounded(a * b);
    case '/':
    case '%':
      if (b === 0n) throw new ExpressionError('The expression divides by zero.');
      return bounded(operator === '/' ? a / b : a % b);
    case '&':
      return bounded(a & b);
    case '|':
      return bounded(a | b);
    case '^':
      return bounded(a ^ b);
    case '<<':
    case '>>':
      if (b < 0n || b > 63n) throw new ExpressionError(`A shift by ${hex(b)} is not between 0 and 63.`);
      return bounded(operator === '<<' ? a << b : a >> b);
    default:
      throw new ExpressionError(`"${operator}" cannot be used here.`);
  }
}

/** Results stay within 64 bits: negative ones signed, others unsigned. */
function bounded(value: bigint): Value {
  return integer(value < 0n ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value));
}
