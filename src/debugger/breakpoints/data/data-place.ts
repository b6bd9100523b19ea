/** What a data breakpoint is on, and the id by which a client names it. */
import { hex } from '../../format';
import { ADDRESS_KINDS } from '../../target';
import type { AddressKind } from '../../target';

/** The address space in which an address was meant. */
export interface Origin {
  /** Id of the target. */
  readonly target: number;
  readonly satp: bigint;
  /** An address of a user program: in other address spaces it means something else. Kernels are in all of them. */
  readonly isUser: boolean;
  /** Counts boots: after a restart, the address space has yet to come into being. */
  readonly boot: number;
}

export type DataPlace =
  /** A variable that has one address for ever, or a part of it: found again whenever the program is loaded. */
  | { readonly kind: 'expression'; readonly expression: string; readonly bytes?: number }
  | {
      readonly kind: 'address';
      readonly space: AddressKind;
      readonly address: bigint;
      /** In bytes. */
      readonly size: number;
      /** For the user. */
      readonly name: string;
      readonly origin?: Origin;
    };

/** The most bytes that one data breakpoint may watch. */
export const MOST_BYTES = 1 << 20;

export function formatDataId(place: DataPlace): string {
  return JSON.stringify(place, (_, value: unknown) => (typeof value === 'bigint' ? hex(value) : value));
}

/** The place that an id names; undefined when it is none of ours. */
export function parseDataId(id: string): DataPlace | undefined {
  const parsed = fieldsOf(parseJson(id));
  if (parsed?.['kind'] === 'expression') {
    const { expression, bytes } = parsed;
    if (typeof expression !== 'string' || !(bytes === undefined || isSize(bytes))) return undefined;
    return { kind: 'expression', expression, ...(bytes === undefined ? {} : { bytes }) };
  }
  if (parsed?.['kind'] !== 'address') return undefined;
  const { size, name } = parsed;
  const space = ADDRESS_KINDS.find((kind) => kind === parsed['space']);
  const address = addressOf(parsed['address']);
  if (!space || address === undefined || typeof name !== 'string' || !isSize(size)) return undefined;
  const origin = originOf(parsed['origin']);
  return { kind: 'address', space, address, size, name, ...(origin ? { origin } : {}) };
}

function originOf(value: unknown): Origin | undefined {
  const fields = fieldsOf(value);
  const satp = addressOf(fields?.['satp']);
  const { target, isUser, boot } = fields ?? {};
  if (satp === undefined || typeof target !== 'number' || typeof isUser !== 'boolean' || typeof boot !== 'number') {
    return undefined;
  }
  return { target, satp, isUser, boot };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= MOST_BYTES;
}

function addressOf(value: unknown): bigint | undefined {
  return typeof value === 'string' && /^0x[0-9a-f]{1,16}$/i.test(value) ? BigInt(value) : undefined;
}
