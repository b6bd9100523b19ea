/** What can be watched: the ids of data breakpoints for expressions, shown values and addresses. */
import { formatDataId, MOST_BYTES } from '../breakpoints/data/data-place';
import type { DataPlace, Origin } from '../breakpoints/data/data-place';
import { staticStorage, tooLarge } from '../breakpoints/data/resolve-data';
import { DebuggerError } from '../errors';
import { evaluate, integerOf } from '../expressions/evaluate';
import { hex } from '../format';
import type { Session } from '../session';
import type { Frame } from '../stack';
import { isUserMode } from '../target';
import type { AddressKind, Target } from '../target';
import { sizeOf, storageOf } from '../values/datum';
import type { Storage } from '../values/datum';
import type { ValueNode } from '../values/value-node';
import { environmentOf } from './scopes';

/** Something to watch, or why it cannot be watched. */
export interface DataOffer {
  /** Absent: it cannot be watched. */
  readonly id?: string;
  /** For the user: what is watched, or why it cannot be. */
  readonly description: string;
  /** The id means the same in a later session. */
  readonly isLasting: boolean;
}

const refusal = (description: string): DataOffer => ({ description, isLasting: false });

/** @param bytes how many to watch, instead of as many as the type has */
export function offerExpression(
  session: Session,
  frame: Frame | undefined,
  source: string,
  bytes: number | undefined,
): DataOffer {
  try {
    const value = evaluate(source, environmentOf(session, frame));
    const storage = value.kind === 'data' ? storageOf(value.datum) : undefined;
    if (storage) return offer(session, frame, { name: source, expression: source, storage, bytes });
    // A register or a computed number is an address, when it is said how much is to be watched there.
    if (bytes === undefined) return refusal(notInMemory(source));
    const address = BigInt.asUintN(64, integerOf(value));
    const storageThere: Storage = { space: 'gva', address, size: bytes, type: undefined };
    return offer(session, frame, { name: source, storage: storageThere, bytes });
  } catch (error) {
    if (error instanceof DebuggerError) return refusal(error.message);
    throw error;
  }
}

/** For a value as it is shown. */
export function offerNode(
  session: Session,
  frame: Frame | undefined,
  { name, expression, storage }: ValueNode,
  bytes: number | undefined,
): DataOffer {
  if (!storage) return refusal(notInMemory(expression ?? name));
  return offer(session, frame, { name: expression ?? name, ...(expression ? { expression } : {}), storage, bytes });
}

/** For an address; while the guest runs, too, and then of the first guest. */
export function offerAddress(session: Session, space: AddressKind, address: bigint, bytes: number): DataOffer {
  if (bytes > MOST_BYTES) return refusal(tooLarge(bytes));
  const target = session.stopped?.target ?? session.targets[0]!;
  if (target.locate(space, address, target.satp).isDevice) return refusal(deviceAt(address));
  const name = written(space, address);
  const origin = session.stopped ? { origin: originOf(session, target, space, address) } : {};
  const place: DataPlace = { kind: 'address', space, address, size: bytes, name, ...origin };
  return { id: formatDataId(place), description: `${byteText(bytes)} at ${name}`, isLasting: false };
}

interface Watchable {
  readonly name: string;
  readonly expression?: string;
  readonly storage: Storage;
  readonly bytes: number | undefined;
}

function offer(session: Session, frame: Frame | undefined, { name, expression, storage, bytes }: Watchable): DataOffer {
  const { space, address, type } = storage;
  const size = bytes ?? storage.size;
  if (size === 0) return refusal(`The type of "${name}" does not say how many bytes to watch; give a number of bytes.`);
  if (size > MOST_BYTES) return refusal(tooLarge(size));
  const target = frame?.target ?? session.system.current;
  if (target.locate(space, address, target.satp).isDevice) return refusal(deviceAt(address));
  const origin = originOf(session, target, space, address);
  const isLasting =
    space === 'gva' &&
    expression !== undefined &&
    !origin.isUser &&
    isStatic(session, target, frame, expression, address);
  const place: DataPlace = isLasting
    ? { kind: 'expression', expression, ...(bytes === undefined ? {} : { bytes }) }
    : { kind: 'address', space, address, size, name, origin };
  const id = formatDataId(place);
  if (type && sizeOf(type) === size) session.breakpoints.rememberType(id, type);
  return { id, description: `${name} (${byteText(size)} at ${written(space, address)})`, isLasting };
}

/**
 * Whether the expression means this address of the first guest whatever happens. A user program's addresses come and go with it.
 */
function isStatic(
  session: Session,
  target: Target,
  frame: Frame | undefined,
  expression: string,
  address: bigint,
): boolean {
  const { symbols, targets } = session;
  if (target.guest !== targets[0]!.guest) return false;
  const module = frame?.kind === 'code' ? frame.module : undefined;
  if (module && module !== symbols.modules[0]) return false;
  try {
    return staticStorage(symbols, expression).address === address;
  } catch (error) {
    if (error instanceof DebuggerError) return false;
    throw error;
  }
}

const byteText = (count: number): string => `${count} ${count === 1 ? 'byte' : 'bytes'}`;

/** `0x80200000`, `gpa:0x80200000`. */
function written(space: AddressKind, address: bigint): string {
  return `${space === 'gva' ? '' : `${space}:`}${hex(address)}`;
}

function originOf(session: Session, target: Target, space: AddressKind, address: bigint): Origin {
  const { satp, mode, id } = target;
  const boot = session.bootCount;
  if (space !== 'gva') return { target: id, satp, isUser: false, boot };
  const found = target.locate('gva', address, satp);
  const isUser = found.hpa === undefined ? isUserMode(mode) : found.isUser;
  return { target: id, satp, isUser, boot };
}

function deviceAt(address: bigint): string {
  return `${hex(address)} is not memory, and data breakpoints watch memory; "hypervisor.mmio" stops on device accesses.`;
}

function notInMemory(name: string): string {
  return `"${name}" is not in memory, and data breakpoints watch memory; to watch what it points to, use "*${name}".`;
}
