/** Program values as the user sees them: numbers, enumerators, strings, structs, arrays, pointers. */
import type { ArrayType, EnumType, StructType } from '../../symbols/model';
import { hex } from '../format';
import {
  activeMembers,
  addressOf,
  dereference,
  elementDatum,
  integerTypeOf,
  loadFloat,
  loadInteger,
  memberDatum,
  resolveType,
  sizeOf,
  storageOf,
  storeInteger,
} from './datum';
import type { Datum } from './datum';
import type { Memory } from './place';
import { namedChildren } from './value-node';
import type { Children, Presentation, ValueNode } from './value-node';

/** What showing a program value takes besides the value. */
export interface DatumContext {
  readonly memory: Memory;
  readonly presentation: Presentation;
  /** A name for an address, such as `main+0x10`, if it has one. */
  nameOf(address: bigint): string | undefined;
}

const MAX_TEXT = 200;
const MAX_PREVIEW = 100;
const MAX_PREVIEW_ITEMS = 8;

/** A value with a name, as a line that opens to its parts. */
export function datumNode(name: string, datum: Datum, context: DatumContext, expression?: string): ValueNode {
  const address = addressOf(datum);
  const storage = storageOf(datum);
  const isSettable = datum.place.write !== undefined && integerTypeOf(datum.type) !== undefined;
  const children = childrenOf(datum, context, expression);
  return {
    name,
    text: datumText(datum, context),
    type: datum.type?.name ?? 'void',
    ...(children ? { children } : {}),
    ...(address === undefined ? {} : { address }),
    ...(storage ? { storage } : {}),
    ...(expression === undefined ? {} : { expression }),
    ...(isSettable ? { set: (value: bigint) => storeInteger(datum, value) } : {}),
  };
}

/** The value in one line. */
export function datumText(datum: Datum, context: DatumContext, depth = 0): string {
  const type = resolveType(datum.type);
  if (!type) return 'void';
  const missing = `<${datum.place.problem ?? 'not available'}>`;
  switch (type.kind) {
    case 'struct':
      if (type.isIncomplete) return '<declared only: its members are not known here>';
      return datum.place.read(datum.offset, 0) ? structPreview(datum, type, context, depth) : missing;
    case 'array':
      return arrayPreview(datum, type, context, depth, missing);
    case 'base':
      if (type.encoding === 'float') return loadFloat(datum)?.toString() ?? missing;
      break;
    case 'function':
      return describeAddress(addressOf(datum) ?? 0n, context);
    case 'unknown':
      return '<of a type that is not understood>';
  }
  const value = loadInteger(datum);
  if (value === undefined) return missing;
  if (type.kind === 'enum') return enumText(type, value);
  if (type.kind === 'pointer') return pointerText(datum, value, context);
  if (type.kind !== 'base') return hex(value);
  if (type.encoding === 'boolean' && value <= 1n) return value === 1n ? 'true' : 'false';
  const digits = context.presentation.hex ? hex(BigInt.asUintN(8 * type.size, value)) : value.toString();
  return isCharacter(datum.type) ? `${digits} ${characterText(value)}` : digits;
}

function enumText(type: EnumType, value: bigint): string {
  const exact = type.enumerators.find((enumerator) => enumerator.value === value);
  if (exact) return `${exact.name} (${value})`;
  const flags: string[] = [];
  let rest = value;
  for (const enumerator of type.enumerators) {
    if (enumerator.value > 0n && (rest & enumerator.value) === enumerator.value) {
      flags.push(enumerator.name);
      rest &= ~enumerator.value;
    }
  }
  return rest === 0n && flags.length > 0 ? `${flags.join(' | ')} (${hex(value)})` : value.toString();
}

function pointerText(datum: Datum, value: bigint, context: DatumContext): string {
  const type = resolveType(datum.type);
  const target = type?.kind === 'pointer' ? type.target : undefined;
  if (isCharacter(target) && value !== 0n) {
    const text = readText(context.memory, value);
    if (text !== undefined) return `${hex(value)} ${text}`;
  }
  return describeAddress(value, context);
}

/** An address, with the symbol it belongs to. */
export function describeAddress(value: bigint, context: Pick<DatumContext, 'nameOf'>): string {
  const name = value === 0n ? undefined : context.nameOf(value);
  return name ? `${hex(value)} <${name}>` : hex(value);
}

function isCharacter(type: Datum['type']): boolean {
  const resolved = resolveType(type);
  return resolved?.kind === 'base' && resolved.size === 1 && /\bchar\b/.test(resolved.name);
}

function characterText(value: bigint): string {
  const code = Number(BigInt.asUintN(8, value));
  return code >= 0x20 && code < 0x7f ? `'${String.fromCharCode(code)}'` : `'\\x${code.toString(16).padStart(2, '0')}'`;
}

/** The string at an address, in quotes; undefined when nothing can be read or it is not text. */
function readText(memory: Memory, address: bigint): string | undefined {
  const bytes: number[] = [];
  while (bytes.length < MAX_TEXT) {
    const at = address + BigInt(bytes.length);
    const untilPageEnd = 4096 - Number(at & 0xfffn);
    const chunk = memory.read(at, Math.min(64, untilPageEnd));
    if (!chunk) break;
    const end = chunk.indexOf(0);
    bytes.push(...(end < 0 ? chunk : chunk.subarray(0, end)));
    if (end >= 0) return quote(bytes);
  }
  return bytes.length === 0 ? undefined : `${quote(bytes.slice(0, MAX_TEXT))}…`;
}

function quote(bytes: readonly number[]): string {
  const text = bytes.map((byte) => {
    if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
    if (byte >= 0x20 && byte < 0x7f) return String.fromCharCode(byte);
    if (byte === 10) return '\\n';
    return `\\x${byte.toString(16).padStart(2, '0')}`;
  });
  return `"${text.join('')}"`;
}

function structPreview(datum: Datum, type: StructType, context: DatumContext, depth: number): string {
  if (depth > 0) return '{…}';
  const parts: string[] = [];
  let length = 0;
  for (const member of activeMembers(datum, type)) {
    const part = `${member.name || '…'} = ${datumText(memberDatum(datum, member), context, depth + 1)}`;
    length += part.length;
    if (length > MAX_PREVIEW || parts.length === MAX_PREVIEW_ITEMS) {
      parts.push('…');
      break;
    }
    parts.push(part);
  }
  return `{${parts.join(', ')}}`;
}

function arrayPreview(datum: Datum, type: ArrayType, context: DatumContext, depth: number, missing: string): string {
  if (type.count === undefined) return '<of unknown length>';
  if (isCharacter(type.element)) {
    const bytes = datum.place.read(datum.offset, Math.min(type.count, MAX_TEXT));
    if (!bytes) return missing;
    const end = bytes.indexOf(0);
    return quote([...(end < 0 ? bytes : bytes.subarray(0, end))]);
  }
  if (depth > 0) return `[${type.count}]`;
  const parts: string[] = [];
  let length = 0;
  for (let index = 0; index < type.count; index++) {
    const part = datumText(elementDatum(datum, type, index), context, depth + 1);
    length += part.length;
    if (length > MAX_PREVIEW || index === MAX_PREVIEW_ITEMS) {
      parts.push('…');
      break;
    }
    parts.push(part);
  }
  return `[${type.count}] {${parts.join(', ')}}`;
}

/** The parts that a value opens to, if any. */
function childrenOf(datum: Datum, context: DatumContext, expression: string | undefined): Children | undefined {
  const type = resolveType(datum.type);
  const within = (suffix: string): string | undefined =>
    expression === undefined ? undefined : `${expression}${suffix}`;
  switch (type?.kind) {
    case 'struct':
      if (type.isIncomplete) return undefined;
      return namedChildren(() =>
        activeMembers(datum, type).map((member) => {
          const name = member.name || `<${member.type?.name ?? 'anonymous'}>`;
          const isNamed = member.name !== '' && !member.isBaseClass;
          const inner = isNamed ? within(`.${member.name}`) : expression;
          return datumNode(name, memberDatum(datum, member), context, inner);
        }),
      );
    case 'array':
      if (type.count === undefined || type.count === 0) return undefined;
      return {
        indexed: type.count,
        named: 0,
        list: (start, count) =>
          Array.from({ length: Math.max(0, Math.min(count, type.count! - start)) }, (_, index) =>
            datumNode(
              `[${start + index}]`,
              elementDatum(datum, type, start + index),
              context,
              within(`[${start + index}]`),
            ),
          ),
      };
    case 'pointer': {
      const target = resolveType(type.target);
      if (!target || target.kind === 'function' || sizeOf(target) === 0) return undefined;
      const value = loadInteger(datum);
      if (!value) return undefined;
      return pointerChildren(datum, context, expression);
    }
    default:
      return undefined;
  }
}

/** A pointer opens straight to the members of a struct, otherwise to the one value it points to. */
function pointerChildren(datum: Datum, context: DatumContext, expression: string | undefined): Children {
  return namedChildren(() => {
    const target = dereference(datum, context.memory);
    if (!target) return [];
    const inner = expression === undefined ? undefined : `(*${expression})`;
    if (resolveType(target.type)?.kind === 'struct') {
      return childrenOf(target, context, inner)?.list(0, Number.MAX_SAFE_INTEGER) ?? [];
    }
    return [datumNode('*', target, context, inner)];
  });
}
