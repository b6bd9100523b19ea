/** From the id of a data breakpoint to the bytes that it watches. */
import { csrByName } from '../../../isa/csrs';
import { floatRegisterNumber, registerNumber } from '../../../isa/registers';
import type { Type } from '../../../symbols/model';
import { DebuggerError } from '../../errors';
import { evaluate } from '../../expressions/evaluate';
import type { Environment, Value } from '../../expressions/evaluate';
import type { SymbolSpace } from '../../symbol-space';
import type { AddressKind } from '../../target';
import { constantDatum, pointerTo, sizeOf, storageOf } from '../../values/datum';
import type { Storage } from '../../values/datum';
import { placeOf } from '../../values/place';
import type { Memory } from '../../values/place';
import type { Resolution } from '../resolve';
import { nothing, PENDING } from '../resolve';
import { MOST_BYTES, parseDataId } from './data-place';
import type { Origin } from './data-place';

/** Which accesses stop. */
export type DataAccessType = 'read' | 'write' | 'readWrite';

/** Bytes that are watched, and what they mean. */
export interface WatchedData {
  /** For the user. */
  readonly name: string;
  readonly space: AddressKind;
  readonly address: bigint;
  /** In bytes. */
  readonly size: number;
  /** What the bytes are, where that is known and the whole of it is watched. */
  readonly type?: Type;
  readonly access: DataAccessType;
  /** Absent: an address of the kernel, in whatever address space. */
  readonly origin?: Origin;
}

const NO_MEMORY: Memory = {
  read: () => undefined,
  write: () => {
    throw new DebuggerError('There is no memory to write yet.');
  },
};

/**
 * Where an expression's value lies when that can be told without running: variables of the kernel that have one address
 * for ever, their members and elements, and constant addresses. @throws DebuggerError otherwise
 */
export function staticStorage(symbols: SymbolSpace, expression: string): Storage {
  const value = evaluate(expression, staticEnvironment(symbols));
  const storage = value.kind === 'data' ? storageOf(value.datum) : undefined;
  if (!storage) throw new DebuggerError(`"${expression}" is not in memory.`);
  return storage;
}

/** @param type what the id's bytes are, if that is known */
export function resolveData(
  symbols: SymbolSpace | undefined,
  id: string,
  access: DataAccessType,
  type: Type | undefined,
): Resolution {
  const place = parseDataId(id);
  if (!place) return nothing('The data breakpoint is of another version or session; remove it and set it anew.');
  if (place.kind === 'address') return watching({ ...place, access, ...(type ? { type } : {}) });
  if (!symbols) return PENDING;
  try {
    const { expression, bytes } = place;
    const storage = staticStorage(symbols, expression);
    const size = bytes ?? storage.size;
    if (size > MOST_BYTES) return nothing(tooLarge(size));
    const typed = storage.type && sizeOf(storage.type) === size ? { type: storage.type } : {};
    return watching({ name: expression, space: 'gva', address: storage.address, size, access, ...typed });
  } catch (error) {
    if (error instanceof DebuggerError) return nothing(error.message);
    throw error;
  }
}

export function tooLarge(size: number): string {
  return `A data breakpoint can watch at most ${MOST_BYTES} bytes, not ${size}.`;
}

function watching(data: WatchedData): Resolution {
  return { trigger: { kind: 'data', data }, verified: true };
}

/** Globals and symbols of the first program, and nothing that changes. */
function staticEnvironment(symbols: SymbolSpace): Environment {
  const module = symbols.modules[0];
  const lookup = (name: string): Value | undefined => {
    const isProcessor =
      name.startsWith('$') ||
      registerNumber(name) !== undefined ||
      floatRegisterNumber(name) !== undefined ||
      csrByName(name) !== undefined;
    if (isProcessor || !module) return undefined;
    const variable = module.file.findGlobal(name);
    if (variable) {
      const context = { pc: 0n, registers: [], readMemory: () => undefined };
      const place = placeOf(module.file.locate(variable, context), context, NO_MEMORY);
      return { kind: 'data', datum: { type: variable.type, place, offset: 0 } };
    }
    const symbol = module.file.findSymbol(name);
    return symbol && { kind: 'data', datum: constantDatum(pointerTo(undefined), symbol.address) };
  };
  return { lookup, memory: NO_MEMORY };
}
