/** An exit record as variables, each field shown by its type; and its fields as names in expressions. */
import { exitFields } from '../../hypervisor/exit-record';
import type { ExitRecord, FieldType } from '../../hypervisor/exit-record';
import { decode } from '../../isa/decode';
import { disassemble } from '../../isa/disassemble';
import { entryAddressOf, entryFlags } from '../../machine/pte';
import { integer } from '../expressions/evaluate';
import type { Value } from '../expressions/evaluate';
import { hex, hex64 } from '../format';
import { describeAddress } from './datum-node';
import type { ValueNode } from './value-node';

type NameOf = (address: bigint) => string | undefined;

/** The field's value as text. Field values are what the field's type says in hypervisor/exit-record.ts. */
const WRITERS: Readonly<Record<FieldType, (value: unknown, record: ExitRecord, nameOf: NameOf) => string>> = {
  text: (value) => String(value),
  number: (value) => String(value),
  flag: (value) => String(value),
  value: (value) => hex64(value as bigint),
  gva: (value, _record, nameOf) => describeAddress(value as bigint, { nameOf }),
  gpa: (value) => hex(value as number),
  hpa: (value) => hex(value as number),
  entry: (value) => entryText(value as bigint),
  word: (value, record) => wordText(value as number, record.pc),
};

const TYPES: Readonly<Record<FieldType, string>> = {
  text: 'text',
  number: 'number',
  flag: 'flag',
  value: 'register value',
  gva: 'GVA',
  gpa: 'GPA',
  hpa: 'HPA',
  entry: 'page-table entry',
  word: 'instruction',
};

/** The kind and all fields that the record has. */
export function recordNodes(record: ExitRecord, nameOf: NameOf): ValueNode[] {
  const values = record as unknown as Readonly<Record<string, unknown>>;
  const kind: ValueNode = { name: 'kind', text: record.kind, type: 'VM exit', expression: 'kind' };
  const fields = exitFields(record.kind).filter((field) => values[field.name] !== undefined);
  return [
    kind,
    ...fields.map((field): ValueNode => {
      const value = values[field.name];
      return {
        name: field.name,
        text: WRITERS[field.type](value, record, nameOf),
        type: `${TYPES[field.type]}: ${field.description}`,
        expression: field.name,
        ...(field.type === 'gva' ? { address: value as bigint } : {}),
      };
    }),
  ];
}

function entryText(entry: bigint): string {
  if ((entry & 1n) === 0n) return `${hex64(entry)} (not valid)`;
  return `${hex64(entry)} ${entryFlags(entry)} → ${hex(entryAddressOf(entry))}`;
}

function wordText(word: number, pc: bigint): string {
  const decoded = decode(word);
  return decoded ? `${hex(word)} (${disassemble(decoded, pc).text})` : hex(word);
}

/** The value of a record's field in an expression; undefined when the record has none of that name. */
export function recordField(record: ExitRecord, name: string): Value | undefined {
  const values = record as unknown as Readonly<Record<string, unknown>>;
  const isField = name === 'kind' || exitFields(record.kind).some((field) => field.name === name);
  const value = isField ? values[name] : undefined;
  switch (typeof value) {
    case 'string':
      return { kind: 'text', value };
    case 'boolean':
      return { kind: 'flag', value };
    case 'number':
    case 'bigint':
      return integer(value);
    default:
      return undefined;
  }
}
