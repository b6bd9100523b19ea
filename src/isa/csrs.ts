/** Every control and status register of the machine, and what follows from the table: look-up, writing, decoding. */
import type { CsrDescription, CsrField } from './csr-description';
import { bitRange, hex } from './csr-description';
import { counterCsrs } from './csrs-counters';
import { debugCsrs } from './csrs-debug';
import { floatCsrs } from './csrs-float';
import { machineCsrs } from './csrs-machine';
import { pmpCsrs } from './csrs-pmp';
import { supervisorCsrs } from './csrs-supervisor';

export type { CsrDescription, CsrField, CsrPrivilege, FieldAccess } from './csr-description';

/** In order of their numbers. Those of an extension that the machine lacks are here too (see `isImplemented`). */
export const csrs: readonly CsrDescription[] = [
  ...floatCsrs,
  ...supervisorCsrs,
  ...machineCsrs,
  ...pmpCsrs,
  ...debugCsrs,
  ...counterCsrs,
].sort((a, b) => a.number - b.number);

const numbers: ReadonlyMap<number, CsrDescription> = new Map(csrs.map((one) => [one.number, one]));
const names: ReadonlyMap<string, CsrDescription> = new Map(csrs.map((one) => [one.name, one]));

/** The CSR with this number, 0 to 4095. */
export const csrByNumber = (number: number): CsrDescription | undefined => numbers.get(number);

/** The CSR with this name, in lower case as in assembly. */
export const csrByName = (name: string): CsrDescription | undefined => names.get(name);

/**
 * The value that a CSR holds after `written` was written to it while it held `old`: bits that cannot change keep their
 * values, and a field given an illegal value follows its rule. Rules that depend on other CSRs (delegation in sie and sip,
 * locked pmpaddr registers) are the hart's.
 */
export function legalValue(csr: CsrDescription, old: bigint, written: bigint): bigint {
  const next = (old & ~csr.writable) | (written & csr.writable);
  return csr.legalise === undefined ? next : csr.legalise(old, next);
}

/** One field of a CSR's value. */
export interface DecodedField {
  readonly field: CsrField;
  readonly value: bigint;
  /** What the value means, in words, or the value itself. */
  readonly text: string;
}

/** The value of one field within a CSR's value. */
export const fieldValue = ({ high, low }: CsrField, value: bigint): bigint =>
  (BigInt.asUintN(64, value) & bitRange(high, low)) >> BigInt(low);

function fieldText(field: CsrField, value: bigint, whole: bigint): string {
  if (field.explain !== undefined) {
    return field.explain(value, whole);
  }
  if (field.values !== undefined) {
    return field.values[Number(value)] ?? `reserved (${value})`;
  }
  return field.high === field.low ? value.toString() : hex(value);
}

/** The fields of a CSR's 64-bit value, from the highest bits to the lowest. */
export function decodeFields(csr: CsrDescription, value: bigint): DecodedField[] {
  const whole = BigInt.asUintN(64, value);
  return csr.fields.map((field) => {
    const part = fieldValue(field, whole);
    return { field, value: part, text: fieldText(field, part, whole) };
  });
}
