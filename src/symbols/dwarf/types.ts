/** Types (DWARF 5, chapter 5) as `Type` objects, one for each entry; what they refer to is read when first used. */
import { ByteReader } from '../byte-reader';
import type { ArrayType, BaseEncoding, EnumType, Member, StructType, Type, VariantPart } from '../model';
import { AT, TAG } from './constants';
import { typeName } from './type-names';
import type { Entry } from './entry';

/** Encodings of base types (7.8). */
const ENCODINGS: Readonly<Record<number, { encoding: BaseEncoding; isSigned: boolean }>> = {
  0x01: { encoding: 'address', isSigned: false },
  0x02: { encoding: 'boolean', isSigned: false },
  0x03: { encoding: 'complex', isSigned: true },
  0x04: { encoding: 'float', isSigned: true },
  0x05: { encoding: 'signed', isSigned: true },
  0x06: { encoding: 'character', isSigned: true },
  0x07: { encoding: 'unsigned', isSigned: false },
  0x08: { encoding: 'character', isSigned: false },
  0x10: { encoding: 'character', isSigned: false },
  0x11: { encoding: 'character', isSigned: false },
  0x12: { encoding: 'character', isSigned: false },
};
const OTHER_ENCODING = { encoding: 'other', isSigned: false } as const;
const C_LANGUAGES: ReadonlySet<number> = new Set([0x01, 0x02, 0x0c, 0x1d, 0x2c]);
const POINTER_SIZE = 8;
const MAX_DEPTH = 40;
const MAX_MEMBERS = 100_000;
const MAX_DISCRIMINANTS = 1000;

type Builder = (types: TypeReader, entry: Entry) => Type;

export class TypeReader {
  private readonly cache = new Map<number, Type>();

  /**
   * @param definitionOf finds the definition of a declared type elsewhere in the program
   * @param guard gives undefined and keeps a warning when reading fails
   */
  constructor(
    readonly definitionOf: (declaration: Entry) => Entry | undefined,
    readonly guard: <T>(read: () => T) => T | undefined,
  ) {}

  /** The type that the entry's DW_AT_type refers to; undefined for none, which is `void`. */
  typeOf(entry: Entry): Type | undefined {
    const target = this.guard(() => entry.follow((origin) => origin.reference(AT.type)));
    return target && this.typeAt(target);
  }

  /** The type that an entry describes. */
  typeAt(entry: Entry): Type {
    let type = this.cache.get(entry.offset);
    if (!type) {
      type = this.guard(() => (BUILDERS[entry.tag] ?? unknownType)(this, entry)) ?? {
        kind: 'unknown',
        name: '?',
        size: 0,
      };
      this.cache.set(entry.offset, type);
    }
    return type;
  }

  sizeOf(entry: Entry): number {
    return this.guard(() => entry.number(AT.byteSize)) ?? 0;
  }
}

/** A value computed when first read. */
function lazy<T>(compute: () => T): () => T {
  let result: { value: T } | undefined;
  return () => (result ??= { value: compute() }).value;
}

function sizeOfType(type: Type | undefined, depth = 0): number {
  if (!type || depth > MAX_DEPTH) return 0;
  if (isAlias(type)) return sizeOfType(type.target, depth + 1);
  if (type.kind === 'array') return arraySize(type, depth);
  return type.size;
}

function isAlias(
  type: Type,
): type is Extract<Type, { kind: 'typedef' | 'const' | 'volatile' | 'restrict' | 'atomic' }> {
  return ALIAS_KINDS.has(type.kind);
}

const ALIAS_KINDS: ReadonlySet<string> = new Set(['typedef', 'const', 'volatile', 'restrict', 'atomic']);

function arraySize({ element, count }: Pick<ArrayType, 'element' | 'count'>, depth: number): number {
  const size = (count ?? 0) * sizeOfType(element, depth + 1);
  return Number.isSafeInteger(size) ? size : 0;
}

const unknownType: Builder = (types, entry) => ({
  kind: 'unknown',
  name: entry.name() ?? '?',
  size: types.sizeOf(entry),
});

const baseType: Builder = (types, entry) => ({
  kind: 'base',
  name: entry.name() ?? '?',
  size: types.sizeOf(entry),
  ...(ENCODINGS[entry.number(AT.encoding) ?? 0] ?? OTHER_ENCODING),
});

const pointerType =
  (flavour: 'pointer' | 'reference'): Builder =>
  (types, entry) => {
    const target = lazy(() => types.typeOf(entry));
    return {
      kind: 'pointer',
      flavour,
      size: types.sizeOf(entry) || POINTER_SIZE,
      get name() {
        return typeName(this);
      },
      get target() {
        return target();
      },
    };
  };

const aliasType =
  (kind: 'typedef' | 'const' | 'volatile' | 'restrict' | 'atomic'): Builder =>
  (types, entry) => {
    const own = entry.name();
    const target = lazy(() => types.typeOf(entry));
    const size = lazy(() => sizeOfType(target()));
    return {
      kind,
      get name() {
        return kind === 'typedef' ? (own ?? '?') : typeName(this);
      },
      get size() {
        return size();
      },
      get target() {
        return target();
      },
    };
  };

const functionType: Builder = (types, entry) => {
  const result = lazy(() => types.typeOf(entry));
  const parameters = lazy(
    () =>
      types.guard(() =>
        entry.unit
          .children(entry)
          .filter(({ tag }) => tag === TAG.formalParameter)
          .map((parameter) => types.typeOf(parameter)),
      ) ?? [],
  );
  return {
    kind: 'function',
    size: 0,
    get name() {
      return typeName(this);
    },
    get result() {
      return result();
    },
    get parameters() {
      return parameters();
    },
  };
};

const enumType: Builder = (types, entry) => {
  const underlying = lazy(() => types.typeOf(entry));
  const entries = lazy(
    () => types.guard(() => entry.unit.children(entry).filter(({ tag }) => tag === TAG.enumerator)) ?? [],
  );
  const isSigned = lazy(() => {
    const encoding = ENCODINGS[entry.number(AT.encoding) ?? 0];
    if (encoding) return encoding.isSigned;
    const base = underlying();
    if (base?.kind === 'base') return base.isSigned;
    return entries().some((enumerator) => (enumerator.constant(AT.constValue) ?? 0n) < 0n);
  });
  const enumerators = lazy(
    () =>
      types.guard(() =>
        entries().map((enumerator) => ({
          name: enumerator.name() ?? '?',
          value: (isSigned() ? enumerator.signedConstant(AT.constValue) : enumerator.constant(AT.constValue)) ?? 0n,
        })),
      ) ?? [],
  );
  const type: EnumType = {
    kind: 'enum',
    name: taggedName(entry, 'enum'),
    size: types.sizeOf(entry) || sizeOfType(underlying()),
    get isSigned() {
      return types.guard(isSigned) ?? false;
    },
    get enumerators() {
      return enumerators();
    },
  };
  return type;
};

/** `struct name` in C, `name` in languages that name types so. */
function taggedName(entry: Entry, keyword: string): string {
  const name = entry.name();
  if (!C_LANGUAGES.has(entry.unit.language ?? 0)) return name ?? `${keyword} {...}`;
  return `${keyword} ${name ?? '{...}'}`;
}

/** Nested array types, the outermost dimension first. */
const arrayType: Builder = (types, entry) => {
  const counts = entry.unit
    .children(entry)
    .filter(({ tag }) => tag === TAG.subrangeType || tag === TAG.enumerationType)
    .slice(0, MAX_DEPTH)
    .map(elementCount);
  if (counts.length === 0) counts.push(undefined);
  const element = lazy(() => types.typeOf(entry));
  return counts.reduceRight<() => Type | undefined>((inner, count) => {
    const array = lazy(() => dimension(inner, count));
    return array;
  }, element)() as ArrayType;
};

function dimension(element: () => Type | undefined, count: number | undefined): ArrayType {
  const size = lazy(() => arraySize({ element: element(), count }, 0));
  return {
    kind: 'array',
    count,
    get name() {
      return typeName(this);
    },
    get size() {
      return size();
    },
    get element() {
      return element();
    },
  };
}

/** Elements of one dimension: DW_AT_count, or the upper bound plus one; undefined when neither is constant. */
function elementCount(subrange: Entry): number | undefined {
  const count = subrange.number(AT.count);
  if (count !== undefined) return count >= 0 ? count : undefined;
  const value = subrange.value(AT.upperBound);
  if (value?.kind !== 'constant') return undefined;
  // Minus one, for an array without elements, is also written as the largest unsigned word.
  const upper = value.bits >= 32 ? BigInt.asIntN(value.bits, value.value) : value.value;
  const total = Number(upper - (subrange.signedConstant(AT.lowerBound) ?? 0n)) + 1;
  return total >= 0 && Number.isSafeInteger(total) ? total : undefined;
}

const structType =
  (flavour: StructType['flavour']): Builder =>
  (types, declared) => {
    const isDeclaration = declared.flag(AT.declaration);
    const entry = (isDeclaration && types.guard(() => types.definitionOf(declared))) || declared;
    const children = lazy(() => types.guard(() => entry.unit.children(entry).slice(0, MAX_MEMBERS)) ?? []);
    const members = lazy(() => types.guard(() => readMembers(types, children())) ?? []);
    const variants = lazy(() => types.guard(() => readVariants(types, children())));
    return {
      kind: 'struct',
      flavour,
      name: taggedName(declared, flavour),
      size: types.sizeOf(entry),
      isIncomplete: isDeclaration && entry === declared,
      get members() {
        return members();
      },
      get variants() {
        return variants();
      },
    };
  };

function readMembers(types: TypeReader, children: readonly Entry[]): Member[] {
  return children
    .filter(({ tag }) => tag === TAG.member || tag === TAG.inheritance)
    .filter((child) => !child.flag(AT.declaration) && !child.flag(AT.external))
    .map((child) => readMember(types, child));
}

function readMember(types: TypeReader, entry: Entry): Member {
  const type = lazy(() => types.typeOf(entry));
  const isBaseClass = entry.tag === TAG.inheritance;
  const base = {
    get name(): string {
      return entry.name() ?? (isBaseClass ? (type()?.name ?? '') : '');
    },
    get type() {
      return type();
    },
    isBaseClass,
  };
  const byteOffset = memberOffset(entry);
  const bitSize = entry.number(AT.bitSize);
  const dataBitOffset = entry.number(AT.dataBitOffset);
  if (bitSize === undefined) {
    return withOffset(base, byteOffset + Math.floor((dataBitOffset ?? 0) / 8));
  }
  let bit = dataBitOffset;
  if (bit === undefined) {
    // Up to DWARF 3 the offset counts from the most significant bit of the storage unit.
    const storageBits = 8 * (entry.number(AT.byteSize) ?? sizeOfType(type()));
    bit = 8 * byteOffset + storageBits - (entry.number(AT.bitOffset) ?? storageBits - bitSize) - bitSize;
  }
  const offset = Math.floor(bit / 8);
  return Object.defineProperties(withOffset(base, offset), {
    bitSize: { value: bitSize, enumerable: true },
    bitOffset: { value: bit - 8 * offset, enumerable: true },
  });
}

/** Adds the offset without reading the getters. */
function withOffset(base: Omit<Member, 'offset'>, offset: number): Member {
  return Object.defineProperty(base, 'offset', { value: offset, enumerable: true }) as Member;
}

/** A constant, or (before DWARF 4) the expression `DW_OP_plus_uconst n`. */
function memberOffset(entry: Entry): number {
  const constant = entry.number(AT.dataMemberLocation);
  if (constant !== undefined) return constant;
  const expression = entry.expression(AT.dataMemberLocation);
  if (expression?.[0] !== 0x23) return 0;
  let offset = 0;
  let scale = 1;
  for (const byte of expression.subarray(1, 6)) {
    offset += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte < 0x80) break;
  }
  return offset;
}

function readVariants(types: TypeReader, children: readonly Entry[]): VariantPart | undefined {
  const part = children.find(({ tag }) => tag === TAG.variantPart);
  if (!part) return undefined;
  const discriminant = part.reference(AT.discr);
  return {
    discriminant: discriminant && readMember(types, discriminant),
    variants: part.unit
      .children(part)
      .filter(({ tag }) => tag === TAG.variant)
      .map((variant) => ({
        values: discriminantValues(variant),
        members: readMembers(types, variant.unit.children(variant)),
      })),
  };
}

/** Values that select a variant: one, or a list of labels and ranges (5.7.10); undefined for the default variant. */
function discriminantValues(variant: Entry): bigint[] | undefined {
  const value = variant.constant(AT.discrValue);
  if (value !== undefined) return [value];
  const list = variant.value(AT.discrList);
  if (list?.kind !== 'block') return undefined;
  const reader = new ByteReader(list.bytes, 'A list of discriminants');
  const values: bigint[] = [];
  while (!reader.isAtEnd) {
    const isRange = reader.u8() !== 0;
    const low = reader.ulebBig();
    const high = isRange ? reader.ulebBig() : low;
    for (let each = low; each <= high && values.length < MAX_DISCRIMINANTS; each++) values.push(each);
  }
  return values;
}

const BUILDERS: Readonly<Record<number, Builder>> = {
  [TAG.baseType]: baseType,
  [TAG.pointerType]: pointerType('pointer'),
  [TAG.referenceType]: pointerType('reference'),
  [TAG.rvalueReferenceType]: pointerType('reference'),
  [TAG.structureType]: structType('struct'),
  [TAG.classType]: structType('class'),
  [TAG.unionType]: structType('union'),
  [TAG.enumerationType]: enumType,
  [TAG.arrayType]: arrayType,
  [TAG.typedef]: aliasType('typedef'),
  [TAG.constType]: aliasType('const'),
  [TAG.volatileType]: aliasType('volatile'),
  [TAG.restrictType]: aliasType('restrict'),
  [TAG.atomicType]: aliasType('atomic'),
  [TAG.subroutineType]: functionType,
};
