/** Integer types by their names in C, Rust and the assembler, for casts. */

export interface IntegerType {
  /** Width in bits. */
  readonly bits: 8 | 16 | 32 | 64;
  readonly signed: boolean;
}

const type = (bits: IntegerType['bits'], signed: boolean): IntegerType => ({ bits, signed });

const NAMES: Readonly<Record<string, IntegerType>> = {
  u8: type(8, false),
  u16: type(16, false),
  u32: type(32, false),
  u64: type(64, false),
  usize: type(64, false),
  i8: type(8, true),
  i16: type(16, true),
  i32: type(32, true),
  i64: type(64, true),
  isize: type(64, true),
  s8: type(8, true),
  s16: type(16, true),
  s32: type(32, true),
  s64: type(64, true),
  uint8_t: type(8, false),
  uint16_t: type(16, false),
  uint32_t: type(32, false),
  uint64_t: type(64, false),
  int8_t: type(8, true),
  int16_t: type(16, true),
  int32_t: type(32, true),
  int64_t: type(64, true),
  uintptr_t: type(64, false),
  size_t: type(64, false),
  char: type(8, false),
  'unsigned char': type(8, false),
  'signed char': type(8, true),
  short: type(16, true),
  'unsigned short': type(16, false),
  int: type(32, true),
  unsigned: type(32, false),
  'unsigned int': type(32, false),
  long: type(64, true),
  'unsigned long': type(64, false),
  'long long': type(64, true),
  'unsigned long long': type(64, false),
};

/** The type of that name, or undefined. */
export function integerTypeNamed(name: string): IntegerType | undefined {
  return Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
}

/** The value's low bits, read as the type says. */
export function wrap(value: bigint, { bits, signed }: IntegerType): bigint {
  return signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}
