/** Where the bytes of a value are: in guest memory, in a register, or nowhere but in the debug information. */
import type { EvaluationContext, Location, Registers } from '../../symbols/model';
import { DebuggerError } from '../errors';
import { hex } from '../format';
import type { AddressKind } from '../target';

/** Memory of one address space, read and written without side effects on the guest. */
export interface Memory {
  /** `size` bytes at `address`; undefined where any of them cannot be read. */
  read(address: bigint, size: number): Uint8Array | undefined;
  /** @throws DebuggerError where any of the bytes cannot be written (then none is) */
  write(address: bigint, bytes: Uint8Array): void;
}

/** Bytes that a value is made of; offsets count from its first byte. */
export interface Place {
  /** Address of the first byte, when the value is in memory. */
  readonly address?: bigint;
  /** What kind of address that is; the kind that the program itself uses unless said. */
  readonly space?: AddressKind;
  /** Undefined when the bytes cannot be had; `problem` then says why. */
  read(offset: number, size: number): Uint8Array | undefined;
  /** Absent when the value cannot be changed. @throws DebuggerError */
  write?(offset: number, bytes: Uint8Array): void;
  readonly problem?: string;
}

export function memoryPlace(memory: Memory, address: bigint, space: AddressKind = 'gva'): Place {
  const at = (offset: number): bigint => BigInt.asUintN(64, address + BigInt(offset));
  return {
    address,
    space,
    read: (offset, size) => memory.read(at(offset), size),
    write: (offset, bytes) => memory.write(at(offset), bytes),
    problem: `cannot read memory at ${space === 'gva' ? '' : `${space}:`}${hex(address)}`,
  };
}

/** A value known without a place to change it. */
export function constantPlace(bytes: Uint8Array): Place {
  return {
    read: (offset, size) => (offset + size <= bytes.length ? bytes.subarray(offset, offset + size) : undefined),
    problem: 'the debug information describes fewer bytes than the type has',
  };
}

function missingPlace(problem: string): Place {
  return { read: () => undefined, problem };
}

/** The eight bytes of a 64-bit value. */
export function bytesOf(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return bytes;
}

/** A little-endian unsigned number from at most eight bytes. */
export function unsignedOf(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let index = bytes.length - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index]!);
  return value;
}

/** Changes a register of the frame; absent for frames whose registers cannot be changed. */
export type SetRegister = (register: number, value: bigint) => void;

function registerPlace(registers: Registers, register: number, set: SetRegister | undefined): Place {
  const value = registers[register];
  if (value === undefined) return missingPlace('not available in this frame: the register has been reused');
  const bytes = bytesOf(value);
  const place = constantPlace(bytes);
  if (!set) return place;
  return {
    ...place,
    write(offset, written) {
      if (offset + written.length > bytes.length) throw new DebuggerError('The value is larger than its register.');
      bytes.set(written, offset);
      set(register, unsignedOf(bytes));
    },
  };
}

/** The place that a location of the debug information stands for. */
export function placeOf(location: Location, context: EvaluationContext, memory: Memory, set?: SetRegister): Place {
  switch (location.kind) {
    case 'memory':
      return memoryPlace(memory, location.address);
    case 'register':
      return registerPlace(context.registers, location.register, set);
    case 'value':
      return constantPlace(bytesOf(location.value));
    case 'bytes':
      return constantPlace(location.bytes);
    case 'pieces':
      return piecedPlace(location.pieces, context, memory);
    case 'optimized-out':
      return missingPlace('optimized out: the compiler keeps no copy here');
    case 'unavailable':
      return missingPlace(location.reason);
  }
}

const MAX_PIECED_BITS = 8 * 4096;

/** A value spread over several places; read only. */
function piecedPlace(
  pieces: readonly { readonly location: Location; readonly bits: number; readonly offset: number }[],
  context: EvaluationContext,
  memory: Memory,
): Place {
  let value = 0n;
  let at = 0;
  for (const piece of pieces) {
    if (at + piece.bits > MAX_PIECED_BITS) return missingPlace('the debug information describes too large a value');
    const source = placeOf(piece.location, context, memory);
    const bytes = source.read(0, Math.ceil((piece.offset + piece.bits) / 8));
    if (!bytes) return missingPlace(source.problem ?? 'a part of the value is not available');
    value |= BigInt.asUintN(piece.bits, unsignedOf(bytes) >> BigInt(piece.offset)) << BigInt(at);
    at += piece.bits;
  }
  const whole = new Uint8Array(Math.ceil(at / 8));
  for (let index = 0; index < whole.length; index++) whole[index] = Number((value >> BigInt(8 * index)) & 0xffn);
  return constantPlace(whole);
}
