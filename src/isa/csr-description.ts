/** The shape of a CSR table entry, and the helpers that the tables are written with. */
import type { Extension } from './extensions';
import { isImplemented } from './extensions';

/**
 * What software may do with a field (Privileged 2.3): reserved (`WPRI`), only legal values may be written (`WLRL`), any
 * value may be written and a legal one is kept (`WARL`), or read-only (`RO`).
 */
export type FieldAccess = 'WPRI' | 'WLRL' | 'WARL' | 'RO';

export interface CsrField {
  readonly name: string;
  /** Highest and lowest bit, inclusive. */
  readonly high: number;
  readonly low: number;
  readonly summary: string;
  readonly access: FieldAccess;
  /** What a value of the field means; a value not listed is reserved. */
  readonly values?: Readonly<Record<number, string>>;
  /** What a value of the field means, in words, where a list would not do; `whole` is the CSR's value. */
  readonly explain?: (value: bigint, whole: bigint) => string;
  /** Without this extension the field reads zero. */
  readonly extension?: Extension;
  /** The bits of the CSR that a write may change, where they are not the whole field. */
  readonly writable?: bigint;
}

/** The lowest privilege mode that may access a CSR, as encoded in bits 9:8 of its number. */
export type CsrPrivilege = 0 | 1 | 3;

export interface CsrDescription {
  /** 0 to 4095. */
  readonly number: number;
  readonly name: string;
  readonly privilege: CsrPrivilege;
  /** Writing it is illegal: bits 11:10 of its number are both 1. */
  readonly readOnly: boolean;
  readonly summary: string;
  /** From the highest bits to the lowest. Bits that belong to no field are zero. */
  readonly fields: readonly CsrField[];
  /** The machine has the CSR only with this extension. */
  readonly extension?: Extension;
  /** The CSR that holds the state, where this one only shows it: `mstatus` for `sstatus`, `mcycle` for `cycle`. */
  readonly viewOf?: string;
  /** The bits that a write may change. */
  readonly writable: bigint;
  /** Makes the next value legal when a rule concerns more than single bits; `old` is the value before the write. */
  readonly legalise?: (old: bigint, next: bigint) => bigint;
  /** The value after reset. */
  readonly reset: bigint;
}

/** The bits `high` to `low`, as a mask. */
export const bitRange = (high: number, low: number): bigint => ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);

type FieldDetails = Pick<CsrField, 'values' | 'explain' | 'extension' | 'writable'>;

export const field = (
  name: string,
  high: number,
  low: number,
  access: FieldAccess,
  summary: string,
  details: FieldDetails = {},
): CsrField => ({ name, high, low, access, summary, ...details });

/** A field of one bit. */
export const flag = (
  name: string,
  bit: number,
  access: FieldAccess,
  summary: string,
  details: FieldDetails = {},
): CsrField => field(name, bit, bit, access, summary, details);

function writableBits({ access, high, low, extension, writable }: CsrField): bigint {
  const fixed = access === 'RO' || access === 'WPRI' || !isImplemented(extension);
  return fixed ? 0n : (writable ?? bitRange(high, low));
}

/** A table entry; privilege and read-only follow from the number (Privileged 2.1), the writable bits from the fields. */
export function csr(
  number: number,
  name: string,
  summary: string,
  fields: readonly CsrField[],
  details: Partial<Pick<CsrDescription, 'extension' | 'viewOf' | 'legalise' | 'reset'>> = {},
): CsrDescription {
  const readOnly = number >> 10 === 3;
  return {
    number,
    name,
    privilege: ((number >> 8) & 3) as CsrPrivilege,
    readOnly,
    summary,
    fields,
    writable: readOnly ? 0n : fields.reduce((mask, one) => mask | writableBits(one), 0n),
    reset: 0n,
    ...details,
  };
}

/** Hexadecimal with 0x, for explanations. */
export const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** The one field of a CSR that holds a single value. */
export const wholeValue = (summary: string, access: FieldAccess = 'WARL'): readonly CsrField[] => [
  field('value', 63, 0, access, summary),
];
