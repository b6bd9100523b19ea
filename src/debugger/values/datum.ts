/** A value of the debugged program: a type and the place of its bytes, and how to get from one to its parts. */
import type { ArrayType, Member, PointerType, StructType, Type } from '../../symbols/model';
import { DebuggerError } from '../errors';
import type { IntegerType } from '../expressions/integer-type';
import type { AddressKind } from '../target';
import { bytesOf, constantPlace, memoryPlace, unsignedOf } from './place';
import type { Memory, Place } from './place';

export interface Datum {
  /** Undefined: `void`. */
  readonly type: Type | undefined;
  readonly place: Place;
  /** Of the value's first byte within the place. */
  readonly offset: number;
  /** For a bit-field: bits to skip, and bits to take. */
  readonly bits?: { readonly skip: number; readonly take: number };
}

const MAX_ALIASES = 64;

/** The type behind typedefs and qualifiers; undefined for `void` and for chains that do not end. */
export function resolveType(
  type: Type | undefined,
): Exclude<Type, { kind: 'typedef' | 'const' | 'volatile' | 'restrict' | 'atomic' }> | undefined {
  let current = type;
  for (let count = 0; count < MAX_ALIASES; count++) {
    if (!current || !('target' in current) || current.kind === 'pointer') {
      return current as ReturnType<typeof resolveType>;
    }
    current = current.target;
  }
  return undefined;
}

/** Size in bytes, 0 for `void` and unknown sizes. */
export function sizeOf(type: Type | undefined): number {
  return resolveType(type)?.size ?? 0;
}

/** A program type for an integer named in a cast. */
export function baseType({ bits, signed }: IntegerType): Type {
  const name = `${signed ? 'i' : 'u'}${bits}`;
  return { kind: 'base', name, size: bits / 8, encoding: signed ? 'signed' : 'unsigned', isSigned: signed };
}

export function pointerTo(target: Type | undefined): PointerType {
  return { kind: 'pointer', name: `${target?.name ?? 'void'} *`, size: 8, flavour: 'pointer', target };
}

/** A value of that type with these 64 bits, at no place. */
export function constantDatum(type: Type | undefined, value: bigint): Datum {
  return { type, place: constantPlace(bytesOf(value)), offset: 0 };
}

/** The value of that type at an address. */
export function datumAt(memory: Memory, address: bigint, type: Type | undefined, space?: AddressKind): Datum {
  return { type, place: memoryPlace(memory, address, space), offset: 0 };
}

/** Address of the value in memory; undefined when it is not there, and for bit-fields. */
export function addressOf(datum: Datum): bigint | undefined {
  if (datum.place.address === undefined || datum.bits) return undefined;
  return BigInt.asUintN(64, datum.place.address + BigInt(datum.offset));
}

/** The bytes in memory that a value is made of. */
export interface Storage {
  readonly space: AddressKind;
  readonly address: bigint;
  /** In bytes; 0 when the type does not say. */
  readonly size: number;
  /** Of what lies there; undefined when it is but a part of the bytes, or `void`. */
  readonly type: Type | undefined;
}

/** Where the value lies in memory; undefined when it is elsewhere. */
export function storageOf({ type, place, offset, bits }: Datum): Storage | undefined {
  if (place.address === undefined) return undefined;
  const skipped = bits ? Math.floor(bits.skip / 8) : 0;
  const address = BigInt.asUintN(64, place.address + BigInt(offset + skipped));
  const { space = 'gva' } = place;
  if (!bits) return { space, address, size: sizeOf(type), type };
  return { space, address, size: Math.ceil((bits.skip + bits.take) / 8) - skipped, type: undefined };
}

/** The bytes of the value, at most `limit` of them; undefined when they cannot be had. */
function readBytes(datum: Datum, limit = 4096): Uint8Array | undefined {
  return datum.place.read(datum.offset, Math.min(sizeOf(datum.type), limit));
}

/** How an integer-like type is read; undefined for structs, arrays, floats and the like. */
export function integerTypeOf(type: Type | undefined): { readonly size: number; readonly signed: boolean } | undefined {
  const resolved = resolveType(type);
  if (!resolved || resolved.size > 16) return undefined;
  switch (resolved.kind) {
    case 'base':
      if (resolved.encoding === 'float' || resolved.encoding === 'complex') return undefined;
      return { size: resolved.size, signed: resolved.isSigned };
    case 'enum':
      return { size: resolved.size, signed: resolved.isSigned };
    case 'pointer':
      return { size: resolved.size, signed: false };
    default:
      return undefined;
  }
}

/** The value as an integer; undefined when it is not one or cannot be read. */
export function loadInteger(datum: Datum): bigint | undefined {
  const type = integerTypeOf(datum.type);
  if (!type) return undefined;
  const { bits } = datum;
  const size = bits ? Math.ceil((bits.skip + bits.take) / 8) : type.size;
  const bytes = datum.place.read(datum.offset, size);
  if (!bytes) return undefined;
  const raw = unsignedOf(bytes);
  const [value, width] = bits ? [raw >> BigInt(bits.skip), bits.take] : [raw, 8 * size];
  return type.signed ? BigInt.asIntN(width, value) : BigInt.asUintN(width, value);
}

/** Changes an integer-like value. @throws DebuggerError when it cannot be changed */
export function storeInteger(datum: Datum, value: bigint): void {
  const type = integerTypeOf(datum.type);
  if (!type) throw new DebuggerError('Only numbers, enumerations and pointers can be changed.');
  if (!datum.place.write) throw new DebuggerError('The value cannot be changed: it has no place of its own here.');
  const { bits } = datum;
  const size = bits ? Math.ceil((bits.skip + bits.take) / 8) : type.size;
  let raw = BigInt.asUintN(8 * size, value);
  if (bits) {
    const before = datum.place.read(datum.offset, size);
    if (!before) throw new DebuggerError(`The value cannot be changed: ${datum.place.problem ?? 'it cannot be read'}.`);
    const mask = ((1n << BigInt(bits.take)) - 1n) << BigInt(bits.skip);
    raw = (unsignedOf(before) & ~mask) | ((value << BigInt(bits.skip)) & mask);
  }
  const bytes = new Uint8Array(size);
  for (let index = 0; index < size; index++) bytes[index] = Number((raw >> BigInt(8 * index)) & 0xffn);
  datum.place.write(datum.offset, bytes);
}

/** The value as a floating-point number; undefined when it is none of 4 or 8 bytes, or cannot be read. */
export function loadFloat(datum: Datum): number | undefined {
  const type = resolveType(datum.type);
  if (type?.kind !== 'base' || type.encoding !== 'float') return undefined;
  const bytes = readBytes(datum);
  if (!bytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type.size === 4) return view.getFloat32(0, true);
  return type.size === 8 ? view.getFloat64(0, true) : undefined;
}

export function memberDatum(datum: Datum, member: Member): Datum {
  const bits =
    member.bitSize === undefined ? undefined : { bits: { skip: member.bitOffset ?? 0, take: member.bitSize } };
  return { type: member.type, place: datum.place, offset: datum.offset + member.offset, ...bits };
}

/** The member of that name, also within anonymous members and base classes. */
export function findMember(datum: Datum, name: string, depth = 0): Datum | undefined {
  const type = resolveType(datum.type);
  if (type?.kind !== 'struct' || depth > 8) return undefined;
  for (const member of activeMembers(datum, type)) {
    if (member.name === name) return memberDatum(datum, member);
  }
  for (const member of activeMembers(datum, type)) {
    if (member.name !== '' && !member.isBaseClass) continue;
    const found = findMember(memberDatum(datum, member), name, depth + 1);
    if (found) return found;
  }
  return undefined;
}

/** The members that exist: all, and those of the variant that the discriminant selects. */
export function activeMembers(datum: Datum, type: StructType): readonly Member[] {
  if (!type.variants) return type.members;
  const { discriminant, variants } = type.variants;
  const value = discriminant ? loadInteger(memberDatum(datum, discriminant)) : undefined;
  const unsigned = value === undefined ? undefined : BigInt.asUintN(64, value);
  const chosen =
    variants.find((variant) => variant.values?.some((candidate) => BigInt.asUintN(64, candidate) === unsigned)) ??
    variants.find((variant) => variant.values === undefined);
  return chosen ? [...type.members, ...chosen.members] : type.members;
}

/** Element `index` of an array; no bounds are checked. */
export function elementDatum(datum: Datum, type: ArrayType, index: number): Datum {
  return { type: type.element, place: datum.place, offset: datum.offset + index * sizeOf(type.element) };
}

/** What a pointer points to, `index` elements on; undefined when it cannot be read or is no pointer. */
export function dereference(datum: Datum, memory: Memory, index = 0n): Datum | undefined {
  const type = resolveType(datum.type);
  if (type?.kind !== 'pointer') return undefined;
  const address = loadInteger(datum);
  if (address === undefined) return undefined;
  return datumAt(memory, BigInt.asUintN(64, address + index * BigInt(sizeOf(type.target) || 1)), type.target);
}
